"""Less money for a repaired car that its buyer takes, and the old price where that car does not come after all."""

from __future__ import annotations

from factory_orders.agreements.model import Agreement, AgreementKind
from factory_orders.agreements.store import agreements_of, save_agreement
from factory_orders.planning.model import OrderTerms
from kernel.work import Work

REDUCTIONS = (AgreementKind.REDUCTION, AgreementKind.REDUCTION_ENDED)


def agree_reduction(work: Work, terms: OrderTerms, reduction_minor: int) -> OrderTerms:
    """Write that an order's car costs less; the caller has locked the order. Returns its terms from now on."""
    return _agree(work, terms, AgreementKind.REDUCTION, -reduction_minor)


def end_reduction(work: Work, terms: OrderTerms) -> OrderTerms:
    """Write that a reduction counts no more: the order gets another car, a new one."""
    reduced = sum(one.price_delta_minor for one in agreements_of(work, terms.id) if one.kind in REDUCTIONS)
    return terms if not reduced else _agree(work, terms, AgreementKind.REDUCTION_ENDED, -reduced)


def _agree(work: Work, terms: OrderTerms, kind: AgreementKind, price_delta_minor: int) -> OrderTerms:
    agreed = Agreement(
        id=work.new_id(),
        brand_id=terms.brand_id,
        order_id=terms.id,
        number=len(agreements_of(work, terms.id)) + 1,
        kind=kind,
        account_id=terms.account_id,
        stage="built",
        options_before=terms.options,
        options_after=terms.options,
        price_delta_minor=price_delta_minor,
        fee_minor=0,
        at=work.now,
    )
    return save_agreement(work, terms, agreed)
