"""How long an exchange took, by a named definition; None for what its recording does not hold."""

from collections.abc import Mapping

import msgspec

from tokentape.measure.definitions import (
    DEFAULT,
    MEASURES,
    NOT_DEFINED,
    Definition,
    Measures,
    Times,
    by_name,
)
from tokentape.measure.observe import Mark, Observed
from tokentape.measure.quantiles import Quantiles, quantiles
from tokentape.measure.tokens import Usage, usage_of
from tokentape.model import Ending, Exchange, Fidelity
from tokentape.view import duration_us

_OF_CONTENT = ("ttft_us", "itl_us", "tpot_us")


class ChoiceTiming(msgspec.Struct, frozen=True, kw_only=True):
    """One choice of an exchange, by the same definition. `chunks`: its events with content."""

    choice: int
    chunks: int
    ttft_us: float | None = None
    itl_us: tuple[float, ...] | None = None
    tpot_us: float | None = None

    @property
    def itl(self) -> Quantiles | None:
        """The quantiles of `itl_us`."""
        return quantiles(self.itl_us or ())


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How long an exchange took, in microseconds since the request was sent.

    None is unknown, and `unknown` says why, by the name of the measure. `itl_us` are all gaps where
    the definition takes gaps, else the one mean it gives. `tokens` are the output tokens that the
    provider reported; `chunks` the events that brought content, which are no tokens. `ended_us` is
    when the response ended, well or not.
    """

    definition: str
    fidelity: Fidelity
    ending: Ending
    ttft_us: float | None = None
    itl_us: tuple[float, ...] | None = None
    tpot_us: float | None = None
    end_to_end_us: float | None = None
    tokens_per_second: float | None = None
    ended_us: int | None = None
    tokens: int | None = None
    chunks: int = 0
    reads: int = 0
    choices: tuple[ChoiceTiming, ...] = ()
    unknown: Mapping[str, str] = {}

    @property
    def itl(self) -> Quantiles | None:
        """The quantiles of `itl_us`."""
        return quantiles(self.itl_us or ())


def timing(exchange: Exchange, definition: str = DEFAULT) -> Timing:
    """How long an exchange took, by this definition (see `definitions.DEFINITIONS`).

    Raises UsageError where there is no definition of that name.
    """
    chosen = by_name(definition)
    observed = Observed(exchange)
    return timing_of(observed, usage_of(observed), chosen)


def timing_of(observed: Observed, usage: Usage, definition: Definition) -> Timing:
    """As `timing`, of an exchange that was observed."""
    exchange = observed.exchange
    known = observed.timed and all(mark.offset_us is not None for mark in observed.marks)
    ended = duration_us(exchange) if observed.timed else None
    well = exchange.ending is Ending.COMPLETE and not observed.failed
    by_choice: dict[int, list[Mark]] = {}
    for mark in observed.marks:
        by_choice.setdefault(mark.choice, []).append(mark)
    text = _times([mark for mark in observed.marks if "content" in mark.parts])
    times = Times(
        content=[_times(marks) for _, marks in sorted(by_choice.items())] if known else [],
        text=text if known else [],
        chunks=[time for time in observed.chunk_times if time is not None] if known else [],
        last=observed.last_time,
        end=ended if well else None,
        tokens=usage.generated,
        first_tokens=observed.first_tokens,
    )
    made = Measures() if observed.failed and not observed.marks else definition.measure(times)
    return Timing(
        definition=definition.name,
        fidelity=exchange.fidelity,
        ending=exchange.ending,
        **{name: getattr(made, name) for name in MEASURES},
        ended_us=ended,
        tokens=usage.generated,
        chunks=len(observed.marks),
        reads=len(exchange.response.reads) if exchange.response and observed.timed else 0,
        choices=tuple(
            _choice(number, marks, times, definition) for number, marks in sorted(by_choice.items())
        ),
        unknown={
            name: _why(name, observed, usage, definition, len(by_choice))
            for name in MEASURES
            # Of one piece of content there is no gap, so neither is there an ITL.
            if getattr(made, name) in (None, ())
        },
    )


def _choice(number: int, marks: list[Mark], times: Times, definition: Definition) -> ChoiceTiming:
    if len(times.content) > 1:
        # Its own tokens and chunks are not told apart from those of the others.
        times = msgspec.structs.replace(
            times,
            content=[_times(marks)],
            text=_times([mark for mark in marks if "content" in mark.parts]),
            chunks=(),
            tokens=None,
        )
    made = definition.measure(times)
    return ChoiceTiming(
        choice=number,
        chunks=len(marks),
        ttft_us=made.ttft_us,
        itl_us=made.itl_us,
        tpot_us=made.tpot_us,
    )


def _why(name: str, observed: Observed, usage: Usage, definition: Definition, choices: int) -> str:
    """Why this measure is not known: what is missing first."""
    ending = observed.exchange.ending
    if definition.formula(name) == NOT_DEFINED:
        return f"{definition.tool} does not define it"
    if observed.status is None:
        return "there is no response"
    if observed.status >= 400:
        return f"status {observed.status}"
    if any(mark.offset_us is None for mark in observed.marks) and observed.timed:
        return "a read has no time"
    if not observed.timed:
        return f"the recording holds no times (fidelity {observed.exchange.fidelity})"
    if name in _OF_CONTENT and not observed.streaming:
        return "the response is no event stream"
    if name in _OF_CONTENT and not observed.marks:
        return "no content came"
    if name == "itl_us" and len(observed.marks) == 1:
        return "only one piece of content came"
    if name == "ttft_us":
        return "nothing that it is measured by came"
    if name not in _OF_CONTENT or (usage.generated is not None and choices == 1):
        if ending is not Ending.COMPLETE:
            return f"the response did not end well: {ending}"
        if observed.error:
            return "an error came in the response"
    if usage.generated is None:
        return "no output tokens were reported"
    if choices > 1:
        return f"{choices} choices share one usage"
    return "what came holds no such span of time"


def _times(marks: list[Mark]) -> list[int]:
    return [mark.offset_us for mark in marks if mark.offset_us is not None]
