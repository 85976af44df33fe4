"""Loads and saves pre-orders with their changes, and books what their deposits do; many rows a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select, text, update

from demand.pools.events import DepositRefundRequested
from demand.pools.model import (
    AcknowledgedPreOrder,
    EndedPreOrder,
    LockedPreOrder,
    Offer,
    PaymentMethod,
    PooledPreOrder,
    PoolId,
    PreOrder,
    PreOrderHead,
    WaitingPreOrder,
    pre_order_state,
)
from demand.pools.policy import PoolPolicy
from demand.pools.rows import pre_order_from
from demand.pools.tables import HOLDS_PLACE, early_bonuses, pre_order_changes, pre_orders
from kernel import db, payments, policy, registry
from kernel.errors import NotFound
from kernel.ledger import AccountName, Transfer, account, book
from kernel.money import Money
from kernel.owed import payable_account
from kernel.payments import RefundOrder
from kernel.work import Work

EXPIRE_TIMER: Final = "demand.pre_order_expire"
DEPOSIT: Final = "deposit"
POOL_FAILED: Final = "pool_failed"
BEYOND_CLEARING: Final = "beyond_clearing"
TERMS_OFFERED: Final = "terms_offered"


def deposit_account(pre_order_id: str) -> AccountName:
    """Name the account of a held reservation deposit."""
    return account("deposit", pre_order_id)


def earnest_account(pre_order_id: str) -> AccountName:
    """Name the account of earnest money: what a deposit is from the lock on."""
    return account("earnest", pre_order_id)


def insert_pre_orders(work: Work, placed: Sequence[tuple[PreOrder, int | None]]) -> None:
    """Write new pre-orders with the numbers of their places, and their first changes, in two statements."""
    rows = [
        {
            "id": head.id,
            "brand_id": head.brand_id,
            "account_id": head.account_id,
            "person_id": head.person_id,
            "quote_id": head.quote_id,
            "version_id": head.version_id,
            "policy_version": head.policy_version,
            "model": head.model,
            "options": list(head.options),
            "class_l1": head.class_l1,
            "class_l2": head.class_l2,
            "plant_code": head.plant_code,
            "store_id": head.store_id,
            "region": head.region,
            "vehicle_price_minor": head.offer.vehicle_price_minor,
            "method": head.method.value,
            "failure_choice": head.failure_choice.value,
            "deposit_minor": head.deposit_minor,
            "placed_at": head.placed_at,
            "accepts_wider_class": head.accepts_wider_class,
            "accepts_frozen": head.accepts_frozen,
        }
        | _changing(work, pre_order, place_number)
        for pre_order, place_number in placed
        for head in (pre_order.head,)
    ]
    db.insert_many(work.connection, pre_orders, rows)
    changes = []
    for pre_order, _ in placed:
        steps = ["acknowledged"] + (["funded", "pooled"] if isinstance(pre_order, PooledPreOrder) else [])
        changes += [_change(work, pre_order.head, state, "placed") for state in steps]
    db.insert_many(work.connection, pre_order_changes, changes)


def _change(work: Work, head: PreOrderHead, state: str, reason: str) -> dict[str, Any]:
    by = work.actor.account_id if work.actor.account_id is not None else None
    return {
        "pre_order_id": head.id,
        "state": state,
        "reason": reason,
        "by": head.account_id if reason == "placed" else by,
        "at": work.now,
    }


def _changing(work: Work, pre_order: PreOrder, place_number: int | None) -> dict[str, Any]:
    """Return the columns that change over a pre-order's life."""
    funded = pre_order if isinstance(pre_order, PooledPreOrder | WaitingPreOrder | LockedPreOrder) else None
    return {
        "price_cap_minor": pre_order.head.offer.price_cap_minor,
        "rolls": pre_order.head.rolls,
        "pool_id": pre_order.pool_id,
        "payment_id": pre_order.payment_id,
        "payable_until": pre_order.payable_until if isinstance(pre_order, AcknowledgedPreOrder) else None,
        "funded_at": funded and funded.funded_at,
        "place_number": place_number,
        "state": pre_order_state(pre_order),
        "state_at": work.now,
        "price_minor": pre_order.price_minor if isinstance(pre_order, LockedPreOrder) else None,
        "refund_by": pre_order.refund_by if isinstance(pre_order, EndedPreOrder) else None,
    }


def save_car(work: Work, pre_order: PooledPreOrder) -> None:
    """Save the car that a member changed to, with the quote that prices it."""
    head = pre_order.head
    work.connection.execute(
        update(pre_orders)
        .where(pre_orders.c.id == head.id)
        .values(
            quote_id=head.quote_id,
            version_id=head.version_id,
            model=head.model,
            options=list(head.options),
            class_l1=head.class_l1,
            class_l2=head.class_l2,
            store_id=head.store_id,
            region=head.region,
            vehicle_price_minor=head.offer.vehicle_price_minor,
            price_cap_minor=head.offer.price_cap_minor,
        )
    )
    db.insert_many(work.connection, pre_order_changes, [_change(work, head, "pooled", "car_changed")])


def save_clearance(work: Work, pre_order: PreOrder, *, reason: str) -> None:
    """Save how the balance is paid and what is approved and confirmed for that; appends the change."""
    head = pre_order.head
    work.connection.execute(
        update(pre_orders)
        .where(pre_orders.c.id == head.id)
        .values(
            method=head.method.value,
            finance_approved_at=head.finance_approved_at,
            plate_confirmed_at=head.plate_confirmed_at,
        )
    )
    db.insert_many(work.connection, pre_order_changes, [_change(work, head, pre_order_state(pre_order), reason)])


def save_pre_orders(work: Work, changed: Sequence[tuple[PreOrder, int | None, str]]) -> None:
    """Save pre-orders with the number of their place and the reason of the change; appends the changes.

    One that was funded just now passes through that on its way into its pool, as one that was paid when it was placed.
    """
    if not changed:
        return
    rows = [{"b_id": one.head.id} | _changing(work, one, number) for one, number, _ in changed]
    names = [name for name in rows[0] if name != "b_id"]
    statement = update(pre_orders).where(pre_orders.c.id == bindparam("b_id"))
    work.connection.execute(statement.values({name: bindparam(name) for name in names}), rows)
    changes = [
        _change(work, one.head, state, reason)
        for one, _, reason in changed
        for state in (*(["funded"] if reason == "funded" else []), pre_order_state(one))
    ]
    db.insert_many(work.connection, pre_order_changes, changes)


def note_question(work: Work, asked: Sequence[WaitingPreOrder], pool_id: PoolId) -> None:
    """Append that a pool asked these whether they accept its costlier terms; nothing else of them changes."""
    rows = [
        _change(work, one.head, pre_order_state(one), TERMS_OFFERED) | {"asked_by_pool_id": pool_id} for one in asked
    ]
    db.insert_many(work.connection, pre_order_changes, rows)


def find_pre_order(work: Work, pre_order_id: str) -> tuple[PreOrder, int | None]:
    """Return a pre-order of the actor's brand with its place's number, unlocked; refuses NotFound."""
    return _one(work, pre_order_id, locked=False)


def lock_pre_order(work: Work, pre_order_id: str) -> tuple[PreOrder, int | None]:
    """Lock and return a pre-order; lock its pool first where the pool will change."""
    return _one(work, pre_order_id, locked=True)


def _one(work: Work, pre_order_id: str, *, locked: bool) -> tuple[PreOrder, int | None]:
    found = select(pre_orders).where(pre_orders.c.id == pre_order_id, pre_orders.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(found.with_for_update() if locked else found).mappings().first()
    if row is None:
        raise NotFound("pre_order")
    return pre_order_from(row), row["place_number"]


def pre_orders_by_id(work: Work, pre_order_ids: Sequence[str]) -> dict[str, tuple[PreOrder, int | None]]:
    """Return pre-orders of the actor's brand with the numbers of their places, in one statement."""
    found = select(pre_orders).where(
        db.among(pre_orders.c.id, pre_order_ids), pre_orders.c.brand_id == work.actor.brand_id
    )
    rows = work.connection.execute(found).mappings()
    return {row["id"]: (pre_order_from(row), row["place_number"]) for row in rows}


def places_of(work: Work, person_ids: Sequence[str]) -> dict[tuple[str, str], str]:
    """Return by (pool, person) the pre-orders with which these persons hold places; exact in pools that are locked."""
    if not person_ids:
        return {}
    table = pre_orders.c
    # In the words of the index of places: with values that are bound neither database may use it.
    holds = db.among(table.person_id, person_ids), text(HOLDS_PLACE)
    found = select(table.pool_id, table.person_id, table.id).where(*holds)
    return {(pool_id, person_id): own for pool_id, person_id, own in work.connection.execute(found).all()}


def members_of(work: Work, pool_id: str) -> list[tuple[PooledPreOrder, int]]:
    """Return and lock a pool's members, earliest funded first, with the numbers of their places."""
    table = pre_orders.c
    found = (
        select(pre_orders)
        .where(table.pool_id == pool_id, table.state == "pooled", table.brand_id == work.actor.brand_id)
        .order_by(table.funded_at, table.place_number)
        .with_for_update()
    )
    members = []
    for row in work.connection.execute(found).mappings():
        member = pre_order_from(row)
        assert isinstance(member, PooledPreOrder)
        members.append((member, row["place_number"]))
    return members


def uncleared_of(work: Work, pool_id: str) -> list[PooledPreOrder]:
    """Return and lock the members who pay by instalments and lack finance, or a plate that their city asks for.

    Earliest funded first, in one statement; most pools have none.
    """
    table = pre_orders.c
    stores = registry.stores.c
    found = (
        select(pre_orders)
        .join(registry.stores, stores.id == table.store_id)
        .where(
            table.pool_id == pool_id,
            table.state == "pooled",
            table.method == PaymentMethod.INSTALMENTS.value,
            table.finance_approved_at.is_(None) | (stores.plate_quota & table.plate_confirmed_at.is_(None)),
        )
        .order_by(table.funded_at, table.place_number)
        .with_for_update(of=pre_orders)
    )
    members = [pre_order_from(row) for row in work.connection.execute(found).mappings()]
    return [one for one in members if isinstance(one, PooledPreOrder)]


def stores_with_plate_quota(work: Work, store_ids: Sequence[str]) -> set[str]:
    """Return which of these stores stand in a city that asks for a plate quota."""
    table = registry.stores.c
    found = select(table.id).where(
        table.brand_id == work.actor.brand_id, db.among(table.id, store_ids), table.plate_quota.is_(True)
    )
    return set(work.connection.execute(found).scalars())


def unpaid_of(work: Work, pool_id: str) -> list[AcknowledgedPreOrder]:
    """Return and lock the pre-orders that wait for money to join this pool."""
    table = pre_orders.c
    found = select(pre_orders).where(table.pool_id == pool_id, table.state == "acknowledged").with_for_update()
    unpaid = [pre_order_from(row) for row in work.connection.execute(found).mappings()]
    return [one for one in unpaid if isinstance(one, AcknowledgedPreOrder)]


def began_anew(work: Work, pre_order_ids: Sequence[str]) -> set[str]:
    """Return those that last went on from a pool that had locked without them, and so with a new time."""
    changes = pre_order_changes.c
    found = select(changes.pre_order_id, changes.reason).where(
        db.among(changes.pre_order_id, pre_order_ids), changes.reason.in_((POOL_FAILED, BEYOND_CLEARING))
    )
    last = {row.pre_order_id: row.reason for row in work.connection.execute(found.order_by(changes.serial))}
    return {pre_order_id for pre_order_id, reason in last.items() if reason == BEYOND_CLEARING}


# --- money -----------------------------------------------------------------------------------------------------------


def give_back(
    work: Work, ended: Sequence[tuple[PreOrderHead, PoolId, str]], *, reason: str, refund_by: datetime
) -> None:
    """Send held deposits back, given as (head, pool, payment): ledger, refunds and news, in few statements."""
    if not ended:
        return
    book(
        work,
        *(
            Transfer(
                "deposit_returned",
                payment_id,
                deposit_account(head.id),
                payments.refund_account(payment_id),
                Money(head.deposit_minor),
            )
            for head, _, payment_id in ended
        ),
    )
    payments.request_refunds(work, [RefundOrder(payment_id, reason) for _, _, payment_id in ended])
    work.record(
        *(
            DepositRefundRequested(
                head.brand_id, head.id, head.account_id, pool_id, head.deposit_minor, reason, refund_by
            )
            for head, pool_id, _ in ended
        )
    )


def refund_day(work: Work) -> datetime:
    """Return when money asked back now is back at the latest, in working days of the brand's calendar."""
    days = policy.current(work).section(PoolPolicy).refund_working_days
    return registry.add_working_days(registry.own_brand(work), work.now, days)


def end_pre_orders(
    work: Work,
    ending_ones: Sequence[PreOrder],
    *,
    ending: str,
    reason: str,
    refund_by: datetime | None,
) -> list[EndedPreOrder]:
    """End pre-orders; deposits that are held go back, unpaid payments are closed."""
    ended = [
        EndedPreOrder(one.head, one.pool_id, one.payment_id, ending, work.now, refund_by if _has_money(one) else None)
        for one in ending_ones
    ]
    save_pre_orders(work, [(one, None, reason) for one in ended])
    back = [(one.head, one.pool_id, one.payment_id) for one in ending_ones if _has_money(one)]
    if back:
        assert refund_by is not None
        give_back(work, back, reason=reason, refund_by=refund_by)
    payments.close_payments(work, [one.payment_id for one in ending_ones if not _has_money(one)])
    return ended


def mark_removed(work: Work, member: PooledPreOrder | WaitingPreOrder, *, reason: str) -> EndedPreOrder:
    """End the pre-order of a member who was taken out; what becomes of the money is booked by whoever calls this."""
    ended = EndedPreOrder(member.head, member.pool_id, member.payment_id, "removed", work.now, None)
    save_pre_orders(work, [(ended, None, reason)])
    return ended


def _has_money(pre_order: PreOrder) -> bool:
    return isinstance(pre_order, PooledPreOrder | WaitingPreOrder | LockedPreOrder)


def turn_into_earnest(work: Work, locked: Sequence[LockedPreOrder]) -> None:
    """Book the deposits of locked members as earnest money."""
    book(
        work,
        *(
            Transfer(
                "earnest",
                one.head.id,
                deposit_account(one.head.id),
                earnest_account(one.head.id),
                Money(one.head.deposit_minor),
            )
            for one in locked
        ),
    )


def grant_bonuses(work: Work, early: Sequence[PooledPreOrder], *, year: int, amount_minor: int) -> list[PooledPreOrder]:
    """Grant each person the year's bonus unless it was granted before, and book it; returns those who got it."""
    rows = [
        {
            "brand_id": one.head.brand_id,
            "person_id": one.head.person_id,
            "year": year,
            "pool_id": one.pool_id,
            "pre_order_id": one.head.id,
            "amount_minor": amount_minor,
            "at": work.now,
        }
        for one in early
    ]
    new = db.insert_new(work.connection, early_bonuses, rows, returning="pre_order_id")
    granted = [one for one in early if one.head.id in new]
    book(
        work,
        *(
            Transfer(
                "early_bonus",
                f"{one.head.id}:{year}",
                account("bonus", one.head.brand_id),
                payable_account(one.head.account_id),
                Money(amount_minor),
            )
            for one in granted
        ),
    )
    return granted


def with_offer(pre_order: PooledPreOrder, offer: Offer) -> PooledPreOrder:
    """Return the same member with another offer."""
    return replace(pre_order, head=replace(pre_order.head, offer=offer))
