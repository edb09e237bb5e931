"""Measures TokenTape beside its peers and prints the table: `python -m bench --help`."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from bench import (
    assembling,
    loading,
    machine,
    paced,
    passing,
    peers,
    recording,
    replay,
    report,
    start,
)
from bench.install import NotRun
from bench.paced import Pace, Setting
from bench.processes import raise_descriptor_limit
from bench.repeat import Sample
from bench.results import Results

T = TypeVar("T")
SECTIONS = ("replay", "paced", "record", "start", "loading", "assembling")


@dataclass(frozen=True)
class Plan:
    """How much is measured. `extra_s`: seconds for repeats of disturbed runs, per table."""

    seconds: int
    runs: int
    extra_s: float
    settings: tuple[Setting, ...]
    many: int
    loads: int
    passed: tuple[Setting, ...]
    megabytes: int


FULL = Plan(
    seconds=4,
    runs=3,
    extra_s=20,
    settings=paced.SETTINGS,
    many=100_000,
    loads=15,
    passed=passing.SETTINGS,
    megabytes=500,
)
QUICK = Plan(
    seconds=1,
    runs=1,
    extra_s=0,
    settings=(Setting(100, 10, 0.2),),
    many=2_000,
    loads=3,
    passed=passing.SETTINGS[:2],
    megabytes=20,
)


def _or_why(run: Callable[[], T]) -> T | str:
    try:
        return run()
    except NotRun as why:
        return str(why)


def _say(what: str) -> None:
    print(f"bench: {what} ...", file=sys.stderr, flush=True)


def _measure(plan: Plan, only: set[str], work: Path) -> Results:
    _say("looking for the peers")
    found = peers.Peers()
    if only != {"assembling"}:
        found = peers.find(work / "peers", recording="record" in only)
    where = machine.describe(peers.aimock_version(found), peers.litellm_version(found))
    results = Results(where, found.missing, plan.many == QUICK.many)
    if "replay" in only:
        _say("replay at once")
        results.replay = _or_why(
            lambda: replay.measure(
                found, work / "replay", seconds=plan.seconds, runs=plan.runs, extra_s=plan.extra_s
            )
        )
    if "paced" in only:
        for setting in plan.settings:
            _say(f"paced replay: {setting.title}")

            def measured(setting: Setting = setting) -> dict[str, Sample[Pace]]:
                return paced.measure(
                    found, work / "paced", setting, runs=plan.runs, extra_s=plan.extra_s
                )

            results.paced.append((setting, _or_why(measured)))
    if "record" in only:
        _say("passing on: record and forward")
        results.passing = _or_why(
            lambda: passing.measure(
                found,
                work / "passing",
                plan.passed,
                seconds=plan.seconds,
                runs=plan.runs,
                extra_s=plan.extra_s,
            )
        )
        _say("what recording takes")
        results.recording = _or_why(
            lambda: recording.measure(
                found, work / "recording", many=plan.many, most_s=60, megabytes=plan.megabytes
            )
        )
    if "start" in only:
        _say("start to first answer")
        results.start = start.measure(
            found, work / "start", many=plan.many, runs=plan.runs, extra_s=plan.extra_s / 5
        )
    if "loading" in only:
        _say("loading")
        results.cassettes = _or_why(lambda: loading.cassettes(found, plan.loads))
        results.tapes = loading.tapes(plan.loads)
    if "assembling" in only:
        _say("assembling")
        results.assembling = _or_why(lambda: assembling.measure(plan.loads))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a shortened run: does it all work?")
    parser.add_argument("--write", action="store_true", help="keep the run in docs/benchmarks.md")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="measure only this")
    parser.add_argument("--runs", type=int, help="runs for each figure, its median kept (3)")
    asked = parser.parse_args()
    if asked.write and (asked.quick or asked.only):
        parser.error("--write keeps a whole run: it goes with neither --quick nor --only")
    if asked.write:
        report.around()  # better now than after so many minutes
    raise_descriptor_limit()
    plan = QUICK if asked.quick else FULL
    if asked.runs is not None:
        plan = replace(plan, runs=asked.runs)
    with tempfile.TemporaryDirectory(prefix="tokentape-bench-") as work:
        results = _measure(plan, set(asked.only or SECTIONS), Path(work))
    text = f"{report.markdown(results)}\nRuns for each figure: {plan.runs}.\n"
    print(text)
    if asked.write:
        report.write(text)


if __name__ == "__main__":
    main()
