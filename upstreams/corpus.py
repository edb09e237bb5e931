"""Records the tapes in tests/corpus from the real servers.

usage: python -m upstreams.corpus

Review what it wrote before you commit it: nothing in it may tell of the machine it ran on.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from openai import APIStatusError, OpenAI

from upstreams import servers
from upstreams.environments import HERE
from upstreams.processes import Server, announcing, tokentape

FOLDER = HERE.parent / "tests" / "corpus"
SETTINGS = HERE / "corpus.toml"


def record(name: str, serve: Callable[[], AbstractContextManager[Server]], model: str) -> None:
    """Record a stream, a whole answer, an error and a stream that the client leaves."""
    with serve() as server:
        command = tokentape("serve", "--mode", "record", "--upstream", server.base_url)
        command += ["--tapes", FOLDER, "--port", "0", "--config", SETTINGS]
        with announcing(command) as recorder:
            for scenario, options in SCENARIOS.items():
                scope = f"{name}-{scenario}"
                Path(FOLDER, f"{scope}.tape.jsonl").unlink(missing_ok=True)
                with OpenAI(
                    base_url=recorder.base_url,
                    api_key="none-needed",
                    max_retries=0,
                    default_headers={"x-tokentape-scope": scope},
                ) as client:
                    ask(client, {"model": model, **options}, leave=scenario == "left")


def ask(client: OpenAI, options: dict[str, Any], *, leave: bool) -> None:
    """Ask, and read to the end; or leave at the first chunk."""
    messages: Any = [{"role": "user", "content": "What is a tape?"}]
    try:
        answer = client.chat.completions.create(messages=messages, **options)
    except APIStatusError:
        return
    if options.get("stream"):
        for _ in answer:
            if leave:
                break
        answer.close()


USAGE = {"include_usage": True}
SCENARIOS: dict[str, dict[str, Any]] = {
    "stream": {"max_tokens": 12, "stream": True, "stream_options": USAGE},
    "whole": {"max_tokens": 12},
    "left": {"max_tokens": 1500, "stream": True},
    "error": {"model": "no-such-model"},
}


def main() -> None:
    record("mlx", servers.mlx, servers.MLX_MODEL)
    record("transformers", servers.transformers, servers.TRANSFORMERS_MODEL)


if __name__ == "__main__":
    main()
