"""What an exchange cost, in whose words; and what its list price is."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokentape
from tests.measure.streams import usage
from tests.samples import DONE, chunk, streamed
from tests.seeds import SEEDS
from tokentape import UsageError, cost, load
from tokentape.measure import listed, normalised, price_table, reported
from tokentape.model import Exchange

MILLION = 1_000_000
TAPES = Path(tokentape.__file__).parent / "tapes"


def asked(
    url: str = "https://api.openai.com/v1/chat/completions",
    model: str = "gpt-4o-mini",
    *,
    prompt: int = MILLION,
    completion: int = MILLION,
    started: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    **more: Any,
) -> Exchange:
    """An answer with this usage, asked of this URL."""
    exchange = streamed(chunk("a"), usage(prompt, completion, **more), DONE, model=model)
    assert exchange.response is not None
    body = exchange.response.body.replace(b"gpt-test-2026", model.encode())
    response = msgspec.structs.replace(
        exchange.response,
        headers=(*exchange.response.headers, *headers),
        reads=(msgspec.structs.replace(exchange.response.reads[0], data=body),),
    )
    request = msgspec.structs.replace(exchange.request, url=url, started=started)
    return msgspec.structs.replace(exchange, request=request, response=response)


REPORTED: dict[str, tuple[dict[str, Any], str | None]] = {
    "cost": ({"cost": 0.000106}, "0.000106"),
    "estimated_cost": ({"estimated_cost": 5.22e-06}, "0.00000522"),
    "text": ({"cost": "0.10"}, "0.10"),
    "nothing": ({"cost": 0}, "0"),
    "ticks, as xAI's list price comes to": ({"cost_in_usd_ticks": 3155600}, "0.00031556"),
    "a key of one's own": (
        {"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}},
        "0.21",
    ),
    "what an upstream took is in the cost": (
        {"cost": 0.01, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.01}},
        "0.01",
    ),
    "null": ({"cost": None, "cost_details": None}, None),
    "no number": ({"cost": "free", "estimated_cost": True, "cost_details": [1]}, None),
    "less than nothing": ({"cost": -1}, None),
    "endless": ({"cost": "Infinity", "estimated_cost": "NaN"}, None),
    "absent": ({}, None),
}


@pytest.mark.parametrize("what", REPORTED)
def test_what_a_provider_says_that_it_cost(what: str) -> None:
    raw, amount = REPORTED[what]
    assert reported(raw) == (None if amount is None else Decimal(amount))


@given(
    st.dictionaries(
        st.sampled_from(["cost", "estimated_cost", "cost_details", "cost_in_usd_ticks", "is_byok"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()),
    )
)
def test_any_usage_gives_a_sum_or_none(raw: dict[str, Any]) -> None:
    amount = reported(raw)
    assert amount is None or (amount.is_finite() and amount >= 0)


def test_seed_000_costs_the_same_by_its_provider_and_by_its_list_price() -> None:
    for path in (SEEDS["000"], TAPES / "reasoning.tape.jsonl"):
        (exchange,) = load(path).exchanges
        paid = cost(exchange)
        assert (paid.amount, paid.source) == (Decimal("0.00000522"), "reported")
        assert paid.field == "estimated_cost"
        price = listed(exchange)
        assert price is not None
        assert price.amount == Decimal("0.00000522")
        assert (price.provider, price.model) == ("deepinfra", "openai/gpt-oss-20b")
        assert (price.day, price.dated) == ("2025-10-02", "created")


def test_the_provider_is_believed_before_the_table_and_that_before_the_list() -> None:
    table = price_table({"gpt-4o-mini": {"input": 7, "output": "0.5"}})
    assert cost(asked(cost=1.5), table).amount == Decimal("1.5")
    assert cost(asked(), table).source == "table"
    assert cost(asked(), table).amount == Decimal("7.5")
    by_list = cost(asked())
    assert (by_list.source, by_list.provider) == ("list price", "openai")
    assert by_list.amount == Decimal("0.75")


def test_what_nobody_says_is_unknown_and_never_0() -> None:
    nowhere = cost(asked("http://127.0.0.1:8000/v1/chat/completions", "openai/gpt-oss-20b"))
    assert nowhere.amount is None
    assert nowhere.source == "unknown"
    assert nowhere.reason is not None
    assert "no list price of openai/gpt-oss-20b by http://127.0.0.1:8000" in nowhere.reason
    assert cost(streamed()).reason == "no usage was reported"
    assert listed(streamed()) is None


@pytest.mark.parametrize(
    ("fields", "day", "dated"),
    [
        ({"started": "2025-03-01T23:30:00-02:00"}, "2025-03-02", "request"),
        ({"headers": (("Date", "Sat, 01 Mar 2025 18:00:00 GMT"),)}, "2025-03-01", "date header"),
        ({"headers": (("Date", "soon"),)}, None, "unknown"),
        ({"started": "yesterday"}, None, "unknown"),
    ],
)
def test_the_price_is_that_of_the_day(fields: dict[str, Any], day: str | None, dated: str) -> None:
    paid = cost(asked(**fields))
    assert (paid.day, paid.dated) == (day, dated)


def test_a_discount_by_the_hour_is_that_of_the_request_and_none_where_the_hour_is_unknown() -> None:
    where = "https://api.deepseek.com/chat/completions"

    def at(started: str | None) -> Decimal | None:
        return cost(asked(where, "deepseek-chat", started=started)).amount

    assert at("2025-03-01T18:00:00Z") == Decimal("0.685")
    assert at("2025-03-01T10:00:00Z") == Decimal("1.37")
    assert at(None) == at("2029-01-01T12:00:00Z")


def test_a_service_tier_has_prices_of_its_own() -> None:
    def at(tier: str) -> Decimal:
        exchange = asked(model="gpt-5-mini")
        assert exchange.response is not None
        (read,) = exchange.response.reads
        data = read.data.replace(b'{"id"', b'{"service_tier": "%s", "id"' % tier.encode())
        reads = (msgspec.structs.replace(read, data=data),)
        response = msgspec.structs.replace(exchange.response, reads=reads)
        amount = cost(msgspec.structs.replace(exchange, response=response)).amount
        assert amount is not None
        return amount

    assert at("flex") < at("default") < at("priority")
    assert at("a tier that nobody lists") == at("default")


def test_reasoning_that_is_counted_apart_is_paid_as_output() -> None:
    more: dict[str, Any] = {
        "total_tokens": 496 + 77 + 121,
        "prompt_tokens_details": {"cached_tokens": 448},
        "completion_tokens_details": {"reasoning_tokens": 121},
    }
    where = "https://api.x.ai/v1/chat/completions"
    paid = cost(asked(where, "grok-code-fast-1", prompt=496, completion=77, **more))
    assert paid.amount == Decimal("0.00031556")


def test_a_table_has_rates_for_the_cache_and_for_reasoning() -> None:
    rates = {"input": 10, "output": 100, "cached": 1, "cache_write": 20, "reasoning": 50}
    table = price_table({"m*": rates, "m1": {"input": 1, "output": 1}})
    messages = normalised(
        {
            "input_tokens": MILLION,
            "cache_read_input_tokens": MILLION,
            "cache_creation_input_tokens": MILLION,
            "output_tokens": MILLION,
        }
    )
    assert table["m*"].amount(messages) == 10 + 1 + 20 + 100
    assert table["m1"].amount(messages) == 4
    thought = normalised(
        {
            "prompt_tokens": 0,
            "completion_tokens": MILLION,
            "completion_tokens_details": {"reasoning_tokens": MILLION // 2},
        }
    )
    assert table["m*"].amount(thought) == 75
    url = "http://127.0.0.1:8000/v1/chat/completions"
    assert cost(asked(url, "m1"), table).model == "m1"
    assert cost(asked(url, "m2"), table).model == "m*"
    assert cost(asked(url, "other"), table).amount is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"m": 3}, "expected a table with input and output, got '3'"),
        ({"m": {"input": 1}}, "no 'output'"),
        ({"m": {"input": 1, "output": 1, "images": 1}}, "unknown key 'images'"),
        ({"m": {"input": -1, "output": 1}}, "price of 'm': input: expected US dollars"),
        ({"m": {"input": True, "output": 1}}, "got 'True'"),
        ({"m": {"input": "NaN", "output": 1}}, "got 'NaN'"),
        ({"m": {"input": "1e99", "output": 1}}, "got '1e99'"),
    ],
)
def test_a_table_that_is_none_says_where(data: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        price_table(data)


def test_without_the_extra_a_list_price_is_unknown_and_the_extra_is_named(tmp_path: Path) -> None:
    tape = tmp_path / "x.tape.jsonl"
    tokentape.save(tokentape.Tape(exchanges=(asked(),)), tape)
    told = (
        "import sys; sys.modules['genai_prices'] = None; sys.modules['genai_prices.types'] = None\n"
        "import tokentape; print(tokentape.cost(tokentape.load(sys.argv[1]).exchanges[0]).reason)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", told, str(tape)], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "no list prices: install tokentape[prices]"


def test_the_state_of_genai_prices_is_left_alone() -> None:
    from genai_prices import data_snapshot

    cost(asked())
    assert data_snapshot._custom_snapshot is None


@pytest.mark.parametrize(
    "more",
    [
        {"prompt_tokens_details": {"cached_tokens": 2 * MILLION}},
        {"prompt_tokens_details": {"audio_tokens": MILLION, "cached_tokens": MILLION}},
        {"total_tokens": 10**14},
    ],
)
def test_a_usage_that_contradicts_itself_is_no_error(more: dict[str, Any]) -> None:
    paid = cost(asked(**more))
    assert (paid.amount is None) == (paid.reason is not None)


def test_every_price_of_a_real_provider_that_is_known_both_ways_is_the_same(shared: Path) -> None:
    names = ("TestOpenAICompatibleThinking/xai", "TestOpenAICompatibleCommon/avian")
    files = [
        path
        for path in sorted((shared / "recordings").rglob("*.yaml"))
        if any(name in str(path) for name in names)
    ]
    assert files
    for path in files:
        for exchange in load(path, repair=True).exchanges:
            price = listed(exchange)
            assert price is not None
            assert price.amount == cost(exchange).amount


def test_an_answer_that_is_no_stream_costs_too() -> None:
    exchange = asked()
    assert exchange.response is not None
    body = json.dumps(
        {"model": "gpt-4o-mini", "usage": {"prompt_tokens": 9, "completion_tokens": 0}}
    )
    response = msgspec.structs.replace(
        exchange.response,
        headers=(("content-type", "application/json"),),
        reads=(msgspec.structs.replace(exchange.response.reads[0], data=body.encode()),),
    )
    assert cost(msgspec.structs.replace(exchange, response=response)).amount == Decimal(
        "0.00000135"
    )
