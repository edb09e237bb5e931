"""Lints the recordings beside the repository and writes docs/lint-counts.md.

usage: python -m docs.lint_counts [FOLDER]
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tokentape import view
from tokentape.errors import TokenTapeError
from tokentape.library import find, open_file
from tokentape.linting import RULES, Rule, lint, select
from tokentape.linting.base import Severity
from tokentape.model import Exchange

PAGE = Path(__file__).with_name("lint-counts.md")
RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "recordings"
# A host's last labels -> who is asked there. Another host stands for itself.
HOSTS = {
    "amazonaws.com": "Amazon Bedrock",
    "api.aws": "Amazon Bedrock",
    "openai.azure.com": "Azure OpenAI",
    "api.openai.com": "OpenAI",
    "ai-gateway.vercel.sh": "Vercel AI Gateway",
    "api.avian.io": "Avian",
    "api.groq.com": "Groq",
    "api.mistral.ai": "Mistral",
    "api.x.ai": "xAI",
    "api.z.ai": "Z.ai",
    "ml.cloud.ibm.com": "watsonx",
    "openrouter.ai": "OpenRouter",
    "router.huggingface.co": "Hugging Face router",
    "snowflakecomputing.com": "Snowflake",
}
_CODES = select(ignored=["USG612"])


@dataclass
class Counts:
    """Of streams or of documents: how many were looked at, and in how many a rule is broken."""

    looked: Counter[str] = field(default_factory=Counter)
    asked: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    broken: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    worst: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def provider(exchange: Exchange) -> str:
    """Who was asked, by the host of the request."""
    host = urlsplit(exchange.request.url).netloc.lower()
    known = (name for end, name in HOSTS.items() if host == end or host.endswith("." + end))
    return next(known, f"`{host}`" if host else "not recorded")


def _exchanges(folder: Path) -> Iterator[Exchange]:
    for found in find((folder,)):
        try:
            yield from open_file(found.path, repair=True).tape.exchanges
        except TokenTapeError:
            continue


def count(exchanges: Iterable[Exchange]) -> dict[bool, Counts]:
    """The counts of streams (True) and of documents (False), of chat completions with a 2xx."""
    found = {True: Counts(), False: Counts()}
    for exchange in exchanges:
        response = exchange.response
        ok = response is not None and 200 <= response.status < 300
        if not ok or view.api(exchange) is not view.Api.CHAT:
            continue
        counts, who = found[view.is_event_stream(exchange)], provider(exchange)
        findings = lint(exchange, codes=_CODES)
        counts.looked[who] += 1
        for rule in RULES:
            counts.asked[rule.code][who] += rule.known_at(exchange.fidelity)
        for finding in findings:
            counts.broken[finding.rule][who] += 1
        for severity in {finding.severity for finding in findings}:
            counts.worst[severity][who] += 1
    return found


def _providers(counts: Counts) -> Iterator[str]:
    yield "| provider | recorded | with errors | with warnings |"
    yield "|---|--:|--:|--:|"
    for who, looked in sorted(counts.looked.items(), key=lambda each: (-each[1], each[0])):
        worst = [str(counts.worst[s][who] or "–") for s in (Severity.ERROR, Severity.WARNING)]
        yield f"| {who} | {looked} | {' | '.join(worst)} |"


def _rule(rule: Rule, counts: Counts) -> str:
    broken, asked = counts.broken[rule.code], counts.asked[rule.code]
    each = sorted(broken.items(), key=lambda one: (-one[1], one[0]))
    told = ", ".join(f"{who} {times}/{asked[who]}" for who, times in each)
    return (
        f"| {rule.code} {rule.name} | {rule.severity.value} "
        f"| {broken.total()}/{asked.total()} | {told} |"
    )


def _rules(counts: Counts) -> Iterator[str]:
    yield "| rule | severity | all | by provider |"
    yield "|---|---|--:|---|"
    order = list(Severity)
    broken = [rule for rule in RULES if rule.code in counts.broken]
    for rule in sorted(broken, key=lambda rule: order.index(rule.severity)):
        yield _rule(rule, counts)


def page(folder: Path) -> str:
    """The whole page."""
    found = count(_exchanges(folder))
    lines = [
        "<!-- written by `python -m docs.lint_counts`; not by hand -->",
        "",
        "# What real streams break",
        "",
        "Chat completions that other projects keep as recordings (charmbracelet/fantasy,",
        "llamastack/llama-stack, pydantic/pydantic-ai), a sample, linted: in how many a rule is",
        "broken, of how many that know enough for it to be asked. The provider is told by the",
        "host that was asked. Rules that none of them breaks are left out, as is USG612, which",
        "depends on the list prices of the day; [lint.md](lint.md#rules) lists all.",
    ]
    for streamed, title in ((True, "Streams"), (False, "Documents")):
        counts = found[streamed]
        lines += ["", f"## {title}: {counts.looked.total()}", ""]
        lines += [*_providers(counts), "", *_rules(counts)]
    return "\n".join(lines) + "\n"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDINGS
    PAGE.write_text(page(folder), encoding="utf-8")


if __name__ == "__main__":
    main()
