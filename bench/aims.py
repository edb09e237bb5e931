"""What the project aims at, and whether a run of the bench reached it."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench import assembling, paced, passing, replay
from bench.assembling import Assembling
from bench.paced import Pace, Setting
from bench.passing import Passing
from bench.recording import Recording
from bench.repeat import Sample
from bench.results import Results
from bench.start import Row

# What still is flat. While a stream runs, a bounded backlog may wait for the disk.
_FLAT_MB = 4
_FLAT_LONG_MB = 32


@dataclass(frozen=True)
class Aim:
    """One aim: what it is of, the figure aimed at, the one measured, and whether it holds."""

    what: str
    aim: str
    measured: str
    holds: bool


def _replay(results: Results) -> Iterator[Aim]:
    if isinstance(results.replay, str):
        return
    rates = {
        name: found.middle(lambda rate: rate.requests_s) for name, found in results.replay.items()
    }
    for peer, least in ((replay.AIMOCK, 8.0), (replay.NGINX, 0.7), (replay.BARE, 0.8)):
        if peer in rates:
            ratio = rates[replay.TOKENTAPE] / rates[peer]
            yield Aim(
                f"replay at once, times {peer}", f"≥ {least:g}", f"{ratio:.2f}", ratio >= least
            )


def _pace(setting: Setting, found: Sample[Pace]) -> Iterator[Aim]:
    late = found.middle(lambda pace: pace.p99_us) / 1000
    limit = {1_000: 3.0, 10_000: 15.0}[setting.streams]
    yield Aim(f"{setting.title}: lateness p99", f"≤ {limit:g} ms", f"{late:.1f} ms", late <= limit)
    if setting.streams == 1_000:
        return
    cpu = found.middle(lambda pace: pace.server_cpu)
    yield Aim(f"{setting.title}: CPU", "≤ 0.6 of a core", f"{cpu:.2f}", cpu <= 0.6)
    memory = found.middle(lambda pace: pace.bytes_a_stream) / 1024
    yield Aim(f"{setting.title}: memory a stream", "≤ 30 KB", f"{memory:.1f} KB", memory <= 30)


def _start(row: Row) -> Iterator[Aim]:
    for what, found, limit in (("first time", row.first, 10.0), ("after", row.after, 1.0)):
        if found is not None:
            seconds = found.middle(lambda start: start.seconds)
            yield Aim(
                f"start to first answer, {row.exchanges:,} exchanges ({row.layout}): {what}",
                f"≤ {limit:g} s",
                f"{seconds:.2f} s",
                seconds <= limit,
            )


def _passing(found: Passing) -> Iterator[Aim]:
    first = {
        name: sample.middle(lambda first: first.p50_us) / 1000
        for name, sample in found.first.items()
    }
    added = first[passing.RECORD] - first[passing.DIRECT]
    yield Aim(
        "recording: time to first byte added, p50", "≤ 0.4 ms", f"{added:.2f} ms", added <= 0.4
    )
    for setting, samples in found.paced:
        if setting.streams == 200:
            late = {
                name: sample.middle(lambda pace: pace.p99_us) / 1000
                for name, sample in samples.items()
            }
            more = late[passing.RECORD] - late[passing.DIRECT]
            yield Aim(
                f"recording {setting.title}: lateness added, p99",
                "≤ 3 ms",
                f"{more:.1f} ms",
                more <= 3,
            )
    rates = {
        name: sample.middle(lambda rate: rate.requests_s) for name, sample in found.rates.items()
    }
    for peer, least in ((passing.AIMOCK, 2.5), (passing.LITELLM, 10), (passing.LITELLM_PASS, 10)):
        if peer in rates:
            ratio = rates[passing.RECORD] / rates[peer]
            yield Aim(
                f"recording: requests/s, times {peer}",
                f"≥ {least:g}",
                f"{ratio:.2f}",
                ratio >= least,
            )


def _recording(found: Recording) -> Iterator[Aim]:
    disk, memory, long = found.disk, found.memory, found.long
    for what, size, most in (("plain", disk.plain, 1.3), ("zst", disk.zst, 0.2)):
        share = size / disk.wire
        yield Aim(
            f"recording: bytes on disk over bytes on the wire, {what}",
            f"≤ {most:g}",
            f"{share:.2f}",
            share <= most,
        )
    grown = (memory.many - memory.some) / 1e6
    yield Aim(
        f"recording: memory after {memory.many_exchanges:,} exchanges, over "
        f"{memory.some_exchanges:,}",
        f"≤ {_FLAT_MB} MB more",
        f"{grown:.1f} MB",
        grown <= _FLAT_MB,
    )
    grown = (long.most - long.before) / 1e6
    yield Aim(
        f"recording one stream of {long.size / 1e6:.0f} MB: most memory over that before",
        f"≤ {_FLAT_LONG_MB} MB more",
        f"{grown:.1f} MB",
        grown <= _FLAT_LONG_MB,
    )


def _assembling(found: list[Assembling]) -> Iterator[Aim]:
    for stream in found:
        aims = {assembling.STATE: 15.0, assembling.DELTAS: 15.0}
        # A short stream pays for its beginning and its end: the aim beside JSON is of a long one.
        aims |= {assembling.JSON: 0.4} if stream.chunks >= assembling.CHUNKS else {}
        for name, least in aims.items():
            times = stream.times(name)
            yield Aim(
                f"assembling {stream.title}: speed, times {name}",
                f"≥ {least:g}",
                f"{times:.2f}",
                times >= least,
            )
        times = stream.times(assembling.STATE, assembling.LINTED)
        yield Aim(
            f"assembling and linting {stream.title}: speed, times {assembling.STATE}",
            "≥ 8",
            f"{times:.2f}",
            times >= 8,
        )


def judge(results: Results) -> list[Aim]:
    """Every aim that this run measured."""
    found = list(_replay(results))
    for setting, samples in results.paced:
        if not isinstance(samples, str):
            found += _pace(setting, samples[paced.TOKENTAPE])
    if not isinstance(results.passing, str):
        found += _passing(results.passing)
    if not isinstance(results.recording, str):
        found += _recording(results.recording)
    if not isinstance(results.start, str):
        for row in results.start:
            if row.exchanges >= 100_000:
                found += _start(row)
    if not isinstance(results.assembling, str):
        found += _assembling(results.assembling)
    return found
