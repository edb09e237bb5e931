"""Runs real clients three times: straight to a provider, while recording, and from the tapes.

usage: python -m upstreams.matrix      (runs all, and writes the table in docs/clients.md)
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from upstreams.environments import FOLDER, HERE, program
from upstreams.processes import announcing, environment, tokentape

CLIENT_TIMEOUT_S = 120
KEY = "sk-planted-key-of-the-client-0123456789"
DOCS = HERE.parent / "docs" / "clients.md"
BEGIN = "<!-- clients: written by `python -m upstreams.matrix`; not by hand -->"
END = "<!-- clients: end -->"


@dataclass(frozen=True)
class Client:
    """A real client: its script below clients/, and the packages whose versions are told."""

    name: str
    environment: str
    script: str
    packages: tuple[str, ...]

    @property
    def command(self) -> list[str | Path]:
        interpreter: str | Path = "node"
        if self.environment == "":
            interpreter = sys.executable
        elif self.environment != "node":
            interpreter = program(self.environment, "python")
        return [interpreter, HERE / "clients" / self.script]


CLIENTS = (
    Client("openai-python 3, sync", "clients", "openai_sync.py", ("openai",)),
    Client("openai-python 3, async", "clients", "openai_async.py", ("openai",)),
    Client("openai-python 1, sync", "openai-1", "openai_sync.py", ("openai",)),
    Client("openai-python 1, async", "openai-1", "openai_async.py", ("openai",)),
    Client("langchain-openai", "clients", "langchain_chat.py", ("langchain-openai",)),
    Client("LiteLLM", "litellm", "litellm_chat.py", ("litellm", "openai")),
    Client("pydantic-ai", "clients", "pydantic_agent.py", ("pydantic-ai-slim",)),
    Client("llm", "clients", "llm_command.py", ("llm",)),
    Client("curl -N", "", "curl_lines.py", ()),
    Client("npm openai", "node", "openai_node.mjs", ("openai",)),
    Client("Vercel AI SDK", "node", "ai_sdk.mjs", ("ai", "@ai-sdk/openai-compatible")),
)


@dataclass(frozen=True)
class Told:
    """What a client made of one scenario. `way` is `stream` or `whole`, `got` is JSON."""

    scenario: str
    way: str
    got: str


@dataclass(frozen=True)
class Run:
    """The three runs of a client, and the folder of the tapes between them."""

    direct: list[Told]
    recorded: list[Told]
    replayed: list[Told]
    tapes: Path


class ClientError(Exception):
    """A client's script failed; the message holds what it said."""


def run(client: Client, tapes: Path) -> Run:
    """Run a client three times; its tapes go to this folder. Raises ClientError."""
    with announcing([sys.executable, "-m", "upstreams.scripted"]) as upstream:
        direct = _tell(client.command, upstream.base_url)
        recorded = _tell(tokentape("record", tapes, "--", *client.command), upstream.base_url)
    # The provider is gone: whatever answers now, it is not the provider.
    replayed = _tell(tokentape("replay", tapes, "--", *client.command), upstream.base_url)
    return Run(direct, recorded, replayed, tapes)


def _tell(command: Sequence[str | Path], base_url: str) -> list[Told]:
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        env=environment(OPENAI_BASE_URL=base_url, OPENAI_API_KEY=KEY),
        capture_output=True,
        check=False,
        timeout=CLIENT_TIMEOUT_S,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace")[-4000:]
        raise ClientError(f"{' '.join(words)}\nended with {done.returncode}:\n{said}")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        Told(each["scenario"], each["way"], json.dumps(each["got"], ensure_ascii=False))
        for each in told
    ]


def versions(client: Client) -> str:
    """The versions that were run."""
    if client.environment == "":
        said = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)
        return "curl " + re.split(r"\s", said.stdout, maxsplit=2)[1]
    find = _node_version if client.environment == "node" else _python_version
    return ", ".join(f"{name} {find(client.environment, name)}" for name in client.packages)


def _python_version(environment: str, package: str) -> str:
    ask = f"from importlib.metadata import version; print(version({package!r}))"
    python = str(program(environment, "python"))
    return subprocess.run(
        [python, "-c", ask], capture_output=True, text=True, check=True
    ).stdout.strip()


def _node_version(environment: str, package: str) -> str:
    described = FOLDER / environment / "node_modules" / package / "package.json"
    version: str = json.loads(described.read_text())["version"]
    return version


def table(runs: Sequence[tuple[Client, Run]]) -> list[str]:
    """The Markdown table of what was run."""
    scenarios = list(dict.fromkeys(told.scenario for _, each in runs for told in each.direct))
    head = ["client", "version", *scenarios, "record", "replay"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for client, each in runs:
        ways = [
            ", ".join(told.way for told in each.direct if told.scenario == scenario) or "–"
            for scenario in scenarios
        ]
        outcomes = [
            "equal" if each.direct == other else "**differs**"
            for other in (each.recorded, each.replayed)
        ]
        lines.append(f"| {' | '.join([client.name, versions(client), *ways, *outcomes])} |")
    return lines


def main() -> None:
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for number, client in enumerate(CLIENTS):
            if client.environment == "node" and shutil.which("node") is None:
                sys.exit("node is missing: install Node.js 18 or newer")
            runs.append((client, run(client, Path(folder, str(number)))))
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    written = "\n".join([BEGIN, f"Run on {when}.", "", *table(runs), END])
    before, _, rest = DOCS.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCS.write_text(before + written + after)
    print(written)
    if "differs" in written:
        sys.exit("a client got something else: tests/upstreams/test_clients.py tells what")


if __name__ == "__main__":
    main()
