"""Everything one run of the bench measured; a section that could not run is the reason why."""

from dataclasses import dataclass, field

from bench.assembling import Assembling
from bench.loading import Speed
from bench.paced import Pace, Setting
from bench.passing import Passing
from bench.recording import Recording
from bench.repeat import Sample
from bench.replay import Rate
from bench.start import Row


@dataclass
class Results:
    """One run. `where` says what it ran on, `missing` which peers were not run and why."""

    where: list[tuple[str, str]]
    missing: dict[str, str]
    shortened: bool
    replay: dict[str, Sample[Rate]] | str = "not asked for"
    paced: list[tuple[Setting, dict[str, Sample[Pace]] | str]] = field(default_factory=list)
    passing: Passing | str = "not asked for"
    recording: Recording | str = "not asked for"
    start: list[Row] | str = "not asked for"
    cassettes: Speed | str = "not asked for"
    tapes: Speed | str = "not asked for"
    assembling: list[Assembling] | str = "not asked for"
