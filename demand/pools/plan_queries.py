"""Whether a plan's tiers pay, asked of the catalogue in force."""

from __future__ import annotations

from configurator.model import PoolingClass
from configurator.service import cheapest_of_class, thinnest_margin_of_class
from demand.errors import TermsUnsound, TierBelowCost
from demand.pools.model import ClassLevel, PoolTerms
from kernel.money import BasisPoints, Money
from kernel.reasons import because
from kernel.work import Work


def check_tiers_pay(work: Work, cls: PoolingClass, terms: PoolTerms, *, level: ClassLevel) -> None:
    """Refuse a discount at which some legal car of the class would be sold below cost (TierBelowCost).

    And a deposit that would be more than a fifth of the cheapest one's price (TermsUnsound): it becomes earnest money.
    """
    deepest = terms.tiers[-1].discount_bp
    thinnest = thinnest_margin_of_class(work, cls, discount_bp=deepest, any_trim=level is ClassLevel.L2)
    if thinnest is None:
        raise TermsUnsound(because("NO_CAR_OF_CLASS"))
    if thinnest.margin_minor < 0:
        raise TierBelowCost(BasisPoints(deepest), thinnest.model, Money(-thinnest.margin_minor))
    cheapest = cheapest_of_class(work, cls, any_trim=level is ClassLevel.L2)
    assert cheapest is not None, "the class has a car"
    if not terms.earnest_fits(cheapest):
        raise TermsUnsound(because("EARNEST_CEILING", deposit=Money(terms.deposit_minor), price=Money(cheapest)))
