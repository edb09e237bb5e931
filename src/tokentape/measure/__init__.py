"""What an exchange took, used and cost: latency by named definitions, usage, cost, statistics."""

from tokentape.measure.costs import Cost, Price, cost, listed, reported
from tokentape.measure.definitions import DEFINITIONS, Definition
from tokentape.measure.latency import ChoiceTiming, Timing, timing
from tokentape.measure.quantiles import Quantiles, quantiles
from tokentape.measure.rates import PriceTable, Rates, price_table
from tokentape.measure.tokens import Usage, normalised, usage

__all__ = [
    "DEFINITIONS",
    "ChoiceTiming",
    "Cost",
    "Definition",
    "Price",
    "PriceTable",
    "Quantiles",
    "Rates",
    "Timing",
    "Usage",
    "cost",
    "listed",
    "normalised",
    "price_table",
    "quantiles",
    "reported",
    "timing",
    "usage",
]
