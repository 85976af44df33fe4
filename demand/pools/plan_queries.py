"""Whether a plan's tiers pay, asked of the catalogue in force."""

from __future__ import annotations

from configurator.model import PoolingClass
from configurator.service import thinnest_margin_of_class
from demand.errors import TermsUnsound, TierBelowCost
from demand.pools.model import ClassLevel, PoolTerms
from kernel.money import Money
from kernel.reasons import because
from kernel.work import Work


def check_tiers_pay(work: Work, cls: PoolingClass, terms: PoolTerms, *, level: ClassLevel) -> None:
    """Refuse a discount at which some legal car of the class would be sold below cost (TierBelowCost)."""
    deepest = terms.tiers[-1].discount_bp
    thinnest = thinnest_margin_of_class(work, cls, discount_bp=deepest, any_trim=level is ClassLevel.L2)
    if thinnest is None:
        raise TermsUnsound(because("NO_CAR_OF_CLASS"))
    if thinnest.margin_minor < 0:
        raise TierBelowCost(deepest, thinnest.model, Money(-thinnest.margin_minor))
