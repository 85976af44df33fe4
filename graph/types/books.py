"""The books: money moved by hand by two operators, reconciliation with providers, and what an auditor reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

import orjson
import strawberry

from demand import queries
from demand.errors import DepositBound
from graph.access import field, input_type, object_type
from graph.context import Request
from graph.identifiers import CHAINS, chain_of, raw_id, read_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.money import Money, MoneyInput, read_money, show_minor, show_money
from graph.types.pages import Connection, show_page
from kernel import ledger, money_by_hand, record, registry
from kernel.actor import Permission
from kernel.errors import InvalidInput, NotFound
from kernel.money_by_hand import AccountTooLow, HandState, SecondOperatorNeeded
from kernel.paging import page_request
from kernel.reasons import because
from kernel.reconciliation import reconcile
from kernel.work import Work

ACCOUNTS_MAX: Final = 50
PERIOD_MAX: Final = timedelta(days=31)
SUBJECTS: Final[Mapping[str, Callable[[Work, list[str]], Mapping[str, object]]]] = {
    CHAINS["Pool"]: queries.pools_by_id,
    CHAINS["Proposal"]: queries.proposals_by_id,
    CHAINS["Comparison"]: queries.comparisons_by_id,
}
strawberry.enum(HandState, name="MovementState", description="A proposed movement of money is decided once.")


@object_type(reads=Permission.OWN_READ)
class Movement:
    """A movement of money that an operator proposed, and what became of it."""

    id: strawberry.ID
    debit: str
    credit: str
    amount: Money
    reason: str
    state: HandState
    proposed_at: datetime
    decided_at: datetime | None


@object_type(reads=Permission.RECONCILE)
class Reconciliation:
    """What the provider's statement and our books say about a period."""

    matched: int
    in_flight: int
    missing_here: list[str]
    missing_there: list[str]
    amount_differs: list[str]
    ledger: Money
    payments: Money
    differences: int


@object_type(reads=Permission.AUDIT_READ)
class LedgerBalance:
    """An account of the ledger: credits minus debits; one that nothing was ever booked on may be a mistyped name."""

    account: str
    balance: Money
    booked: bool


@object_type(reads=Permission.AUDIT_READ)
class RecordEntry:
    """One link of a hash chain; people appear as pseudonyms."""

    sequence: int
    kind: str
    body: str
    previous_hash: str
    hash: str
    at: datetime


@object_type(reads=Permission.AUDIT_READ)
class RecordChain:
    """Up to 100 links of a chain, and whether these verify."""

    entries: list[RecordEntry] = field(at_most=100)
    verifies: bool


@object_type(reads=Permission.AUDIT_READ)
class RecordDay:
    """The root over all chains of the brand at the end of a day."""

    day: date
    chains: int
    root: str


@input_type(takes=Permission.MONEY_BY_HAND)
class ProposeMovementInput:
    """Money from one account of the ledger to another; a second operator approves it."""

    debit: str
    credit: str
    amount: MoneyInput
    reason: str


@input_type(takes=Permission.MONEY_BY_HAND)
class MovementInput:
    """A proposed movement."""

    movement_id: strawberry.ID


@input_type(takes=Permission.RECONCILE)
class ReconcileInput:
    """A provider and a period of at most 31 days."""

    provider: str
    since: datetime
    until: datetime


def show_movement(one: money_by_hand.MoneyByHand) -> Movement:
    """Return a movement by hand."""
    return Movement(
        id=write_id("Movement", one.id),
        debit=one.debit,
        credit=one.credit,
        amount=show_money(one.amount),
        reason=one.reason,
        state=one.state,
        proposed_at=one.proposed_at,
        decided_at=one.decided_at,
    )


@query(reads=Permission.RECONCILE)
def movements(work: Work, first: int, after: Cursor | None = None) -> Connection[Movement]:
    """Movements of money by hand, newest first."""
    return show_page(money_by_hand.movements_by_hand(work, page_request(first, after)), show_movement)


@query(reads=Permission.AUDIT_READ)
def audited_movements(work: Work, first: int, after: Cursor | None = None) -> Connection[Movement]:
    """The same for an auditor."""
    return show_page(money_by_hand.movements_by_hand(work, page_request(first, after)), show_movement)


@query(reads=Permission.AUDIT_READ, at_most=ACCOUNTS_MAX)
def ledger_balances(work: Work, accounts: list[str]) -> list[LedgerBalance]:
    """Balances of up to 50 accounts of the ledger, by name such as `deposit:<pre-order>`, each under the name given."""
    if len(accounts) > ACCOUNTS_MAX:
        raise InvalidInput("accounts", because("COUNT_MOST", most=ACCOUNTS_MAX))
    names = {one: money_by_hand.name_of_account(work, raw_account(one)) for one in accounts}
    asked = list(dict.fromkeys(names.values()))
    found, booked = ledger.balances(work, asked), ledger.booked_among(work, asked)
    return [
        LedgerBalance(account=one, balance=show_minor(found[name]), booked=name in booked)
        for one, name in names.items()
    ]


def raw_account(name: str) -> str:
    """Return an account's name as the ledger has it: what it hangs on may be named by its id in the API."""
    kind, _, owner = name.partition(":")
    named = read_id(owner)
    return name if named is None else f"{kind}:{named[1]}"


@query(reads=Permission.AUDIT_READ)
def record_chain(work: Work, chain: str, after: int = 0) -> RecordChain:
    """
    Up to 100 links of a chain after a sequence number, replayed: that of a pool, a proposal or a comparison by its id,
    or one by its name, such as `vin:` with a car's number.
    """
    chain = chain_of(chain)
    if not record.last_times(work, [chain]) and not _is_to_have(work, chain):
        raise NotFound("chain")
    entries = record.entries_of(work, chain, after=after, entries_max=100)
    before = record.entries_of(work, chain, after=after - 1, entries_max=1) if after > 0 else []
    known = next(iter(before), None)
    return RecordChain(
        entries=[
            RecordEntry(
                sequence=one.sequence,
                kind=one.kind,
                body=orjson.dumps(one.body, option=orjson.OPT_SORT_KEYS).decode(),
                previous_hash=one.previous_hash,
                hash=one.hash,
                at=one.at,
            )
            for one in entries
        ],
        verifies=record.verify(entries, after=known) is None,
    )


def _is_to_have(work: Work, chain: str) -> bool:
    """Say whether there is something of this name whose chain may still be empty, such as a proposal without votes."""
    kind, _, raw = chain.partition(":")
    return kind in SUBJECTS and raw in SUBJECTS[kind](work, [raw])


@query(reads=Permission.AUDIT_READ)
def record_day(work: Work, day: date) -> RecordDay | None:
    """The root of a day; null while the day is not sealed."""
    found = record.day_root(work, registry.own_brand(work), day)
    return None if found is None else RecordDay(day=found.day, chains=found.chains, root=found.root)


@mutation(does=Permission.MONEY_BY_HAND, result="ProposeMovementResult")
def propose_movement(work: Work, input: ProposeMovementInput) -> Movement:  # noqa: A002  # the API's word
    """Propose a movement of money; nothing is booked before a second operator approves."""
    amount = read_money(input.amount, "amount")
    made = money_by_hand.propose_movement(
        work,
        debit=money_by_hand.read_account(work, raw_account(input.debit), "debit"),
        credit=money_by_hand.read_account(work, raw_account(input.credit), "credit"),
        amount=amount,
        reason=input.reason,
    )
    return show_movement(made)


@mutation(
    does=Permission.MONEY_BY_HAND,
    refuses=(SecondOperatorNeeded, AccountTooLow, DepositBound),
    result="ApproveMovementResult",
)
def approve_movement(work: Work, request: Request, input: MovementInput) -> Movement:  # noqa: A002  # the API's word
    """Approve another operator's movement; it is booked."""
    holds = request.services.account_holds
    return show_movement(money_by_hand.approve_movement(work, raw_id(input.movement_id, "Movement"), holds=holds))


@mutation(does=Permission.MONEY_BY_HAND, result="DeclineMovementResult")
def decline_movement(work: Work, input: MovementInput) -> Movement:  # noqa: A002  # the API's word
    """Decline a movement, or take your own back."""
    return show_movement(money_by_hand.decline_movement(work, raw_id(input.movement_id, "Movement")))


@mutation(does=Permission.RECONCILE, result="ReconcileResult")
def reconcile_payments(request: Request, input: ReconcileInput) -> Reconciliation:  # noqa: A002
    """Compare our books with a provider's statement; the run is kept."""
    provider = request.services.providers.get(input.provider)
    if provider is None:
        raise NotFound("provider")
    if not timedelta(0) < input.until - input.since <= PERIOD_MAX:
        raise InvalidInput("until", because("PERIOD", most=PERIOD_MAX.days))
    found = reconcile(request.services.works, request.actor, provider, since=input.since, until=input.until)
    return Reconciliation(
        matched=found.matched,
        in_flight=found.in_flight,
        missing_here=[":".join(key) for key in found.missing_here],
        missing_there=[":".join(key) for key in found.missing_there],
        amount_differs=[":".join(one.key) for one in found.amount_differs],
        ledger=show_minor(found.ledger_minor),
        payments=show_minor(found.payments_minor),
        differences=found.differences,
    )
