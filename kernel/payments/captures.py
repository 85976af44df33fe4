"""Authorised money on its way in, asked for by the worker.

The provider is called outside any transaction, under a reference that it knows again, so that a crash anywhere means
that it is asked once more and answers the same. A payment that cannot be taken now waits by itself, and holds up no
other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import Integer, bindparam, select, update

from kernel import db
from kernel.actor import system
from kernel.ids import BrandId
from kernel.payments.lost import LostUse, decline, settle_lost
from kernel.payments.model import HAS_MONEY, Capture, Payment, PaymentProvider, ProviderUnavailable
from kernel.payments.store import payment_from, select_payments
from kernel.payments.tables import payments
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
BATCH_MAX: Final = 200
AWAY_AFTER: Final = 3
"""So many in a row that a provider cannot take, each asked for by itself, mean that the provider is away."""
PAUSE: Final = timedelta(seconds=30)
PAUSE_MAX: Final = timedelta(hours=1)


@dataclass(slots=True)
class _Answers:
    """What a provider said of a batch: handed over, declined for good (with the reason), or not now."""

    done: list[str] = field(default_factory=list)
    declined: dict[str, str] = field(default_factory=dict)
    not_now: list[str] = field(default_factory=list)


def capture_due(
    works: Works,
    providers: Mapping[str, PaymentProvider],
    uses: Mapping[str, LostUse],
    *,
    batch_max: int = BATCH_MAX,
) -> int:
    """Ask providers for authorised money that was taken in since; returns how many payments were settled.

    Each provider has a batch of its own, so that one that fails holds up no other; where a batch fails, each payment is
    asked for by itself, and one that cannot be taken is asked for again after a pause that doubles up to an hour. A
    payment that is declined for good is never asked for again: the room of its purpose acts on it (`uses`), each in a
    change of its own.
    """
    settled = 0
    for provider in providers.values():
        own = _due(works, provider.name, batch_max)
        answers = _capture(provider, own) if own else _Answers()
        if answers.done or answers.not_now:
            with works.change(system(BrandId("platform"))) as work:
                _note(work, answers)
        for payment_id, why in answers.declined.items():
            _let_room_act(works, uses, payment_id, why)
        settled += len(answers.done) + len(answers.declined)
    return settled


# Written once: an idle worker asks this several times a second, and writing it took longer than answering it.
_DUE: Final = (
    select_payments()
    .where(
        payments.c.received_at.isnot(None),
        payments.c.captured_at.is_(None),
        payments.c.declined_at.is_(None),
        db.beside(payments.c.provider) == bindparam("provider"),
        payments.c.capture_due_at.is_(None) | (payments.c.capture_due_at <= bindparam("now", type_=db.Instant)),
    )
    .order_by(payments.c.id)
    .limit(bindparam("most", type_=Integer))
)


def _due(works: Works, provider: str, batch_max: int) -> list[Payment]:
    with works.read(system(BrandId("platform"))) as work:
        asked = {"provider": provider, "now": work.now, "most": batch_max}
        return [payment_from(row) for row in work.connection.execute(_DUE, asked).mappings()]


def _capture(provider: PaymentProvider, own: Sequence[Payment]) -> _Answers:
    """Ask for a batch; where it fails, for each by itself until it is clear that nothing can be had now."""
    answers = _Answers()
    if _ask(provider, own, answers):
        return answers
    if len(own) == 1:
        answers.not_now.append(own[0].id)
        return answers
    in_vain = 0
    for one in own:
        if _ask(provider, [one], answers):
            in_vain = 0
            continue
        answers.not_now.append(one.id)
        in_vain += 1
        if in_vain == AWAY_AFTER:
            log.warning("provider_away", provider=provider.name, payments=len(own))
            break
    return answers


def _ask(provider: PaymentProvider, own: Sequence[Payment], answers: _Answers) -> bool:
    """Ask for these at once and note the answer; False where there was none."""
    try:
        declined = provider.capture([Capture(one.brand_id, one.provider_reference or "", one.amount) for one in own])
    except ProviderUnavailable as error:
        log.warning("capture_postponed", provider=provider.name, payments=len(own), why=str(error))
        return False
    except Exception as error:  # noqa: BLE001 - a provider's mistake over one payment must not hold up the others
        log.error("capture_broke", provider=provider.name, payment_id=own[0].id, why=type(error).__name__)
        return False
    for one in own:
        reason = declined.get(one.provider_reference or "")
        if reason is None:
            answers.done.append(one.id)
        else:
            answers.declined[one.id] = reason
    return True


def _note(work: Work, answers: _Answers) -> None:
    """Note what was handed over, and when each of those that could not be had is asked for again."""
    table = payments.c
    still_open = table.captured_at.is_(None), table.declined_at.is_(None)
    taken = update(payments).where(db.among(table.id, answers.done), *still_open)
    work.connection.execute(taken.values(captured_at=work.now))
    found = select(table.id, table.capture_attempts).where(db.among(table.id, answers.not_now), *still_open)
    pauses = [
        {
            "b_id": row.id,
            "b_attempts": row.capture_attempts + 1,
            "b_due": work.now + min(PAUSE * 2.0 ** min(row.capture_attempts, 8), PAUSE_MAX),
        }
        for row in work.connection.execute(found.order_by(table.id).with_for_update())
    ]
    if pauses:
        later = update(payments).where(table.id == bindparam("b_id"))
        later = later.values(capture_attempts=bindparam("b_attempts"), capture_due_at=bindparam("b_due"))
        work.connection.execute(later, pauses)


def _let_room_act(works: Works, uses: Mapping[str, LostUse], payment_id: str, why: str) -> None:
    def act(work: Work) -> None:
        found = select_payments().where(payments.c.id == payment_id).with_for_update()
        payment = payment_from(work.connection.execute(found).mappings().one())
        own = work.acting(system(BrandId(payment.brand_id)))
        if payment.state in HAS_MONEY and not payment.captured:
            settle_lost(own, uses, *decline(own, payment, why))

    try:
        works.run(system(BrandId("platform")), act)
    except Exception:
        # Nothing of it is kept; the provider is asked again and answers the same, and the others go on.
        log.exception("declined_payment_not_settled", payment_id=payment_id)
