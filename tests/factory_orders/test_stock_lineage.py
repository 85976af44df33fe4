"""A car that is built for stock carries the wishes behind its options like any other, before it is sold and after."""

from __future__ import annotations

from sqlalchemy import select, update

from demand.audit_service import CHECKS
from demand.backing.store import note_fulfilments
from demand.backing.tables import proposal_cars
from demand.circles.tables import car_owners
from demand.queries import cars_of_proposal, wishes_behind
from factory_orders import service
from factory_orders.agreements import audit_service
from factory_orders.events import VehicleDelivered, VehicleIdentified
from kernel import outbox
from kernel.immutable import without_guards
from kernel.outbox import Subscription
from kernel.paging import PageRequest
from kernel.soundness import examine
from muster.wiring import count_endings, note_wished_cars
from tests.configurator.small_brand import GUEST, PLAIN_CAR, PLANNER
from tests.demand.compare.studies import wish
from tests.factory_orders.purchasing import bought
from tests.factory_orders.test_light_stock import drive
from tests.factory_orders.test_stock import set_price
from tests.factory_orders.test_stock_orders import car_of, order, way_of
from tests.factory_orders.trade import STORE_ADVISER, SYSTEM, Trade, buyer

NEWS = (
    Subscription("cars", frozenset({VehicleIdentified.kind}), note_wished_cars),
    Subscription("endings", frozenset({VehicleDelivered.kind}), count_endings),
)
OPTION = PLAIN_CAR[0]


def wished(trade: Trade) -> str:
    """Let the catalogue in force name a proposal for an option of the plain car, and return the proposal."""
    proposal_id = wish(trade.works, "That colour")
    with trade.works.change(SYSTEM) as work:
        note_fulfilments(work, proposal_id, [OPTION], trade.version_id)
    return proposal_id


def hear(trade: Trade) -> None:
    while outbox.deliver(trade.works, NEWS):
        pass


def strange(trade: Trade) -> list[str]:
    with trade.works.read(SYSTEM) as work:
        found = examine(work, [one for one in (*CHECKS, *audit_service.CHECKS) if "wish" in one.name])
    return [line for one in found for line in one.violations]


def test_a_car_that_a_store_ordered_leads_to_its_wishes_before_and_after_it_is_sold(trade: Trade) -> None:
    proposal_id = wished(trade)
    made = order(trade)
    vin = trade.build(car_of(trade, made))
    hear(trade)
    with trade.works.read(GUEST) as work:
        in_stock = [(one.option, one.proposal_id) for one in wishes_behind(work, vin)]

    drive(trade, way_of(trade, vin))
    with trade.works.change(STORE_ADVISER) as work:
        service.inspect_arrival(work, way_of(trade, vin), vin=vin)
    set_price(trade, vin)
    who = buyer(7)
    handover = trade.inspect(trade.book(bought(trade, vin, who).id, who=who))
    trade.pay(handover, trade.ask_balance(handover, who=who), who=who)
    trade.sign(handover, who=who)
    hear(trade)

    with trade.works.read(PLANNER) as work:
        cars = [(one.vin, one.option) for one in cars_of_proposal(work, proposal_id, PageRequest(9)).items]
        owners = work.connection.execute(select(car_owners.c.vin, car_owners.c.person_id)).all()
    assert in_stock == [(OPTION, proposal_id)]
    assert cars == [(vin, OPTION)]
    assert owners == [(vin, who.person_id)]
    assert strange(trade) == []


def test_an_audit_finds_a_car_for_stock_that_is_said_to_be_of_another_version(trade: Trade) -> None:
    wished(trade)
    vin = trade.build(car_of(trade, order(trade)))
    hear(trade)

    with trade.works.change(SYSTEM) as work, without_guards(work.connection, [proposal_cars]):
        work.connection.execute(update(proposal_cars).values(version_id="f" * 32))

    assert strange(trade) == [f"car {vin} is said to carry {OPTION} for a proposal"]
