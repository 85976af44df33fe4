"""What nobody comes back for is deleted after thirty days, in batches: keys, and letters that everybody has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select

from kernel import idempotency, news, outbox
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.events import Event, event
from kernel.idempotency import Fresh, Keyed, Replay, claim, idempotency_keys, keep
from kernel.ids import BrandId
from kernel.outbox import Letter, Subscription
from kernel.work import Work, Works

BRAND: Final = system(BrandId("a" * 32))


@event("test.swept")
@dataclass(frozen=True, slots=True)
class Swept(Event):
    number: int


def read_all(_work: Work, _letters: Sequence[Letter]) -> None:
    pass


def read_none(_work: Work, _letters: Sequence[Letter]) -> None:
    raise RuntimeError("not today")


def claim_key(works: Works, number: int) -> Fresh | Replay:
    with works.change(BRAND) as work:
        claimed = claim(work, Keyed("1" * 32, f"key-{number:08}", {"n": number}))
        if isinstance(claimed, Fresh):
            keep(work, claimed, {"n": number})
        return claimed


def rows(works: Works) -> tuple[int, int, int]:
    """Count keys, letters, and who saw them."""
    with works.read(BRAND) as work:
        tables = (idempotency_keys, news.outbox, news.outbox_seen)
        keys, letters, seen = (
            work.connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables
        )
    return keys, letters, seen


def test_keys_go_after_thirty_days_in_batches_and_younger_ones_still_answer(works: Works, clock: FixedClock) -> None:
    for number in range(5):
        claim_key(works, number)
    clock.advance(timedelta(days=1))
    claim_key(works, 5)
    clock.advance(timedelta(days=29, seconds=1))

    with works.change(BRAND) as work:
        swept = [idempotency.sweep(work, rows_max=2) for _ in range(4)]

    assert swept == [2, 2, 1, 0]
    assert claim_key(works, 5) == Replay({"n": 5})
    assert isinstance(claim_key(works, 0), Fresh)


def test_settled_letters_go_after_thirty_days_with_who_saw_them(works: Works, clock: FixedClock) -> None:
    with works.change(BRAND) as work:
        work.record(*(Swept(BRAND.brand_id, number) for number in range(5)))
    outbox.deliver(works, [Subscription("one", frozenset({Swept.kind}), read_all)])
    clock.advance(timedelta(days=1))
    with works.change(BRAND) as work:
        work.record(Swept(BRAND.brand_id, 5))
    outbox.deliver(works, [Subscription("one", frozenset({Swept.kind}), read_all)])
    before = rows(works)
    clock.advance(timedelta(days=29, seconds=1))

    with works.change(BRAND) as work:
        swept = [outbox.sweep(work, rows_max=3) for _ in range(3)]

    assert before == (0, 6, 6)
    assert swept == [3, 2, 0]
    assert rows(works) == (0, 1, 1)


def test_a_letter_that_somebody_has_still_to_get_stays(works: Works, clock: FixedClock) -> None:
    with works.change(BRAND) as work:
        work.record(Swept(BRAND.brand_id, 1))
    both = [
        Subscription("one", frozenset({Swept.kind}), read_all),
        Subscription("two", frozenset({Swept.kind}), read_none),
    ]
    outbox.deliver(works, both)
    clock.advance(timedelta(days=40))

    with works.change(BRAND) as work:
        swept = outbox.sweep(work, rows_max=10)

    assert swept == 0
    assert rows(works) == (0, 1, 1)
