"""What tables of offers have in common: an answer is in time, is one of the four, and is final."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, RowMapping, String, Table, text
from sqlalchemy.schema import SchemaItem

from factory_orders.offers.model import CarOffer, OfferState
from kernel.db import Id, Instant, metadata
from kernel.errors import Refusal
from kernel.immutable import guard

T = TypeVar("T", bound=CarOffer)
"""A kind's values."""

_STATES = ", ".join(f"'{state.value}'" for state in OfferState)
_OPEN = text("state = 'open'")


@dataclass(frozen=True, slots=True)
class OfferKind(Generic[T]):
    """A kind of offers of other cars: its rows and their values, when one ends, and how it is refused.

    `called` is the thing that is not found; `ended` makes the refusal of an answer that comes too late, by a reason.
    """

    table: Table
    value: type[T]
    timer: str
    called: str
    ended: Callable[[str], Refusal]

    def from_row(self, row: RowMapping) -> T:
        """Read one row."""
        values = {field.name: row[field.name] for field in fields(self.value)}
        return self.value(**(values | {"state": OfferState(row["state"])}))

    def to_row(self, offer: T) -> dict[str, Any]:
        """Return an offer as it is stored."""
        values = {field.name: getattr(offer, field.name) for field in fields(self.value)}
        return values | {"state": offer.state.value}


def answer_columns() -> tuple[SchemaItem, ...]:
    """Return what says how long an offer stands and how it was answered."""
    return (
        Column("offered_at", Instant, nullable=False),
        Column("answer_by", Instant, nullable=False),
        Column("state", String(10), nullable=False),
        Column("answered_at", Instant),
        CheckConstraint(f"state IN ({_STATES})", name="state_known"),
        CheckConstraint("(state = 'open') = (answered_at IS NULL)", name="answered_when_it_is"),
        CheckConstraint("offered_at < answer_by", name="time_to_answer"),
    )


def car_offers(name: str, *own: SchemaItem, car: str, rule: str) -> Table:
    """Declare a table of offers of other cars: at most one open an order and a car, and none is made twice.

    `car` names the column of what is offered; `rule` says that an answer stays.
    """
    table = Table(
        name,
        metadata,
        Column("id", Id, primary_key=True),
        Column("brand_id", Id, nullable=False),
        Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
        Column("account_id", Id, nullable=False),
        Column("days_sooner", Integer, nullable=False),
        *answer_columns(),
        *own,
        CheckConstraint("days_sooner > 0", name="worth_an_answer"),
    )
    # A car that its buyer did not want is not offered to the same one again.
    Index(f"uq_{name}_once", table.c.order_id, table.c[car], unique=True)
    one_open(table, "order_id")
    one_open(table, car)
    Index(f"ix_{name}_account", table.c.brand_id, table.c.account_id, table.c.id)
    answered_once(table, rule)
    return table


def one_open(table: Table, column: str) -> None:
    """Let the database hold that only one offer is open for each value of a column."""
    Index(f"uq_{table.name}_{column}", table.c[column], unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN)


def answered_once(table: Table, rule: str) -> None:
    """Let the database refuse a second answer."""
    guard(table, "answer_is_final", before="UPDATE", when="OLD.state <> 'open'", rule=rule)
