"""What a store is owed: its fee for a car that was built to order, what a stock car brought beyond the maker's part."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from configurator.service import list_price_minor
from factory_orders import queries
from factory_orders.planning.tables import orders
from factory_orders.store_shares.model import ShareKind, StoreShare, maker_part, share_transfers
from factory_orders.store_shares.tables import store_shares
from kernel.actor import Actor
from kernel.errors import Forbidden, NotFound
from kernel.paging import PageRequest
from tests.configurator.small_brand import EAST_STORE, PLAIN_CAR, PLANNER
from tests.conftest import MONDAY_MORNING
from tests.factory_orders.purchasing import bought, stock_car
from tests.factory_orders.test_stock import PRICE
from tests.factory_orders.trade import OTHER_STORE, STORE_ADVISER, SYSTEM, Trade, buyer

LIST_PRICE = 10_000_000
FEE = 100_000


def statement(trade: Trade, who: Actor = STORE_ADVISER) -> list[StoreShare]:
    with trade.works.read(who) as work:
        return list(queries.store_statement(work, PageRequest(9)).items)


def owed(trade: Trade, who: Actor = STORE_ADVISER) -> dict[str, int]:
    with trade.works.read(who) as work:
        return {one.store_id: one.owed_minor for one in queries.store_balances(work, PageRequest(9)).items}


def test_a_store_has_its_fee_once_the_buyer_has_signed_and_not_before(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.bring_to_store(order_id)
    before = owed(trade)

    trade.hand_over(order_id)

    assert before == {EAST_STORE: 0}
    (share,) = statement(trade)
    assert (share.order_id, share.vin, share.kind) == (order_id, vin, ShareKind.FEE)
    assert (share.sold_minor, share.maker_minor, share.share_minor) == (FEE, 0, FEE)
    assert owed(trade) == {EAST_STORE: FEE}
    assert trade.unsound() == []


def test_a_planner_names_a_store_of_the_brand_or_none(trade: Trade) -> None:
    with trade.works.read(PLANNER) as work:
        assert list(queries.store_statement(work, PageRequest(9), store_id=EAST_STORE).items) == []
        with pytest.raises(NotFound):
            queries.store_statement(work, PageRequest(9), store_id="f" * 32)


def test_what_a_stock_car_brings_beyond_the_makers_part_is_its_stores(trade: Trade) -> None:
    vin = stock_car(trade)
    purchase = bought(trade, vin)
    trade.hand_over(purchase.id, who=buyer(7))

    (share,) = statement(trade)

    assert (share.kind, share.sold_minor, share.maker_minor) == (ShareKind.STOCK, PRICE, maker_part_of(trade, vin))
    assert owed(trade, PLANNER)[EAST_STORE] == share.share_minor == share.sold_minor - share.maker_minor
    assert trade.unsound() == []


def test_a_makers_part_that_is_not_that_of_the_cars_list_price_is_found(trade: Trade) -> None:
    purchase = bought(trade, stock_car(trade))
    trade.hand_over(purchase.id, who=buyer(7))
    with trade.works.change(SYSTEM) as work:
        other = (*PLAIN_CAR[:1], "W19", "PT_BIG", *PLAIN_CAR[3:])
        work.connection.execute(update(orders).where(orders.c.id == purchase.id).values(options=list(other)))

    (found,) = (line for line in trade.unsound() if line.startswith("a store has its part"))
    assert found.endswith(f"order {purchase.id}: the maker's part is 9500000, by its list price 11780000")


def maker_part_of(trade: Trade, vin: str) -> int:
    with trade.works.read(SYSTEM) as work:
        car = queries.vehicles_by_vin(work, [vin])[vin]
        price = list_price_minor(work, trade.version_id, model=car.model, options=car.options)
    return maker_part(price, margin_bp=500)


def test_a_store_sees_its_own_statement_and_a_buyer_none(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.bring_to_store(order_id)
    trade.hand_over(order_id)

    assert statement(trade, OTHER_STORE) == []
    assert owed(trade, OTHER_STORE) == {OTHER_STORE.store_id: 0}
    assert [one.order_id for one in statement(trade, PLANNER)] == [order_id]
    with pytest.raises(Forbidden):
        statement(trade, buyer())


@pytest.mark.parametrize(("share", "kinds"), [(5, ["store_share"]), (0, []), (-5, ["store_shortfall"])])
def test_a_car_that_is_sold_below_the_makers_part_is_the_stores_loss(share: int, kinds: list[str]) -> None:
    one = StoreShare("o", "b", "s", "v", ShareKind.STOCK, 100 + share, 100, share, 0, MONDAY_MORNING)

    made = share_transfers(one)

    assert [transfer.kind for transfer in made] == kinds
    assert sum(transfer.amount.minor for transfer in made) == abs(share)
    assert all((transfer.credit == "store:s") is (share > 0) for transfer in made)


def test_the_makers_part_is_rounded_for_nobody_twice() -> None:
    assert maker_part(LIST_PRICE, margin_bp=500) == 9_500_000
    assert maker_part(LIST_PRICE, margin_bp=0) == LIST_PRICE


def test_the_database_keeps_one_part_an_order_that_adds_up(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.bring_to_store(order_id)
    trade.hand_over(order_id)
    with trade.works.read(SYSTEM) as work:
        row = work.connection.execute(select(store_shares)).mappings().one()

    other = trade.lock(pool_id="8" * 32, first_buyer=5)[0]
    for values in ({**row}, {**row, "order_id": other, "share_minor": 1}, {**row, "order_id": other, "kind": "gift"}):
        with pytest.raises((DatabaseError, IntegrityError)), trade.works.change(SYSTEM) as work:
            work.connection.execute(store_shares.insert().values(**values))
