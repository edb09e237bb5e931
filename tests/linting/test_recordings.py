"""Real streams: what each provider is known for is found in all of its streams, and nothing else.

The ratios were counted over 1,858 streams; the sample at hand is checked against them.
"""

import json
from collections import Counter, defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

import tokentape
from tests.recorded import exchanges
from tests.seeds import SEEDS
from tokentape import sse, view
from tokentape.library import open_file
from tokentape.linting import lint
from tokentape.linting.base import Severity
from tokentape.model import Exchange, Fidelity, Read

Sample = dict[tuple[str, str], list[tuple[Exchange, set[str]]]]

TAPES = Path(tokentape.__file__).parent / "tapes"
# What every raw or parsed stream of a provider breaks, errors and warnings.
ALWAYS: dict[tuple[str, str], set[str]] = {
    ("openai.com", "bytes"): set(),
    ("openai.com", "events"): set(),
    ("ibm.com", "events"): set(),
    ("localhost", "bytes"): {"USG607"},
    ("localhost", "events"): set(),
    ("azure.com", "bytes"): {"CHK202", "CHK204", "CHK206", "CHK209"},
    ("azure.com", "events"): {"CHK202", "CHK209"},
    ("0.0.0.0:11434", "events"): {"DEL402"},
    ("api.aws", "events"): {"CHK217"},
    ("amazonaws.com", "events"): {"CHK217"},
    ("openrouter.ai", "bytes"): {"DEL402", "USG607"},
    ("avian.io", "bytes"): {"DEL402", "CHK203", "CHO308", "CHO309", "USG603", "USG607"},
    ("z.ai", "bytes"): {"DEL402", "CHO313", "USG603", "USG607"},
    ("x.ai", "bytes"): {"CHO313", "CHK205", "USG607", "USG608", "USG609"},
    ("vercel.sh", "bytes"): {"USG603", "USG607"},
    ("groq.com", "bytes"): set(),
    ("huggingface.co", "bytes"): {"USG607"},
    ("snowflakecomputing.com", "bytes"): {
        *("CHK204", "CHK206", "CHK211", "CHO307", "CHO313", "DEL402", "DEL406", "USG607"),
    },
}
# What some of its streams break besides.
SOMETIMES: dict[str, set[str]] = {
    "openrouter.ai": {"CHO308", "CHO309", "USG603", "DEL405"},
    "avian.io": {"CHK205"},
    "vercel.sh": {"USG609"},
    "amazonaws.com": {"TOL515"},
    "groq.com": {"SSE101", "CHK211", "CHK214", "CHO307", "USG603", "USG604", "USG607"},
    "huggingface.co": {"CHK211", "USG603", "USG604"},
}


def _provider(exchange: Exchange) -> str:
    host = urlsplit(exchange.request.url).netloc
    known = {provider for provider, _ in ALWAYS}
    return next((p for p in known if host == p or host.partition(":")[0].endswith(p)), host)


def _broken(exchange: Exchange) -> set[str]:
    return {f.rule for f in lint(exchange) if f.severity is not Severity.INFO}


@pytest.fixture(scope="module")
def sample(shared: Path) -> Sample:
    found: Sample = defaultdict(list)
    for _, exchange in exchanges([shared / "recordings"]):
        if view.api(exchange) is view.Api.CHAT and view.is_event_stream(exchange):
            # A stream of n=1 is a stream as it was sent; seed 001 is the other kind.
            key = (_provider(exchange), exchange.fidelity.value)
            found[key].append((exchange, _broken(exchange)))
    return found


def test_the_sample_is_as_large_as_it_was(sample: Sample) -> None:
    assert set(sample) == set(ALWAYS)
    assert sum(map(len, sample.values())) >= 70


def test_openai_breaks_nothing(sample: Sample) -> None:
    streams = sample["openai.com", "bytes"] + sample["openai.com", "events"]
    assert len(streams) >= 20
    assert [broken for _, broken in streams if broken] == []


@pytest.mark.parametrize(("provider", "fidelity"), ALWAYS)
def test_each_provider_breaks_what_it_is_known_for(
    sample: Sample, provider: str, fidelity: str
) -> None:
    always = ALWAYS[provider, fidelity]
    for exchange, broken in sample[provider, fidelity]:
        # Bedrock's obfuscation came later than its first recordings.
        expected = always if '"obfuscation"' in exchange.body.decode() else always - {"CHK217"}
        assert broken >= expected, exchange.request.url
        assert broken - always <= SOMETIMES.get(provider, set()), exchange.request.url


def test_real_streams_doubled_are_no_mixed_choices(sample: Sample) -> None:
    """Two choices that say the same, each in its place, are not taken for mixed ones."""
    judged = 0
    for streams in sample.values():
        for exchange, _ in streams:
            frames = []
            for event in view.events(exchange):
                payload = view.parse_json(event.data)
                if not isinstance(payload, dict):
                    frames.append(sse.render(event.data))
                    continue
                both = payload.get("choices") or []
                payload["choices"] = both + [c | {"index": 1} for c in both]
                frames.append(sse.render(json.dumps(payload)))
            assert exchange.response is not None
            response = msgspec.structs.replace(exchange.response, reads=(Read(b"".join(frames)),))
            doubled = msgspec.structs.replace(exchange, response=response)
            assert not lint(doubled, codes={"CHO319", "CHO306", "CHO302"})
            judged += 1
    assert judged >= 70


OF_SEEDS = {
    "000": {"DEL402", "USG603"},
    "001": {"CHO306"},
    "002": {"SSE101", "SSE106"},
    "003": set(),
    "004": set(),
}


@pytest.mark.parametrize("seed", OF_SEEDS)
def test_the_seeds(seed: str) -> None:
    tape = open_file(SEEDS[seed], repair=True).tape
    assert {rule for exchange in tape.exchanges for rule in _broken(exchange)} == OF_SEEDS[seed]


def test_the_mixed_choices_of_seed_001_are_seen_by_their_words(shared: Path) -> None:
    (path,) = (shared / "seeds").glob("001_*")
    (exchange,) = open_file(path, repair=True).tape.exchanges
    (found,) = lint(exchange, codes={"CHO319"})
    assert found.json_path == "$.choices[0]"
    assert found.message.startswith("choice 0 says 8 of 24 words again within 4")


def test_the_bundled_tape_of_a_clean_stream_is_clean() -> None:
    tape = tokentape.load(TAPES / "tool-call.tape.jsonl")
    assert [f.rule for f in tokentape.lint(tape) if f.severity is not Severity.INFO] == []


def test_no_recording_of_another_api_is_blamed_for_what_chat_has(shared: Path) -> None:
    streams: Counter[str] = Counter()
    for _, exchange in exchanges([shared / "recordings"]):
        if view.api(exchange) is not view.Api.CHAT and exchange.response is not None:
            streams[view.api(exchange).value] += view.is_event_stream(exchange)
            assert lint(exchange) == []
    assert streams["responses"]
    assert streams["gemini"]


def test_what_a_recorder_did_is_not_blamed_on_the_provider(sample: Sample) -> None:
    for (_, fidelity), streams in sample.items():
        if fidelity == Fidelity.EVENTS:
            for exchange, _ in streams:
                found = {finding.rule for finding in lint(exchange)}
                raw = {"REQ801", "CHK203", "CHK204", "CHK205", "CHK206", "CHO313", "TOL509"}
                assert not found & (raw | {"USG607", "SSE101", "SSE110"})
