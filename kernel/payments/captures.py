"""Authorised money on its way in, asked for by the worker; and what is done where a provider declines it for good.

The provider is called outside any transaction, under a reference that it knows again, so that a crash anywhere means
that it is asked once more and answers the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import structlog
from sqlalchemy import select, update

from kernel.actor import system
from kernel.ids import BrandId
from kernel.ledger import AccountName, Transfer, balance_to_spend, book
from kernel.money import Money
from kernel.payments.events import PaymentDeclined
from kernel.payments.model import HAS_MONEY, Capture, Payment, PaymentProvider, PaymentState, ProviderUnavailable
from kernel.payments.store import (
    payment_from,
    provider_account,
    refund_account,
    select_payments,
    uncollected_account,
)
from kernel.payments.tables import payments, refunds
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
BATCH_MAX: Final = 200
WHY_LENGTH_MAX: Final = 80

DeclinedUse: TypeAlias = Callable[[Work, Payment, Money], object]
"""What a room does about a declined payment of its purpose, in the change that notes it: it ends what the money was for
and gives up the missing amount with `take_back`."""


def capture_due(
    works: Works,
    providers: Mapping[str, PaymentProvider],
    uses: Mapping[str, DeclinedUse],
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
                        payments.c.id.in_([payment.id for payment in done]),
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


def _let_room_act(works: Works, uses: Mapping[str, DeclinedUse], payment_id: str, why: str) -> None:
    def act(work: Work) -> None:
        found = select_payments().where(payments.c.id == payment_id).with_for_update()
        payment = payment_from(work.connection.execute(found).mappings().one())
        own = work.acting(system(BrandId(payment.brand_id)))
        if payment.state in HAS_MONEY and not payment.captured:
            settle_declined(own, uses, *decline(own, payment, why))

    try:
        works.run(system(BrandId("platform")), act)
    except Exception:
        # Nothing of it is kept; the provider is asked again and answers the same, and the others go on.
        log.exception("declined_payment_not_settled", payment_id=payment_id)


def settle_declined(work: Work, uses: Mapping[str, DeclinedUse], payment: Payment, missing: Money | None) -> None:
    """Let the room of a declined payment's purpose act on it, where anything of it is still booked."""
    if missing is not None:
        uses[payment.purpose](work, payment, missing)


def decline(work: Work, payment: Payment, why: str) -> tuple[Payment, Money | None]:
    """Note that a locked payment's money will never come; returns it with what is still booked as if it had.

    A refund that was asked for is void: what stands on its way back is taken off. The rest lies where its room put it.
    """
    assert payment.state in HAS_MONEY
    assert not payment.captured
    declined = replace(payment, state=PaymentState.DECLINED)
    work.connection.execute(
        update(payments)
        .where(payments.c.id == payment.id)
        .values(state=PaymentState.DECLINED.value, declined_at=work.now, declined_why=why[:WHY_LENGTH_MAX])
    )
    missing_minor = payment.amount.minor - _void_refund(work, payment)
    log.warning("payment_declined", payment_id=payment.id, purpose=payment.purpose)
    work.record(
        PaymentDeclined(
            payment.brand_id,
            payment.id,
            payment.account_id,
            payment.purpose,
            payment.subject_id,
            payment.amount,
            why[:WHY_LENGTH_MAX],
        )
    )
    return declined, Money(missing_minor, payment.amount.currency) if missing_minor else None


def _void_refund(work: Work, payment: Payment) -> int:
    """Take off what stands on its way back; returns how much that was, in minor units."""
    amount_minor = work.connection.execute(
        select(refunds.c.amount_minor).where(refunds.c.payment_id == payment.id, refunds.c.refunded_at.is_(None))
    ).scalar()
    if amount_minor is None:
        return 0
    work.connection.execute(
        update(refunds).where(refunds.c.payment_id == payment.id).values(due_at=None, voided_at=work.now)
    )
    amount = Money(amount_minor, payment.amount.currency)
    book(work, _way_back("refund_voided", payment, refund_account(payment.id), amount))
    return amount.minor


def take_back(work: Work, payment: Payment, missing: Money, *, out_of: AccountName) -> None:
    """Book money that never came off the account it was booked to, as far as that reaches.

    What was spent meanwhile becomes a claim on `uncollected:<payment>`.
    """
    there = min(missing.minor, max(0, balance_to_spend(work, out_of)))
    if there:
        book(work, undone(payment, Money(there, missing.currency), out_of=out_of))
    if spent := missing.minor - there:
        claim = Money(spent, missing.currency)
        book(work, _way_back("declined_uncollected", payment, uncollected_account(payment.id), claim))


def undone(payment: Payment, missing: Money, *, out_of: AccountName) -> Transfer:
    """Make the transfer that undoes a receipt, also where the account is a claim that stands again afterwards."""
    return _way_back("declined", payment, out_of, missing)


def _way_back(kind: str, payment: Payment, out_of: AccountName, amount: Money) -> Transfer:
    return Transfer(kind, payment.id, out_of, provider_account(payment.provider, amount.currency), amount)
