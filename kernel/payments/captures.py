"""Authorised money on its way in, asked for by the worker.

The provider is called outside any transaction, under a reference that it knows again, so that a crash anywhere means
that it is asked once more and answers the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from sqlalchemy import update

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


def capture_due(
    works: Works,
    providers: Mapping[str, PaymentProvider],
    uses: Mapping[str, LostUse],
    *,
    batch_max: int = BATCH_MAX,
) -> int:
    """Ask providers for authorised money that was taken in since; returns how many payments were settled.

    Each provider has a batch of its own, so that one that fails holds up no other. A payment that is declined for good
    is never asked for again: the room of its purpose acts on it (`uses`), each in a change of its own.
    """
    settled = 0
    for name, provider in providers.items():
        statement = (
            select_payments()
            .where(
                payments.c.received_at.isnot(None),
                payments.c.captured_at.is_(None),
                payments.c.declined_at.is_(None),
                payments.c.provider == name,
            )
            .order_by(payments.c.id)
            .limit(batch_max)
        )
        with works.read(system(BrandId("platform"))) as work:
            own = [payment_from(row) for row in work.connection.execute(statement).mappings()]
        done, declined = _capture(provider, own) if own else ([], {})
        if done:
            with works.change(system(BrandId("platform"))) as work:
                work.connection.execute(
                    update(payments)
                    .where(
                        db.among(payments.c.id, [payment.id for payment in done]),
                        payments.c.captured_at.is_(None),
                        payments.c.declined_at.is_(None),
                    )
                    .values(captured_at=work.now)
                )
        for payment_id, why in declined.items():
            _let_room_act(works, uses, payment_id, why)
        settled += len(done) + len(declined)
    return settled


def _capture(provider: PaymentProvider, own: Sequence[Payment]) -> tuple[list[Payment], dict[str, str]]:
    """Return those whose money was handed over, and the ids of those declined for good with the reason.

    Where a batch breaks, each is asked for by itself.
    """
    try:
        answered = provider.capture([Capture(one.brand_id, one.provider_reference or "", one.amount) for one in own])
    except ProviderUnavailable as error:
        log.warning("capture_postponed", provider=provider.name, payments=len(own), why=str(error))
        return [], {}
    except Exception as error:  # noqa: BLE001 - a provider's mistake over one payment must not hold up the others
        if len(own) > 1:
            alone = [_capture(provider, [one]) for one in own]
            return [one for done, _ in alone for one in done], {
                payment_id: why for _, declined in alone for payment_id, why in declined.items()
            }
        log.error("capture_broke", provider=provider.name, payment_id=own[0].id, why=type(error).__name__)
        return [], {}
    done = [one for one in own if one.provider_reference not in answered]
    return done, {one.id: answered[one.provider_reference or ""] for one in own if one.provider_reference in answered}


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
