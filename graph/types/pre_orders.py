"""Pre-orders: placed through the door that gathers them for one commit, withdrawn, offered more for."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import orjson
import strawberry
from strawberry.types import Info

from configurator.errors import PriceMismatch, QuoteAltered, QuoteExpired, QuoteTaken
from demand import model, queries, service
from demand.errors import (
    AlreadyInPool,
    CapNotRaised,
    CapTooLow,
    DepositAboveCeiling,
    FinanceNotApproved,
    FreezeNotAccepted,
    NoOpenPool,
    PersonNotVerified,
    PoolClosed,
    PoolFrozen,
    PoolFull,
    PreOrderClosed,
    WrongClass,
)
from demand.model import FailureChoice, PaymentMethod
from demand.model import PreOrder as DemandPreOrder
from graph.access import field, input_type, object_type, resolved
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types import brand, orders, payments, pools, quotes
from graph.types.money import Money, MoneyInput, read_money, show_minor
from graph.types.pages import Connection, Node, show_page
from graph.types.timelines import TimelineEntry, load_timelines
from graph.waiting import outcome_of
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.payments import (
    AuthorisationExpired,
    AuthorisationNotYours,
    PaymentAlreadyMade,
    PaymentAmountMismatch,
    PaymentSignatureInvalid,
)
from kernel.work import Work

strawberry.enum(FailureChoice, description="What a member wants if the pool fails.")
strawberry.enum(PaymentMethod, description="How the balance will be paid.")


@object_type(reads=Permission.OWN_READ)
class PreOrder(Node):
    """A conditional commitment to buy a quoted car: at most for the cap, if its pool clears. Later it is the order."""

    id: strawberry.ID
    state: str
    model: str
    options: list[str] = field(at_most=60)
    vehicle_price: Money
    price_cap: Money
    deposit: Money
    method: PaymentMethod
    failure_choice: FailureChoice
    pool_id: strawberry.ID
    quote_id: strawberry.ID
    store_id: strawberry.ID
    placed_at: datetime
    funded_at: datetime | None
    payable_until: datetime | None
    locked_price: Money | None
    locked_at: datetime | None
    ended_at: datetime | None
    refund_by: datetime | None
    rolls: int
    accepts_wider_class: bool
    accepts_frozen: bool
    finance_approved_at: datetime | None
    plate_confirmed_at: datetime | None
    raw: strawberry.Private[DemandPreOrder]
    became: strawberry.Private[orders.Order | None] = None

    @resolved(about="Its pool.")
    async def pool(self, info: Info[Request, None]) -> pools.Pool | None:
        """Load the pool."""
        return cast("pools.Pool | None", await info.context.load("pools", pools.load_pools, self.raw.pool_id))

    @resolved(about="Everything that happened, from the acknowledgement to the handover.", at_most=30)
    async def timeline(self, info: Info[Request, None]) -> list[TimelineEntry]:
        """Load the timeline."""
        found = await info.context.load("timelines", load_timelines, self.raw.head.id)
        return cast("list[TimelineEntry]", found or [])

    @resolved(about="The store that hands the car over.")
    async def store(self, info: Info[Request, None]) -> brand.Store | None:
        """Load the store."""
        found = await info.context.load("stores", brand.load_stores, self.raw.head.store_id)
        return cast("brand.Store | None", found)

    @resolved(about="The quote that was accepted.")
    async def quote(self, info: Info[Request, None]) -> quotes.Quote | None:
        """Load the quote."""
        return cast(
            "quotes.Quote | None", await info.context.load("quotes", quotes.load_quotes, self.raw.head.quote_id)
        )

    @resolved(about="The order it became when its pool locked, with its car and its way; null before.")
    async def order(self, info: Info[Request, None]) -> orders.Order | None:
        """Load the order."""
        return cast("orders.Order | None", await info.context.load("orders", orders.load_orders, self.raw.head.id))

    @resolved(about="What was to be paid for it, and what was.")
    async def payments(self, info: Info[Request, None]) -> list[payments.Payment]:
        """Load the payments."""
        found = await info.context.load("payments", payments.load_payments, self.raw.head.id)
        return cast("list[payments.Payment]", found or [])


@object_type(reads=Permission.OWN_READ)
class ClearingProof:
    """That you were counted in: your price is under the clearing's root, which everybody can see.

    You appear as `member`, a pseudonym that nobody else can tell is you. `document` is the same as JSON, for
    `muster verify`.
    """

    member: str
    price: Money
    index: int
    size: int
    path: list[str] = field(at_most=20)
    root: str
    document: str


@input_type(takes=Permission.PREORDER)
class PlacePreOrderInput:
    """The accepted quote, the most you would pay for the car with its options, and what to do if the pool fails.

    With an authorisation the place is taken at once; without one a payment is asked for. `poolId` is the pool of the
    car's class where it is left out; `acceptsWiderClass` agrees to one of every trim, `acceptsFrozen` to one that
    nobody leaves any more. `quoteSignature` and `vehiclePrice` hold the quote to what you have in hand. The same
    idempotency key answers the same pre-order.
    """

    idempotency_key: str
    quote_id: strawberry.ID
    price_cap: MoneyInput
    pool_id: strawberry.ID | None = None
    store_id: strawberry.ID | None = None
    failure_choice: FailureChoice = FailureChoice.REFUND
    method: PaymentMethod = PaymentMethod.CASH
    accepts_wider_class: bool = False
    accepts_frozen: bool = False
    authorisation: str | None = None
    quote_signature: str | None = None
    vehicle_price: MoneyInput | None = None


@input_type(takes=Permission.PREORDER)
class PreOrderInput:
    """One of your pre-orders."""

    pre_order_id: strawberry.ID


@input_type(takes=Permission.PREORDER)
class RaiseCapInput:
    """A higher cap for one of your pre-orders."""

    pre_order_id: strawberry.ID
    price_cap: MoneyInput


@input_type(takes=Permission.PREORDER)
class ChangeCarInput:
    """One of your pre-orders, the new quote of another car of its class, and the most you would pay for that one.

    Where it waits and two pools asked, `poolId` says which one you answer; else one that may still be left comes first,
    and of those one of your trim.
    """

    pre_order_id: strawberry.ID
    quote_id: strawberry.ID
    price_cap: MoneyInput
    pool_id: strawberry.ID | None = None


@input_type(takes=Permission.PREORDER)
class PaymentMethodInput:
    """One of your pre-orders, and how you will pay the balance."""

    pre_order_id: strawberry.ID
    method: PaymentMethod


@input_type(takes=Permission.FINANCE_APPROVE)
class ApproveFinanceInput:
    """A pre-order whose finance is approved."""

    pre_order_id: strawberry.ID


@object_type(reads=Permission.FINANCE_APPROVE)
class FinanceApproved:
    """Since when the finance of a pre-order is approved."""

    pre_order_id: strawberry.ID
    at: datetime | None


@input_type(takes=Permission.MEMBER_REMOVE)
class RemoveMemberInput:
    """A pre-order that holds a place or waits for one, and the number of the case in which the fraud was proven."""

    pre_order_id: strawberry.ID
    case: str


@object_type(reads=Permission.MEMBER_REMOVE)
class RemovedMember:
    """Who was taken out, and when the deposit is back at the latest."""

    pre_order_id: strawberry.ID
    refund_by: datetime | None


def show_pre_order(found: DemandPreOrder) -> PreOrder:
    """Return a pre-order in its state."""
    head = found.head
    locked = found if isinstance(found, model.LockedPreOrder) else None
    ended = found if isinstance(found, model.EndedPreOrder) else None
    return PreOrder(
        id=write_id("PreOrder", head.id),
        state=model.pre_order_state(found),
        model=head.model,
        options=list(head.options),
        vehicle_price=show_minor(head.offer.vehicle_price_minor),
        price_cap=show_minor(head.offer.price_cap_minor),
        deposit=show_minor(head.deposit_minor),
        method=head.method,
        failure_choice=head.failure_choice,
        pool_id=write_id("Pool", found.pool_id),
        quote_id=write_id("Quote", head.quote_id),
        store_id=write_id("Store", head.store_id),
        placed_at=head.placed_at,
        funded_at=getattr(found, "funded_at", None),
        payable_until=getattr(found, "payable_until", None),
        locked_price=show_minor(locked.price_minor) if locked is not None else None,
        locked_at=locked.locked_at if locked is not None else None,
        ended_at=ended.at if ended is not None else None,
        refund_by=ended.refund_by if ended is not None else None,
        rolls=head.rolls,
        accepts_wider_class=head.accepts_wider_class,
        accepts_frozen=head.accepts_frozen,
        finance_approved_at=head.finance_approved_at,
        plate_confirmed_at=head.plate_confirmed_at,
        raw=found,
    )


def load_pre_orders(work: Work, pre_order_ids: list[str]) -> dict[str, PreOrder]:
    """Return the pre-orders this actor may see by id."""
    found = queries.pre_orders_seen(work, pre_order_ids)
    return {key: show_pre_order(one) for key, one in found.items()}


@query(reads=Permission.OWN_READ)
def my_pre_orders(work: Work, first: int, after: Cursor | None = None) -> Connection[PreOrder]:
    """Your pre-orders and orders, newest first."""
    return show_page(queries.own_pre_orders(work, page_request(first, after)), show_pre_order)


@query(reads=Permission.OWN_READ)
def pre_order(work: Work, id: strawberry.ID) -> PreOrder | None:  # noqa: A002  # the API's word
    """One of your pre-orders."""
    raw = raw_id(id, "PreOrder")
    return load_pre_orders(work, [raw]).get(raw) if work.actor.account_id is not None else None


@query(reads=Permission.OWN_READ)
def clearing_proof(work: Work, pre_order_id: strawberry.ID) -> ClearingProof | None:
    """The proof that one of your pre-orders was in its pool's clearing; null where it did not lock."""
    found = queries.own_proof(work, raw_id(pre_order_id, "PreOrder")) if work.actor.account_id is not None else None
    if found is None:
        return None
    return ClearingProof(
        member=found.member.member,
        price=show_minor(found.member.price_minor),
        index=found.index,
        size=found.size,
        path=list(found.path),
        root=found.root,
        document=orjson.dumps(found.document(), option=orjson.OPT_SORT_KEYS).decode(),
    )


@mutation(
    does=Permission.PREORDER,
    refuses=(
        PersonNotVerified,
        QuoteExpired,
        QuoteTaken,
        QuoteAltered,
        PriceMismatch,
        NoOpenPool,
        PoolClosed,
        PoolFull,
        WrongClass,
        AlreadyInPool,
        CapTooLow,
        FreezeNotAccepted,
        FinanceNotApproved,
        DepositAboveCeiling,
        PaymentSignatureInvalid,
        PaymentAmountMismatch,
        PaymentAlreadyMade,
        AuthorisationNotYours,
        AuthorisationExpired,
    ),
    result="PlacePreOrderResult",
)
async def place_pre_order(request: Request, input: PlacePreOrderInput) -> PreOrder:  # noqa: A002  # the API's word
    """Pre-order a quoted car; it is durable before this answers."""
    asked = service.PreOrderRequest(
        actor=request.actor,
        idempotency_key=input.idempotency_key,
        quote_id=raw_id(input.quote_id, "Quote"),
        price_cap_minor=read_money(input.price_cap, "priceCap").minor,
        pool_id=raw_id(input.pool_id, "Pool") if input.pool_id is not None else None,
        store_id=raw_id(input.store_id, "Store") if input.store_id is not None else None,
        failure_choice=input.failure_choice,
        method=input.method,
        accepts_wider_class=input.accepts_wider_class,
        accepts_frozen=input.accepts_frozen,
        authorisation=input.authorisation,
        quote_signature=input.quote_signature,
        vehicle_price_minor=(
            read_money(input.vehicle_price, "vehiclePrice").minor if input.vehicle_price is not None else None
        ),
    )
    door = request.services.pre_order_door
    assert door is not None, "the server has a door for pre-orders"
    placed = await outcome_of(door, asked, request)
    return show_pre_order(placed.pre_order)


@mutation(does=Permission.PREORDER, refuses=(PoolFrozen, PoolClosed, PreOrderClosed), result="WithdrawPreOrderResult")
def withdraw_pre_order(work: Work, input: PreOrderInput) -> PreOrder:  # noqa: A002  # the API's word
    """Leave a pool that is not frozen yet; the deposit goes back."""
    return show_pre_order(service.withdraw(work, raw_id(input.pre_order_id, "PreOrder")))


@mutation(does=Permission.PREORDER, refuses=(CapNotRaised, PoolClosed, PreOrderClosed), result="RaisePriceCapResult")
def raise_price_cap(work: Work, input: RaiseCapInput) -> PreOrder:  # noqa: A002  # the API's word
    """Offer to pay up to a higher cap."""
    cap = read_money(input.price_cap, "priceCap").minor
    return show_pre_order(service.raise_cap(work, raw_id(input.pre_order_id, "PreOrder"), price_cap_minor=cap))


@mutation(
    does=Permission.PREORDER,
    refuses=(
        QuoteExpired,
        QuoteTaken,
        QuoteAltered,
        PriceMismatch,
        PoolClosed,
        PoolFull,
        PreOrderClosed,
        WrongClass,
        CapTooLow,
        CapNotRaised,
        DepositAboveCeiling,
        NoOpenPool,
        AlreadyInPool,
        FreezeNotAccepted,
        FinanceNotApproved,
    ),
    result="ChangeCarResult",
)
def change_car(work: Work, input: ChangeCarInput) -> PreOrder:  # noqa: A002  # the API's word
    """Change to the car of a new quote of the same class, place and time stay; who waits joins the next pool by it."""
    cap = read_money(input.price_cap, "priceCap").minor
    quote_id = raw_id(input.quote_id, "Quote")
    raw = raw_id(input.pre_order_id, "PreOrder")
    pool_id = None if input.pool_id is None else raw_id(input.pool_id, "Pool")
    changed = service.change_car(work, raw, quote_id=quote_id, price_cap_minor=cap, pool_id=pool_id)
    return show_pre_order(changed)


@mutation(does=Permission.MEMBER_REMOVE, refuses=(PreOrderClosed,), result="RemoveMemberResult")
def remove_member(work: Work, input: RemoveMemberInput) -> RemovedMember:  # noqa: A002  # the API's word
    """Take out a member whose fraud is proven, from a frozen pool too; the pool's record says so under the case."""
    ended = service.remove_member(work, raw_id(input.pre_order_id, "PreOrder"), case=input.case)
    return RemovedMember(pre_order_id=write_id("PreOrder", ended.head.id), refund_by=ended.refund_by)


@mutation(does=Permission.PREORDER, refuses=(PoolFrozen, PreOrderClosed), result="ChoosePaymentMethodResult")
def choose_payment_method(work: Work, input: PaymentMethodInput) -> PreOrder:  # noqa: A002  # the API's word
    """Choose how you will pay the balance: cash at any time before the lock, instalments until the freeze."""
    return show_pre_order(service.choose_method(work, raw_id(input.pre_order_id, "PreOrder"), method=input.method))


@mutation(does=Permission.PREORDER, refuses=(PreOrderClosed,), result="ConfirmPlateQuotaResult")
def confirm_plate_quota(work: Work, input: PreOrderInput) -> PreOrder:  # noqa: A002  # the API's word
    """Confirm that you hold a plate quota, where the store's city asks for one and you pay by instalments."""
    return show_pre_order(service.confirm_plate(work, raw_id(input.pre_order_id, "PreOrder")))


@mutation(does=Permission.FINANCE_APPROVE, refuses=(PreOrderClosed,), result="ApproveFinanceResult")
def approve_finance(work: Work, input: ApproveFinanceInput) -> FinanceApproved:  # noqa: A002  # the API's word
    """Note that the finance of a pre-order is approved."""
    approved = service.approve_finance(work, raw_id(input.pre_order_id, "PreOrder"))
    return FinanceApproved(pre_order_id=write_id("PreOrder", approved.head.id), at=approved.head.finance_approved_at)
