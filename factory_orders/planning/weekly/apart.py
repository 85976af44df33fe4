"""Plans a book in a process of its own: a server process stays light, and answers others meanwhile.

The book goes in and the plan comes out as JSON; the child sees no database. One child at a time a process, bounded in
time; whoever comes meanwhile is asked to come again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

from factory_orders.errors import PlanTooLarge
from factory_orders.planning.weekly.model import BookOrder, Conflict, UnitWorth, WeekBook, WeekCosts, WeekPlan
from factory_orders.planning.weekly.solving import plan_without_search, solve_book
from kernel.errors import TooBusy

ORDERS_MAX: Final = 20_000
"""Larger books are for the command line and the worker."""
SECONDS_MAX: Final = 60
RETRY_SECONDS: Final = 10
NICENESS: Final = 5
ROOT: Final = Path(__file__).resolve().parents[3]
_ONE_AT_A_TIME: Final = threading.Lock()


def solve_apart(book: WeekBook) -> WeekPlan:
    """Plan a book in a child process, or here where that needs no search.

    Refuses a book that is too large or takes too long (PlanTooLarge), and waits for nobody (TooBusy).
    """
    easy = plan_without_search(book)
    if easy is not None:
        return easy
    if len(book.orders) > ORDERS_MAX:
        raise PlanTooLarge(len(book.orders))
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise TooBusy(RETRY_SECONDS)
    try:
        return read_plan(json.loads(_ask_child(json.dumps(as_json(book)), len(book.orders))))
    finally:
        _ONE_AT_A_TIME.release()


def _ask_child(question: str, orders: int) -> str:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "factory_orders.planning.weekly.apart"],
            input=question,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            timeout=SECONDS_MAX,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise PlanTooLarge(orders) from None
    return done.stdout


def as_json(book: WeekBook) -> dict[str, Any]:
    """Return a book in JSON terms."""
    return {
        "weeks": [week.isoformat() for week in book.weeks],
        "resources": book.resources,
        "room": book.room,
        "parts": book.parts,
        "supply": book.supply,
        "orders": [[one.id, one.needs, one.ready, one.due, one.since, one.week, one.parts] for one in book.orders],
        "costs": asdict(book.costs),
    }


def read_book(said: Any) -> WeekBook:
    """Read a book back."""
    return WeekBook(
        weeks=tuple(date.fromisoformat(week) for week in said["weeks"]),
        resources=tuple(said["resources"]),
        room=tuple(tuple(row) for row in said["room"]),
        orders=tuple(_read_order(*one) for one in said["orders"]),
        parts=tuple(said["parts"]),
        supply=tuple(tuple(row) for row in said["supply"]),
        costs=WeekCosts(**said["costs"]),
    )


def _read_order(
    order_id: str, needs: list[str], ready: int, due: int, since: int, week: int | None, parts: list[str]
) -> BookOrder:
    return BookOrder(order_id, tuple(needs), ready, due, since, week, tuple(parts))


def plan_as_json(plan: WeekPlan) -> dict[str, Any]:
    """Return a plan in JSON terms."""
    conflict = plan.conflict
    return {
        "week": plan.week,
        "cost": plan.cost_minor,
        "bound": plan.bound_minor,
        "worth": [[one.week.isoformat(), one.resource, one.worth_minor] for one in plan.worth],
        "conflict": None
        if conflict is None
        else [
            conflict.resources,
            [week.isoformat() for week in conflict.weeks],
            conflict.short,
            conflict.short_in_all,
        ],
    }


def read_plan(said: Any) -> WeekPlan:
    """Read a plan back."""
    conflict = said["conflict"]
    return WeekPlan(
        week=tuple(said["week"]),
        cost_minor=said["cost"],
        bound_minor=said["bound"],
        worth=tuple(UnitWorth(date.fromisoformat(week), name, worth) for week, name, worth in said["worth"]),
        conflict=None
        if conflict is None
        else Conflict(tuple(conflict[0]), tuple(date.fromisoformat(week) for week in conflict[1]), *conflict[2:]),
    )


def main() -> None:
    """Read a book, plan it, write the plan."""
    os.nice(NICENESS)
    book = read_book(json.load(sys.stdin))
    json.dump(plan_as_json(solve_book(book)), sys.stdout)


if __name__ == "__main__":
    main()
