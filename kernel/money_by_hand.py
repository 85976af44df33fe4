"""Money moved by hand: one operator proposes, another approves, and only then it is booked (DOMAIN section 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from sqlalchemy import CheckConstraint, Column, Index, RowMapping, String, Table, select, update

from kernel import db, registry
from kernel.actor import Permission, system
from kernel.db import Id, Instant, Minor, metadata
from kernel.errors import Conflict, InvalidInput, NotFound, Refusal
from kernel.events import Event, event
from kernel.identity.queries import persons_of
from kernel.identity.store import account_by_id
from kernel.ids import AccountId
from kernel.immutable import guard
from kernel.ledger import (
    BRAND_KINDS,
    HELD_KINDS,
    OWN_KINDS,
    AccountName,
    Transfer,
    account,
    balance_to_spend,
    book,
    is_booked_on,
)
from kernel.money import Money
from kernel.paging import Page, PageRequest, make_page
from kernel.payments import is_going_back
from kernel.reasons import because
from kernel.work import Work

# What others owe us or hold for us stands below zero by its nature; every other account never does.
MAY_BE_NEGATIVE: Final = frozenset({"provider", "receivable", "bonus"})
_ACCOUNT: Final = re.compile(r"[a-z_]{1,30}:[A-Za-z0-9_.-]{1,48}")
GOING_BACK: Final = frozenset({"refund", "late"})
"""Accounts of a payment that the worker sends back to its payer, by its own word to the provider."""
REASON_LENGTH_MAX: Final = 400
AccountHold: TypeAlias = Callable[[Work, str], None]
"""Locks what else moves an account's money, by the account's owner, for the rest of the change."""

money_by_hand = Table(
    "money_by_hand",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("debit_account", String(80), nullable=False),
    Column("credit_account", String(80), nullable=False),
    Column("amount_minor", Minor, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("reason", String(REASON_LENGTH_MAX), nullable=False),
    Column("state", String(10), nullable=False),
    Column("proposed_by", Id, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("decided_by", Id),
    Column("decided_at", Instant),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("debit_account <> credit_account", name="two_accounts"),
    CheckConstraint("state IN ('proposed', 'approved', 'declined')", name="state_known"),
    CheckConstraint("decided_by <> proposed_by OR state <> 'approved'", name="two_operators"),
    CheckConstraint("(state = 'proposed') = (decided_by IS NULL)", name="decided_by_somebody"),
)
guard(
    money_by_hand,
    "decided_once",
    before="UPDATE",
    only="OLD.state <> 'proposed' OR NEW.amount_minor <> OLD.amount_minor OR NEW.currency <> OLD.currency"
    " OR NEW.debit_account <> OLD.debit_account OR NEW.credit_account <> OLD.credit_account"
    " OR NEW.proposed_by <> OLD.proposed_by",
    when="TRUE",
    rule="a movement is approved as it was proposed, and decided once",
)
Index("ix_money_by_hand_brand_id", money_by_hand.c.brand_id, money_by_hand.c.id)


class HandState(StrEnum):
    """A proposal is decided once."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class MoneyByHand:
    """A movement of money that an operator asks for, and what became of it."""

    id: str
    debit: AccountName
    credit: AccountName
    amount: Money
    reason: str
    state: HandState
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None


@event("kernel.money_by_hand_proposed")
@dataclass(frozen=True, slots=True)
class MoneyByHandProposed(Event):
    """An operator asked for a movement of money."""

    movement_id: str
    amount: Money
    proposed_by: str


@event("kernel.money_by_hand_decided")
@dataclass(frozen=True, slots=True)
class MoneyByHandDecided(Event):
    """A second operator approved it, and it was booked; or it was declined."""

    movement_id: str
    amount: Money
    decided_by: str
    approved: bool


@dataclass(unsafe_hash=True)
class SecondOperatorNeeded(Refusal):
    """Who proposed a movement of money cannot approve it."""

    code = "SECOND_OPERATOR_NEEDED"
    en = "You proposed this movement yourself. Ask another operator to approve it."
    zh = "该笔资金调整由您本人发起，请由另一名操作员审批。"


@dataclass(unsafe_hash=True)
class AccountTooLow(Refusal):
    """The account does not hold what is to leave it."""

    code = "ACCOUNT_TOO_LOW"
    en = "The account to be debited holds {held}, less than {asked}. Propose a smaller amount or another account."
    zh = "借方账户余额为{held}，低于{asked}，请减少金额或更换账户。"
    name: str
    held: Money
    asked: Money


def read_account(work: Work, name: str, field: str) -> AccountName:
    """Return the account of the actor's brand that an operator means; refuses one that there is not (InvalidInput).

    There is what was booked on before, what we may come to owe an account of the brand, and the brand's own, whose
    owner may be written as the brand's code.
    """
    if not _ACCOUNT.fullmatch(name):
        raise InvalidInput(field, because("ACCOUNT_FORM"))
    found = name_of_account(work, name)
    kind, _, owner = found.partition(":")
    if kind not in HELD_KINDS + OWN_KINDS:
        raise InvalidInput(field, because("ACCOUNT_KIND", known=", ".join(sorted(HELD_KINDS + OWN_KINDS))))
    is_own = kind in BRAND_KINDS and owner == work.actor.brand_id
    is_somebodys = kind == "payable" and account_by_id(work, AccountId(owner)) is not None
    if not (is_own or is_somebodys or is_booked_on(work, found)):
        raise InvalidInput(field, because("ACCOUNT_NEVER_BOOKED"))
    return found


def name_of_account(work: Work, name: str) -> AccountName:
    """Return an account's name as the ledger has it: the brand's own may be named by the brand's code."""
    kind, _, owner = name.partition(":")
    if kind in BRAND_KINDS and owner == registry.own_brand(work).code:
        return account(kind, work.actor.brand_id)
    return AccountName(name)


def propose_movement(work: Work, *, debit: str, credit: str, amount: Money, reason: str) -> MoneyByHand:
    """Propose that `amount` leaves the debit account for the credit account; nothing is booked yet.

    The reason stays when a person is erased, so it names nobody. Refuses broken account names, an amount that is not
    above zero and a reason that is missing or too long (InvalidInput).
    """
    work.actor.require(Permission.MONEY_BY_HAND)
    for field, name in (("debit", debit), ("credit", credit)):
        if not _ACCOUNT.fullmatch(name):
            raise InvalidInput(field, because("ACCOUNT_FORM"))
    if debit == credit:
        raise InvalidInput("credit", because("SAME_ACCOUNT"))
    if amount.minor <= 0:
        raise InvalidInput("amount", because("AMOUNT_ABOVE_ZERO"))
    if not reason.strip() or len(reason) > REASON_LENGTH_MAX:
        raise InvalidInput("reason", because("WHY_IMPERSONAL", most=REASON_LENGTH_MAX))
    proposed = MoneyByHand(
        id=work.new_id(),
        debit=AccountName(debit),
        credit=AccountName(credit),
        amount=amount,
        reason=reason.strip(),
        state=HandState.PROPOSED,
        proposed_by=work.actor.signed_in(),
        proposed_at=work.now,
        decided_by=None,
        decided_at=None,
    )
    db.insert_many(work.connection, money_by_hand, [_row(work, proposed)])
    work.record(MoneyByHandProposed(work.actor.brand_id, proposed.id, amount, proposed.proposed_by))
    return proposed


def approve_movement(work: Work, movement_id: str, *, holds: Mapping[str, AccountHold] | None = None) -> MoneyByHand:
    """Approve a proposed movement and book it, in one change.

    `holds` names by an account's kind who keeps what else moves its money away meanwhile, and may refuse.

    Refuses the proposer, under another account too (SecondOperatorNeeded), one that was decided and money that is on
    its way back to its payer (Conflict), an account that would fall below zero (AccountTooLow) and another brand's
    (NotFound).
    """
    work.actor.require(Permission.MONEY_BY_HAND)
    proposed = _open_movement(work, movement_id)
    if proposed.proposed_by == work.actor.signed_in() or _is_the_proposer(work, proposed):
        raise SecondOperatorNeeded
    for name in sorted((proposed.debit, proposed.credit)):
        kind, _, owner = name.partition(":")
        if holds is not None and kind in holds:
            holds[kind](work, owner)
    kind, _, payment_id = proposed.debit.partition(":")
    if kind in GOING_BACK and is_going_back(work, payment_id):
        raise Conflict("movement", because("GOING_BACK"))
    held = balance_to_spend(work, proposed.debit)
    if kind not in MAY_BE_NEGATIVE and held < proposed.amount.minor:
        raise AccountTooLow(proposed.debit, Money(held, proposed.amount.currency), proposed.amount)
    decided = _decide(work, proposed, HandState.APPROVED)
    book(work, Transfer("money_by_hand", proposed.id, proposed.debit, proposed.credit, proposed.amount))
    return decided


def _is_the_proposer(work: Work, proposed: MoneyByHand) -> bool:
    """Say whether the actor is the verified person behind the account that proposed."""
    if work.actor.person_id is None:
        return False
    own = system(work.actor.brand_id)
    return work.actor.person_id in persons_of(work.acting(own), [proposed.proposed_by]).values()


def decline_movement(work: Work, movement_id: str) -> MoneyByHand:
    """Decline a proposed movement; the proposer may take it back this way."""
    return _decide(work, _open_movement(work, movement_id), HandState.DECLINED)


def movements_by_hand(work: Work, page: PageRequest) -> Page[MoneyByHand]:
    """Return the brand's movements by hand, newest first; for operators and auditors."""
    if not work.actor.may(Permission.AUDIT_READ):
        work.actor.require(Permission.MONEY_BY_HAND)
    table = money_by_hand.c
    found = select(money_by_hand).where(table.brand_id == work.actor.brand_id)
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings()
    return make_page([_from_row(row) for row in rows], page, lambda movement: movement.id)


def _open_movement(work: Work, movement_id: str) -> MoneyByHand:
    work.actor.require(Permission.MONEY_BY_HAND)
    table = money_by_hand.c
    found = select(money_by_hand).where(table.id == movement_id, table.brand_id == work.actor.brand_id)
    row = work.connection.execute(found.with_for_update()).mappings().first()
    if row is None:
        raise NotFound("movement")
    movement = _from_row(row)
    if movement.state is not HandState.PROPOSED:
        raise Conflict("movement", because("DECIDED", state=movement.state.value))
    return movement


def _decide(work: Work, proposed: MoneyByHand, state: HandState) -> MoneyByHand:
    decided_by = work.actor.signed_in()
    work.connection.execute(
        update(money_by_hand)
        .where(money_by_hand.c.id == proposed.id)
        .values(state=state.value, decided_by=decided_by, decided_at=work.now)
    )
    approved = state is HandState.APPROVED
    work.record(MoneyByHandDecided(work.actor.brand_id, proposed.id, proposed.amount, decided_by, approved))
    return replace(proposed, state=state, decided_by=decided_by, decided_at=work.now)


def _row(work: Work, one: MoneyByHand) -> dict[str, Any]:
    return {
        "id": one.id,
        "brand_id": work.actor.brand_id,
        "debit_account": one.debit,
        "credit_account": one.credit,
        "amount_minor": one.amount.minor,
        "currency": one.amount.currency,
        "reason": one.reason,
        "state": one.state.value,
        "proposed_by": one.proposed_by,
        "proposed_at": one.proposed_at,
    }


def _from_row(row: RowMapping) -> MoneyByHand:
    return MoneyByHand(
        id=row["id"],
        debit=AccountName(row["debit_account"]),
        credit=AccountName(row["credit_account"]),
        amount=Money(row["amount_minor"], row["currency"]),
        reason=row["reason"],
        state=HandState(row["state"]),
        proposed_by=row["proposed_by"],
        proposed_at=row["proposed_at"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
    )
