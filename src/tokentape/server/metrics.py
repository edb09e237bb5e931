"""The counters as Prometheus wants them."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from tokentape.server.deck import Deck

_EDGES_MS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)


class _Collector:
    """Reads the deck's plain numbers when they are asked for: counting costs the server nothing."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck

    def collect(self) -> Iterator[Metric]:
        deck = self._deck
        counters = deck.counters
        requests = CounterMetricFamily(
            "tokentape_requests", "Requests answered", labels=("outcome",)
        )
        requests.add_metric(("hit",), counters.hits)
        requests.add_metric(("miss",), counters.misses)
        requests.add_metric(("refused",), counters.refused)
        requests.add_metric(("recorded",), counters.recorded)
        requests.add_metric(("forwarded",), counters.forwarded)
        yield requests
        yield CounterMetricFamily(
            "tokentape_left_early", "Answers the client left before their end", counters.left
        )
        yield CounterMetricFamily("tokentape_writes", "Reads written to clients", counters.reads)
        yield CounterMetricFamily("tokentape_body_bytes", "Body bytes written", counters.size)
        if deck.recorder is not None:
            yield CounterMetricFamily(
                "tokentape_unrecorded", "Exchanges the disk did not take", deck.recorder.lost
            )
        yield GaugeMetricFamily("tokentape_open_answers", "Answers on their way", counters.open)
        yield GaugeMetricFamily(
            "tokentape_exchanges", "Exchanges on the tapes", len(deck.library.entries)
        )
        yield GaugeMetricFamily(
            "tokentape_prepared_bytes", "Memory of prepared answers", deck.answers.size
        )
        lateness = counters.lateness
        below = lateness.below([round(edge * 1000) for edge in _EDGES_MS])
        buckets = [(str(edge / 1000), count) for edge, count in zip(_EDGES_MS, below, strict=True)]
        yield HistogramMetricFamily(
            "tokentape_lateness_seconds",
            "How late paced writes went out",
            buckets=[*buckets, ("+Inf", lateness.count)],
            sum_value=lateness.total_us / 1_000_000,
        )


def render(deck: Deck) -> bytes:
    """The text exposition format of all counters."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(deck))
    return generate_latest(registry)
