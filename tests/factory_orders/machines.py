"""What machines of lives in the factory room have in common: a brand of their own, steps that may be refused, an audit.

The runs of `dev.py test` are the same each time, and together they must reach what a machine lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test
from sqlalchemy import RowMapping, select

from factory_orders.audit_service import CHECKS
from kernel import db
from kernel.actor import Actor
from kernel.clock import FixedClock
from kernel.errors import Refusal
from kernel.ids import SeededIds
from kernel.soundness import LEDGER_CHECKS, PAYMENT_CHECKS, examine
from kernel.work import Work, Works
from tests.conftest import MONDAY_MORNING
from tests.demand.pool_room import make_pool_room
from tests.factory_orders.trade import SYSTEM, Trade

IS_SAMPLE: Final = settings().derandomize


class FactoryMachine(RuleBasedStateMachine):
    """A small brand on an empty database; each machine says who does what in it."""

    fresh: Callable[[], str]
    beginning: str = ""
    reached: ClassVar[set[str]]
    seed: ClassVar[int] = 5

    def __init__(self) -> None:
        super().__init__()
        self.engine = db.open_engine(type(self).fresh())
        self.clock = FixedClock(MONDAY_MORNING)
        self.room = make_pool_room(Works(self.engine, clock=self.clock, ids=SeededIds(self.seed)), self.clock)
        self.trade = Trade(self.room.works, self.clock, self.room.sandbox, "")
        self.ids: list[str] = []

    def teardown(self) -> None:
        self.engine.dispose()

    def reach(self, *what: str) -> None:
        """Note what has happened in this run."""
        type(self).reached.update(what)

    def attempt(self, act: Callable[[], object]) -> Refusal | None:
        """Do something that may be refused; returns the refusal."""
        try:
            act()
        except Refusal as refusal:
            self.reach(refusal.code)
            return refusal
        return None

    def change(self, actor: Actor, act: Callable[[Work], object]) -> Refusal | None:
        """Let somebody do something that may be refused."""
        return self.attempt(lambda: self.trade.works.run(actor, act))

    def rows(self, table: Any) -> list[RowMapping]:
        """Return a table's rows by their keys."""
        with self.trade.works.read(SYSTEM) as work:
            return list(work.connection.execute(select(table).order_by(*table.primary_key)).mappings())

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        with self.trade.works.read(SYSTEM) as work:
            found = examine(work, (*LEDGER_CHECKS, *PAYMENT_CHECKS, *CHECKS))
        assert [f"{one.check.name}: {line}" for one in found for line in one.violations] == []


def play(
    machine: type[FactoryMachine],
    fresh_url: Callable[[], str],
    *,
    how: settings,
    wanted: Sequence[str],
    beginnings: Sequence[str] = ("",),
) -> None:
    """Play a machine from each of its beginnings; the runs that are the same each time reach all that is wanted."""
    reached: set[str] = set()
    for beginning in beginnings:
        facts = {"fresh": staticmethod(fresh_url), "reached": reached, "beginning": beginning}
        run_state_machine_as_test(type("Machine", (machine,), facts), settings=how)
    if IS_SAMPLE:
        missing = [one for one in wanted if one not in reached]
        assert missing == [], missing
