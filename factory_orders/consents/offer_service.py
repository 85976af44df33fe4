"""Offers of repaired cars: made when another car is built for an order, ended by an answer, by time, or with the order.

Nothing waits for the answer: the other car is planned at once, and only who answers before it is begun has the choice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from factory_orders.consents.events import RepairedCarAnswered, RepairedCarOffered
from factory_orders.consents.model import RepairOffer, reduction_of
from factory_orders.consents.policy import RepairedCarPolicy
from factory_orders.consents.store import insert_offer, open_offer, order_offered, save_answer
from factory_orders.offers.model import OfferState
from factory_orders.planning.model import OrderTerms
from factory_orders.planning.order_store import lock_order
from factory_orders.vehicles.model import Newness, Vehicle, VehicleState
from factory_orders.vehicles.store import disclosed_minor
from kernel import policy
from kernel.actor import Permission
from kernel.timers import cancel_timer, set_timer
from kernel.work import Work

REPAIR_OFFER_TIMER: Final = "factory_orders.repair_offer"


def offer_repaired(work: Work, terms: OrderTerms, vehicle: Vehicle) -> RepairOffer | None:
    """Offer an order's buyer the car that is not new any more; None where it was repaired too much, or is gone.

    The caller has let another car be built; an offer that is open ends.
    """
    end_offer(work, terms, OfferState.LAPSED)
    rules = policy.pinned(work, terms.policy_version).section(RepairedCarPolicy)
    repair_minor = disclosed_minor(work, vehicle.vin)
    is_there = (vehicle.state, vehicle.newness) == (VehicleState.BUILT, Newness.REPAIRED)
    if not is_there or repair_minor > rules.repair_most_minor or not rules.answer_days:
        return None
    reduction = reduction_of(
        terms.price_minor, repair_minor, price_share_bp=rules.price_share_bp, repair_share_bp=rules.repair_share_bp
    )
    if not reduction:
        return None
    offer = RepairOffer(
        id=work.new_id(),
        brand_id=terms.brand_id,
        order_id=terms.id,
        vin=vehicle.vin,
        repair_minor=repair_minor,
        reduction_minor=reduction,
        offered_at=work.now,
        answer_by=work.now + timedelta(days=rules.answer_days),
    )
    insert_offer(work, offer)
    set_timer(work, REPAIR_OFFER_TIMER, terms.id, offer.answer_by)
    work.record(
        RepairedCarOffered(
            terms.brand_id,
            offer.id,
            terms.id,
            terms.account_id,
            offer.vin,
            repair_minor,
            offer.reduction_minor,
            offer.answer_by,
        )
    )
    return offer


def renew_offer(work: Work, terms: OrderTerms, vehicle: Vehicle) -> None:
    """Let an offer follow what has happened to its car since: it is made anew, or ends; nothing without an open one."""
    if order_offered(work, vehicle.vin) == terms.id:
        offer_repaired(work, terms, vehicle)


def end_offer(work: Work, terms: OrderTerms, state: OfferState) -> None:
    """End the open offer of an order, if there is one; the caller has locked the order."""
    offer = open_offer(work, terms.id)
    if offer is None:
        return
    save_answer(work, offer.id, state)
    cancel_timer(work, REPAIR_OFFER_TIMER, terms.id)
    work.record(
        RepairedCarAnswered(
            terms.brand_id, offer.id, terms.id, terms.account_id, offer.vin, state.value, offer.reduction_minor
        )
    )


def lapse_offer(work: Work, order_id: str, _payload: Any = None) -> None:
    """Let an offer end without an answer; the timer of an offer."""
    work.actor.require(Permission.SYSTEM)
    terms = lock_order(work, order_id).terms
    offer = open_offer(work, order_id)
    if offer is not None and work.now >= offer.answer_by:
        end_offer(work, terms, OfferState.LAPSED)
