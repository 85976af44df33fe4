"""What stores should have in stock and have, the daily sharing out with its proof, moves, and who is owed."""

from __future__ import annotations

from datetime import datetime

import strawberry

from factory_orders import queries, service
from factory_orders.errors import VinInvalid
from factory_orders.light_stock import model
from factory_orders.light_stock.model import MoveState
from factory_orders.model import Newness
from graph.access import field, input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.money import Money, show_minor
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.paging import page_request
from kernel.reasons import because
from kernel.work import Work

strawberry.enum(MoveState, name="StockMoveState", description="Whether a car that was offered to a store goes there.")


@object_type(reads=Permission.STOCK_READ)
class StoreStockLevel:
    """How many stock cars of a model a store should have (base stock), and has: standing there, and on their way.

    Of display cars one for each model, unless the brand says otherwise, of demo cars as many as its visitors are worth
    (`demoWanted`); both are not new. `held` stand there while somebody thinks about them: a buyer who holds one, one
    who may have it sooner, another store. `onOrder` are to be built for its stock. All of them together are at most
    `most`, which is where ordering ends; what is shown or driven beyond what is wanted takes a place of base stock.
    """

    store_id: strawberry.ID
    model: str
    weekly_milli: int
    level: int
    standing: int
    held: int
    inbound: int
    display_wanted: int
    display: int
    demo_wanted: int
    demo: int
    on_order: int
    most: int


@object_type(reads=Permission.STOCK_READ)
class AllocationRound:
    """One sharing out of the free cars: `cost` is the least there is, since nothing can cost less than `bound`."""

    id: strawberry.ID
    made_at: datetime
    cars: int
    moved: int
    waiting: int
    cost: Money
    bound: Money
    is_proven: bool


@object_type(reads=Permission.STOCK_READ)
class StockMove:
    """A car that is sent to a store, and why: what it is worth there, its way, what that saves, the next best place.

    Of an `isFirst` car the store had none: it gets one before others get more, whatever that saves. An answered move
    stays `ACCEPTED`; that its car has come, `arrivedAt` says.
    """

    id: strawberry.ID
    round_id: strawberry.ID
    vin: str
    model: str
    from_store_id: strawberry.ID | None
    store_id: strawberry.ID
    distance_km: int
    transport: Money
    days_late: int
    is_first: bool
    worth: Money
    saved: Money
    next_store_id: strawberry.ID | None
    next_saved: Money
    state: MoveState
    offered_at: datetime
    answer_by: datetime
    answered_at: datetime | None
    shipment_id: strawberry.ID | None
    arrived_at: datetime | None = field(about="When the car came to the store; null while it is on its way.")
    reason: str | None


@object_type(reads=Permission.STOCK_READ)
class FairnessLine:
    """What a store is owed of a model after a sharing out, in thousandths of a car; every store sees every line."""

    round_id: strawberry.ID
    store_id: strawberry.ID
    model: str
    owed_before: int
    entitled: int
    received: int
    owed_after: int
    at: datetime


@object_type(reads=Permission.STOCK_READ)
class StockPlanned:
    """The expected sales that base stock follows from now on."""

    store_id: strawberry.ID
    model: str
    weekly_milli: int


@object_type(reads=Permission.STOCK_READ)
class AllocationAsked:
    """The free cars are shared out with the worker's next turn."""

    is_asked: bool


@object_type(reads=Permission.STOCK_READ)
class StockCarShown:
    """A car that is shown or driven from now on, and how new it is."""

    vin: str
    newness: str


@input_type(takes=Permission.BATCH_MANAGE)
class ExpectStockSalesInput:
    """A store, a model, and how many stock cars of it the store is expected to sell: thousandths of a car a week."""

    store_id: strawberry.ID
    model: str
    weekly_milli: int


@input_type(takes=Permission.DELIVERY_WRITE)
class AnswerStockMoveInput:
    """A car that is sent to your store, and whether you take it."""

    move_id: strawberry.ID
    accepts: bool


@input_type(takes=Permission.DELIVERY_WRITE)
class ShowStockCarInput:
    """A car of your stock and what it becomes: `display` or `demo`."""

    vin: str
    use: str


def show_move(one: model.StockMove, *, arrived_at: datetime | None) -> StockMove:
    """Return a move, and when its car came to the store."""
    return StockMove(
        id=write_id("StockMove", one.id),
        round_id=write_id("AllocationRound", one.round_id),
        vin=one.vin,
        model=one.model,
        from_store_id=None if one.from_store_id is None else write_id("Store", one.from_store_id),
        store_id=write_id("Store", one.store_id),
        distance_km=one.distance_km,
        transport=show_minor(one.transport_minor),
        days_late=one.days_late,
        is_first=one.is_first,
        worth=show_minor(one.worth_minor),
        saved=show_minor(one.saved_minor),
        next_store_id=None if one.next_store_id is None else write_id("Store", one.next_store_id),
        next_saved=show_minor(one.next_minor),
        state=one.state,
        offered_at=one.offered_at,
        answer_by=one.answer_by,
        answered_at=one.answered_at,
        shipment_id=None if one.shipment_id is None else write_id("Shipment", one.shipment_id),
        arrived_at=arrived_at,
        reason=one.reason,
    )


def _show_level(one: model.StoreLevel) -> StoreStockLevel:
    return StoreStockLevel(
        store_id=write_id("Store", one.store_id),
        model=one.model,
        weekly_milli=one.weekly_milli,
        level=one.level,
        standing=one.standing,
        held=one.held,
        inbound=one.inbound,
        display_wanted=one.display_wanted,
        display=one.display,
        demo_wanted=one.demo_wanted,
        demo=one.demo,
        on_order=one.on_order,
        most=one.most,
    )


def _show_round(one: model.AllocationRound) -> AllocationRound:
    return AllocationRound(
        id=write_id("AllocationRound", one.id),
        made_at=one.made_at,
        cars=one.cars,
        moved=one.moved,
        waiting=one.waiting,
        cost=show_minor(one.cost_minor),
        bound=show_minor(one.bound_minor),
        is_proven=one.cost_minor == one.bound_minor,
    )


def _show_line(one: model.FairnessLine) -> FairnessLine:
    return FairnessLine(
        round_id=write_id("AllocationRound", one.round_id),
        store_id=write_id("Store", one.store_id),
        model=one.model,
        owed_before=one.owed_before,
        entitled=one.entitled,
        received=one.received,
        owed_after=one.owed_after,
        at=one.at,
    )


@query(reads=Permission.STOCK_READ)
def store_stock_levels(work: Work, first: int, after: Cursor | None = None) -> Connection[StoreStockLevel]:
    """What stores should have of each model and have: your own store's, or every store's for a planner."""
    return show_page(queries.store_levels(work, page_request(first, after)), _show_level)


@query(reads=Permission.STOCK_READ)
def allocation_rounds(work: Work, first: int, after: Cursor | None = None) -> Connection[AllocationRound]:
    """The sharings out of free cars, newest first."""
    return show_page(queries.allocation_rounds_made(work, page_request(first, after)), _show_round)


@query(reads=Permission.STOCK_READ)
def stock_moves(work: Work, first: int, after: Cursor | None = None) -> Connection[StockMove]:
    """Cars that are sent to stores, newest first: to and from your own, or all of them for a planner."""
    page = queries.moves_made(work, page_request(first, after))
    arrived = queries.arrivals_of(work, page.items)
    return show_page(page, lambda one: show_move(one, arrived_at=arrived.get(one.id)))


@query(reads=Permission.STOCK_READ)
def fairness_ledger(work: Work, first: int, after: Cursor | None = None) -> Connection[FairnessLine]:
    """What stores are owed of stock cars, newest first; all of it is seen by all stores."""
    return show_page(queries.fairness_ledger(work, page_request(first, after)), _show_line)


@mutation(does=Permission.BATCH_MANAGE, result="ExpectStockSalesResult")
def expect_stock_sales(work: Work, input: ExpectStockSalesInput) -> StockPlanned:  # noqa: A002  # the API's word
    """Say how many stock cars of a model a store is expected to sell; its base stock follows."""
    raw = raw_id(input.store_id, "Store")
    service.plan_stock_sales(work, raw, input.model, weekly_milli=input.weekly_milli)
    return StockPlanned(store_id=write_id("Store", raw), model=input.model, weekly_milli=input.weekly_milli)


@mutation(does=Permission.BATCH_MANAGE, result="AllocateStockResult")
def allocate_stock(work: Work) -> AllocationAsked:
    """Have the free cars shared out now; it is done every morning by itself."""
    service.ask_for_round(work)
    return AllocationAsked(is_asked=True)


@mutation(does=Permission.DELIVERY_WRITE, result="AnswerStockMoveResult")
def answer_stock_move(work: Work, input: AnswerStockMoveInput) -> StockMove:  # noqa: A002  # the API's word
    """Take a car that is sent to your store, or refuse it."""
    move = service.answer_stock_move(work, raw_id(input.move_id, "StockMove"), accepts=input.accepts)
    return show_move(move, arrived_at=queries.arrivals_of(work, [move]).get(move.id))


@mutation(does=Permission.DELIVERY_WRITE, refuses=(VinInvalid,), result="ShowStockCarResult")
def show_stock_car(work: Work, input: ShowStockCarInput) -> StockCarShown:  # noqa: A002  # the API's word
    """Show a car of your stock or let it be driven; it is not new from then on, and nothing takes that back."""
    uses = {one.word: one for one in (Newness.DISPLAY, Newness.DEMO)}
    if input.use not in uses:
        raise InvalidInput("use", because("STATES_NEEDED", states=tuple(uses)))
    used = service.show_stock_car(work, input.vin, use=uses[input.use])
    return StockCarShown(vin=used.vin, newness=used.newness.word)
