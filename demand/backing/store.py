"""Loads and saves terms, commitments and backings; money of backings on its way in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, update

from demand.backing.bound import Backers
from demand.backing.events import BackingLeft, BackingRefundRequested
from demand.backing.model import (
    AcknowledgedBacking,
    Backing,
    BackingHead,
    BackingTerms,
    Commitment,
    ConvertedBacking,
    EndedBacking,
    HeldBacking,
    OrderWindow,
    Trigger,
    backing_state,
)
from demand.backing.policy import BackingPolicy
from demand.backing.rows import backing_from
from demand.backing.tables import backing_changes, backing_terms, backings, commitments, fulfilments, proposal_cars
from demand.compare.tables import item_outcomes, market_segments, take_draws
from kernel import db, payments, policy, registry
from kernel.errors import NotFound
from kernel.ledger import AccountName, Transfer, account, book
from kernel.money import Money
from kernel.payments import RefundOrder
from kernel.timers import cancel_timer
from kernel.work import Work

BACKING: Final = "backing"
"""The purpose of the payments of backings."""
EXPIRE_TIMER: Final = "demand.backing_expire"
REMIND_TIMER: Final = "demand.answer_reminder"
DUE_TIMER: Final = "demand.answer_due"
PROMISE_TIMER: Final = "demand.promise_due"
WINDOW_TIMER: Final = "demand.order_window"
_AT_ONCE: Final = 500


def backing_account(backing_id: str) -> AccountName:
    """Name the account that holds a backing's money."""
    return account("backing", backing_id)


# --- terms and commitments -------------------------------------------------------------------------------------------


def insert_terms(work: Work, proposal_id: str, terms: BackingTerms) -> None:
    """Write published terms; a proposal has one set of them."""
    row = {name: getattr(terms, name) for name in BackingTerms.__dataclass_fields__}
    work.connection.execute(backing_terms.insert().values(**row, proposal_id=proposal_id))


def save_trigger(work: Work, proposal_id: str, trigger: Trigger) -> None:
    """Note that an answer is asked for."""
    work.connection.execute(
        update(backing_terms)
        .where(backing_terms.c.proposal_id == proposal_id)
        .values(triggered_at=trigger.at, answer_due_at=trigger.answer_due_at)
    )


def insert_commitment(work: Work, proposal_id: str, made: Commitment) -> None:
    """Write a promise."""
    work.connection.execute(commitments.insert().values(proposal_id=proposal_id, **_commitment_row(made)))


def save_commitment(work: Work, proposal_id: str, made: Commitment, window: OrderWindow | None = None) -> None:
    """Save what became of a promise, and its window once it has one."""
    values = _commitment_row(made)
    if window is not None:
        values |= {
            "option": window.option,
            "version_id": window.version_id,
            "window_opens_at": window.opens_at,
            "window_ends_at": window.ends_at,
        }
    work.connection.execute(update(commitments).where(commitments.c.proposal_id == proposal_id).values(**values))


def _commitment_row(made: Commitment) -> dict[str, Any]:
    row = {name: getattr(made, name) for name in Commitment.__dataclass_fields__}
    return row | {"outcome": made.outcome.value}


def note_fulfilments(work: Work, proposal_id: str, options: Sequence[str], version_id: str) -> None:
    """Note which options name a proposal, each once, with the first version that has it so."""
    rows = [
        {
            "proposal_id": proposal_id,
            "option": option,
            "brand_id": work.actor.brand_id,
            "version_id": version_id,
            "at": work.now,
        }
        for option in options
    ]
    db.insert_new(work.connection, fulfilments, rows, returning="proposal_id")


def fulfilments_of(work: Work, options: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return proposal, option and first version for each of these options that names one."""
    table = fulfilments.c
    found = select(table.proposal_id, table.option, table.version_id).where(
        table.brand_id == work.actor.brand_id, db.among(table.option, options)
    )
    return [(row.proposal_id, row.option, row.version_id) for row in work.connection.execute(found)]


def insert_cars(work: Work, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write which cars carry which wishes, each once."""
    db.insert_new(work.connection, proposal_cars, rows, returning="vin")


# --- what the bound is made of ---------------------------------------------------------------------------------------


def has_take_rate(work: Work, comparison_id: str, number: int) -> bool:
    """Say whether a comparison released the take rate of an item."""
    table = item_outcomes.c
    found = select(table.take_rate).where(table.comparison_id == comparison_id, table.number == number)
    return work.connection.execute(found).scalar() is not None


def load_market(work: Work, terms: BackingTerms) -> tuple[dict[str, int], dict[str, list[int]]]:
    """Return the market's persons and the resampled take rates, both by model."""
    market, draws = market_segments.c, take_draws.c
    sizes = select(market.model, func.sum(market.persons)).where(market.comparison_id == terms.comparison_id)
    found = select(draws.model, draws.parts_per_million).where(
        draws.comparison_id == terms.comparison_id, draws.number == terms.number
    )
    return (
        {model: int(persons) for model, persons in work.connection.execute(sizes.group_by(market.model))},
        {model: list(values) for model, values in work.connection.execute(found)},
    )


def count_backers(work: Work, proposal_id: str, *, price_minor: int) -> Backers:
    """Count the backers who would pay the price, by model, and the outcomes of the brand's earlier backings."""
    table = backings.c
    held = (
        select(table.model, func.count())
        .where(table.proposal_id == proposal_id, table.state == "held", table.price_cap_minor >= price_minor)
        .group_by(table.model)
    )
    ended = (
        select(table.state, func.count())
        .where(table.brand_id == work.actor.brand_id, table.state.in_(("converted", "lapsed")))
        .group_by(table.state)
    )
    outcomes = {state: int(count) for state, count in work.connection.execute(ended)}
    by_model = {model: int(count) for model, count in work.connection.execute(held)}
    return Backers(by_model, outcomes.get("converted", 0), outcomes.get("lapsed", 0))


def persons_since_shown(work: Work, proposal_id: str) -> tuple[int, int]:
    """Return how many persons' backings changed since figures were last shown, and the newest change's serial."""
    changes, table = backing_changes.c, backings.c
    shown = select(backing_terms.c.shown_serial).where(backing_terms.c.proposal_id == proposal_id).scalar_subquery()
    found = (
        select(func.count(table.person_id.distinct()), func.coalesce(func.max(changes.serial), 0))
        .join(backings, table.id == changes.backing_id)
        .where(table.proposal_id == proposal_id, changes.serial > shown, changes.state != "acknowledged")
    )
    row = work.connection.execute(found).one()
    return int(row[0]), int(row[1])


def show_figures(work: Work, proposal_id: str, *, bound: int, backers: int | None, serial: int) -> None:
    """Publish a bound and, where there are enough, the number of backers."""
    work.connection.execute(
        update(backing_terms)
        .where(backing_terms.c.proposal_id == proposal_id)
        .values(shown_bound=bound, shown_backers=backers, shown_serial=serial)
    )


# --- backings --------------------------------------------------------------------------------------------------------


def insert_backing(work: Work, backing: Backing) -> bool:
    """Write a new backing; false where the person has one that counts, also when it is being written elsewhere."""
    row = {name: getattr(backing.head, name) for name in BackingHead.__dataclass_fields__} | {
        "state": backing_state(backing),
        "state_at": work.now,
        "payable_until": backing.payable_until if isinstance(backing, AcknowledgedBacking) else None,
    }
    if not db.insert_new(work.connection, backings, [row], returning="id"):
        return False
    _note(work, [backing], "placed")
    return True


def has_backing(work: Work, proposal_id: str, person_id: str) -> bool:
    """Say whether a person has a backing of a proposal that counts."""
    table = backings.c
    counts = table.state.in_(("acknowledged", "held", "converted", "lapsed"))
    found = select(table.id).where(table.proposal_id == proposal_id, table.person_id == person_id, counts)
    return work.connection.execute(found).first() is not None


def lock_backing(work: Work, backing_id: str) -> Backing:
    """Lock a backing of the actor's brand, with its proposal's lock in hand; refuses NotFound."""
    found = _locked(work, backings.c.id == backing_id, 1)
    if not found:
        raise NotFound("backing")
    return found[0]


def proposal_of(work: Work, backing_id: str) -> str:
    """Return the proposal of a backing of the actor's brand; refuses NotFound."""
    table = backings.c
    found = select(table.proposal_id).where(table.id == backing_id, table.brand_id == work.actor.brand_id)
    proposal_id: str | None = work.connection.execute(found).scalar()
    if proposal_id is None:
        raise NotFound("backing")
    return proposal_id


def lock_open_backings(work: Work, proposal_id: str) -> list[Backing]:
    """Lock every backing of a proposal that holds money or waits for it."""
    open_still = backings.c.state.in_(("acknowledged", "held"))
    return _locked(work, (backings.c.proposal_id == proposal_id) & open_still, None)


def _locked(work: Work, which: ColumnElement[bool], most: int | None) -> list[Backing]:
    found = select(backings).where(backings.c.brand_id == work.actor.brand_id, which).order_by(backings.c.id)
    return [backing_from(row) for row in work.connection.execute(found.limit(most).with_for_update()).mappings()]


def held_by_persons(work: Work, person_ids: Sequence[str]) -> list[BackingHead]:
    """Return the held backings of persons, to be locked later."""
    table = backings.c
    found = select(backings).where(
        table.brand_id == work.actor.brand_id, db.among(table.person_id, person_ids), table.state == "held"
    )
    return [backing_from(row).head for row in work.connection.execute(found.order_by(table.id)).mappings()]


def save_backings(work: Work, changed: Sequence[Backing], *, reason: str) -> None:
    """Save backings that go into one state."""
    for first in range(0, len(changed), _AT_ONCE):
        some = changed[first : first + _AT_ONCE]
        for state in {backing_state(one) for one in some}:
            own = [one for one in some if backing_state(one) == state]
            if state == "converted":
                _save_orders(work, own)
                continue
            work.connection.execute(
                update(backings)
                .where(db.among(backings.c.id, [one.head.id for one in own]))
                .values(state=state, state_at=work.now)
            )
        _note(work, some, reason)


def _save_orders(work: Work, converted: Sequence[Backing]) -> None:
    for one in converted:
        assert isinstance(one, ConvertedBacking)
        values = {"state": "converted", "state_at": work.now, "pre_order_id": one.pre_order_id}
        work.connection.execute(update(backings).where(backings.c.id == one.head.id).values(**values))


def _note(work: Work, changed: Sequence[Backing], reason: str) -> None:
    rows = [
        {"backing_id": one.head.id, "state": backing_state(one), "reason": reason, "at": work.now} for one in changed
    ]
    db.insert_many(work.connection, backing_changes, rows)


# --- money -----------------------------------------------------------------------------------------------------------


def refund_day(work: Work) -> datetime:
    """Return when money asked back now is back at the latest, in working days of the brand's calendar."""
    days = policy.current(work).section(BackingPolicy).refund_working_days
    return registry.add_working_days(registry.own_brand(work), work.now, days)


def end_backings(work: Work, open_ones: Sequence[Backing], *, ending: str, reason: str) -> list[EndedBacking]:
    """End backings that hold money or wait for it: what is held goes back, what is unpaid is closed."""
    ended = [EndedBacking(one.head, ending if _has_money(one) else _unpaid(ending), work.now) for one in open_ones]
    save_backings(work, ended, reason=reason)
    give_back(work, [(one.head, one.head.payment_id) for one in open_ones if _has_money(one)], reason=reason)
    unpaid = [one.head for one in open_ones if not _has_money(one)]
    payments.close_payments(work, [head.payment_id for head in unpaid])
    for head in unpaid:
        cancel_timer(work, EXPIRE_TIMER, head.id)
    return ended


def _has_money(backing: Backing) -> bool:
    return isinstance(backing, HeldBacking)


def _unpaid(ending: str) -> str:
    return "withdrawn" if ending == "withdrawn" else "expired_unpaid"


def give_back(work: Work, back: Sequence[tuple[BackingHead, str]], *, reason: str) -> None:
    """Book the money of backings, given with the payments that brought it, out of their accounts and ask for it."""
    if not back:
        return
    refund_by = refund_day(work)
    book(
        work,
        *(
            Transfer(
                "backing_returned",
                payment_id,
                backing_account(head.id),
                payments.refund_account(payment_id),
                Money(head.deposit_minor),
            )
            for head, payment_id in back
        ),
    )
    payments.request_refunds(work, [RefundOrder(payment_id, reason) for _, payment_id in back])
    for head, _ in back:
        work.record(
            BackingLeft(head.brand_id, head.proposal_id, head.id),
            BackingRefundRequested(head.brand_id, head.id, head.account_id, head.deposit_minor, refund_by, reason),
        )


def backers_of(open_ones: Sequence[Backing]) -> Mapping[str, HeldBacking]:
    """Return who is to be told of a proposal, by account: those whose money is here."""
    return {one.head.account_id: one for one in open_ones if isinstance(one, HeldBacking)}
