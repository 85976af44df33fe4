"""Timers: fired when due, once, for their brand, whatever fails or moves them meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.event import listen

from kernel import ledger, timers
from kernel.actor import Actor, system
from kernel.clock import FixedClock
from kernel.ids import BrandId
from kernel.ledger import AccountName, Transfer, ledger_transfers
from kernel.money import yuan
from kernel.timers import Together, cancel_timer, fire_due, set_timer
from kernel.work import Work, Works

BRAND, OTHER = BrandId("a" * 32), BrandId("b" * 32)


def transfer(reference: str) -> Transfer:
    return Transfer("held", reference, AccountName("provider:s"), AccountName("deposit:x"), yuan(1))


def count_of(works: Works, table: object) -> int:
    with works.read(system(BRAND)) as work:
        return int(work.connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def test_a_timer_fires_once_when_it_is_due_for_its_brand(works: Works, clock: FixedClock) -> None:
    fired: list[tuple[str, object, str]] = []
    handlers = {"test.freeze": lambda work, key, payload: fired.append((key, payload, work.actor.brand_id))}
    with works.change(system(OTHER)) as work:
        set_timer(work, "test.freeze", "pool-1", clock.now() + timedelta(hours=2), {"n": 1})
        set_timer(work, "test.freeze", "pool-1", clock.now() + timedelta(hours=1), {"n": 2})
        set_timer(work, "test.freeze", "pool-2", clock.now() + timedelta(hours=1))
        cancel_timer(work, "test.freeze", "pool-2")

    early = fire_due(works, handlers)
    clock.advance(timedelta(hours=1))
    due, again = fire_due(works, handlers), fire_due(works, handlers)

    assert (early, due, again) == (0, 1, 0)
    assert fired == [("pool-1", {"n": 2}, OTHER)]


def test_a_timer_that_fails_is_rolled_back_tried_again_and_stops_no_other(works: Works, clock: FixedClock) -> None:
    attempts: list[str] = []

    def handle(work: Work, key: str, _payload: object) -> None:
        attempts.append(key)
        ledger.book(work, transfer(f"{key}-{len(attempts)}"))
        if key == "bad" and attempts.count("bad") < 3:
            raise RuntimeError("not yet")

    with works.change(system(BRAND)) as work:
        set_timer(work, "test.freeze", "bad", clock.now())
        set_timer(work, "test.freeze", "good", clock.now() + timedelta(seconds=1))
    clock.advance(timedelta(seconds=1))
    for _ in range(4):
        fire_due(works, {"test.freeze": handle})
        clock.advance(timedelta(minutes=1))

    assert attempts == ["bad", "good", "bad", "bad"]
    assert count_of(works, ledger_transfers) == 2
    assert count_of(works, timers.timers) == 0


def test_timers_of_a_kind_are_fired_together_and_one_that_fails_holds_up_no_other(
    works: Works, clock: FixedClock
) -> None:
    calls: list[tuple[str, list[str]]] = []

    def handle(work: Work, keys: Sequence[str]) -> None:
        calls.append((work.actor.brand_id, list(keys)))
        ledger.book(work, *(transfer(key) for key in keys))
        if "bad" in keys and clock.now() == began:
            raise RuntimeError("not yet")

    began = clock.now()
    for brand, keys in ((BRAND, ("a", "bad", "c", "d")), (OTHER, ("e",))):
        with works.change(system(brand)) as work:
            for key in keys:
                set_timer(work, "test.over", key, began)
    handlers = {"test.over": Together(handle)}

    fired = [fire_due(works, handlers, timers_max=3), fire_due(works, handlers)]
    clock.advance(timedelta(minutes=1))
    fired.append(fire_due(works, handlers))

    assert fired == [3, 2, 1]
    assert calls == [
        (BRAND, ["a", "bad", "c"]),
        (BRAND, ["a"]),
        (BRAND, ["bad"]),
        (BRAND, ["c"]),
        (BRAND, ["d"]),
        (OTHER, ["e"]),
        (BRAND, ["bad"]),
    ]
    assert count_of(works, ledger_transfers) == 5
    assert count_of(works, timers.timers) == 0


def test_a_timer_that_is_moved_while_it_fails_comes_when_it_was_moved_to(works: Works, clock: FixedClock) -> None:
    class MovedMeanwhile(Works):
        """Somebody moves the timer after its handler's change was undone, and before it is put off."""

        changes = 0

        @contextmanager
        def change(self, actor: Actor, *, ahead: bool = False) -> Iterator[Work]:
            self.changes += 1
            if self.changes == 2:
                with works.change(system(BRAND)) as work:
                    set_timer(work, "test.freeze", "k", clock.now() + timedelta(days=3))
            with super().change(actor, ahead=ahead) as work:
                yield work

    def handle(work: Work, key: str, payload: object) -> None:
        raise RuntimeError("not yet")

    with works.change(system(BRAND)) as work:
        set_timer(work, "test.freeze", "k", clock.now())

    fire_due(MovedMeanwhile(works.engine, clock=clock), {"test.freeze": handle}, timers_max=1)

    with works.read(system(BRAND)) as work:
        (due_at,) = work.connection.execute(select(timers.timers.c.due_at)).scalars()
    assert due_at == clock.now() + timedelta(days=3)


def test_a_timer_may_set_itself_again(works: Works, clock: FixedClock) -> None:
    def handle(work: Work, key: str, _payload: object) -> None:
        set_timer(work, "test.daily", key, work.now + timedelta(days=1))

    with works.change(system(BRAND)) as work:
        set_timer(work, "test.daily", "k", clock.now())

    fired = []
    for _ in range(3):
        fired.append(fire_due(works, {"test.daily": handle}))
        clock.advance(timedelta(days=1))

    assert fired == [1, 1, 1]


def test_a_timer_that_is_moved_just_before_it_fires_is_there_afterwards(works: Works, clock: FixedClock) -> None:
    later = clock.now() + timedelta(days=1)
    with works.change(system(BRAND)) as work:
        set_timer(work, "remind", "x", clock.now())
    began, fired = threading.Event(), threading.Event()

    def pause(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO timers"):
            began.set()
            fired.wait(1)

    def fire() -> None:
        began.wait(10)
        fire_due(works, {"remind": lambda *_: None})
        fired.set()

    def move() -> None:
        with works.change(system(BRAND)) as work:
            set_timer(work, "remind", "x", later, payload="moved")

    listen(works.engine, "after_cursor_execute", pause)
    with ThreadPoolExecutor(2) as threads:
        assert [done.result(30) for done in (threads.submit(fire), threads.submit(move))] == [None, None]

    with works.read(system(BRAND)) as work:
        assert work.connection.execute(select(timers.timers.c.due_at, timers.timers.c.payload)).all() == [
            (later, "moved")
        ]
