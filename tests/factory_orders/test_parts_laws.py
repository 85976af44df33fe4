"""Laws of parts, without a database: netting, sharing a stock out, taking back what is spare."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from factory_orders.model import CallOff, CallOffState
from factory_orders.parts.model import Coming, PartDemand, net, surplus, to_withdraw
from factory_orders.parts.queries import share_stock
from tests.configurator.small_brand import BRAND
from tests.factory_orders.trade import NORTH_PLANT

MONDAY: Final = date(2026, 12, 7)
WEEK: Final = timedelta(days=7)

weeks = st.integers(0, 5)
amounts = st.integers(1, 9)


@given(st.dictionaries(weeks, amounts), st.integers(0, 20), st.lists(st.tuples(weeks, amounts), max_size=6))
def test_netting_agrees_with_handing_out_piece_by_piece(
    needs: dict[int, int], on_hand: int, coming: list[tuple[int, int]]
) -> None:
    demands = [PartDemand(MONDAY + WEEK * week, number, MONDAY) for week, number in needs.items()]
    arrivals = [Coming(MONDAY + WEEK * week, number) for week, number in coming]

    found = net(demands, on_hand=on_hand, coming=arrivals)

    pieces = sorted([-1] * on_hand + [week for week, number in coming for _ in range(number)])
    expected: dict[date, int] = {}
    for week in sorted(needs):
        for _ in range(needs[week]):
            if pieces and pieces[0] <= week:
                pieces.pop(0)
            else:
                expected[MONDAY + WEEK * week] = expected.get(MONDAY + WEEK * week, 0) + 1
    assert found == expected
    total = on_hand + sum(number for _, number in coming)
    assert surplus(demands, on_hand=on_hand, coming=arrivals) == max(total - sum(needs.values()), 0)


@given(st.dictionaries(st.sampled_from("abc"), st.lists(amounts, max_size=3), min_size=1), st.integers(0, 40))
def test_a_stock_is_shared_whole_and_nobody_goes_short_beside_who_has_more_than_enough(
    needs: dict[str, list[int]], stock: int
) -> None:
    demands = {("p", who): [PartDemand(MONDAY, one, MONDAY) for one in some] for who, some in needs.items()}

    shared = share_stock(demands, {"p": stock, "q": 9})

    assert sum(shared.values()) == stock
    short = [who for who, some in needs.items() if shared["p", who] < sum(some)]
    more = [who for who, some in needs.items() if shared["p", who] > sum(some)]
    assert not (short and more)


def some_call_offs(quantities: Sequence[int]) -> list[CallOff]:
    state, made_at = CallOffState.OPEN, datetime(2026, 11, 23, tzinfo=UTC)
    return [
        CallOff(
            f"{number:032x}", BRAND, NORTH_PLANT, "s", "p", MONDAY + WEEK * number, MONDAY, quantity, state, made_at
        )
        for number, quantity in enumerate(quantities)
    ]


@given(st.lists(amounts, max_size=6), st.integers(0, 30))
def test_no_more_is_withdrawn_than_is_spare(quantities: list[int], spare: int) -> None:
    given_ones = some_call_offs(quantities)

    gone = to_withdraw(given_ones, spare)

    assert sum(one.quantity for one in gone) <= spare
    left = spare - sum(one.quantity for one in gone)
    assert all(one.quantity > left for one in given_ones if one not in gone)
