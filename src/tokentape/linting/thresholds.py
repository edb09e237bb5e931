"""Where the rules that measure draw the line."""

import msgspec


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """Where the rules on time, on cost and on doubled words draw the line.

    `stall_ms`: a pause between two events that bring content (TIM902).
    `burst_events`, `burst_share`, `burst_wait_ms`, `burst_rate`: so many content events, so large a
    share of all, after so long a wait from the request's start, faster than so many a second, are
    one answer cut up (TIM901).
    `cost_percent`: what a reported sum may differ from its list price by (USG612).
    `doubled_words`, `doubled_share`: so many words said twice in a row, and so large a share of a
    choice's words, are two texts mixed (CHO319); so are `near_words` of 24 that come again soon.
    """

    stall_ms: int = 10_000
    burst_events: int = 20
    burst_share: float = 0.9
    burst_wait_ms: int = 1_000
    burst_rate: int = 2_000
    cost_percent: int = 1
    doubled_words: int = 4
    doubled_share: float = 0.06
    near_words: int = 7


DEFAULT_THRESHOLDS = Thresholds()
