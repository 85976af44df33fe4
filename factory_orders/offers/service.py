"""What becomes of an offer of another car: its buyer's answer, or none in time."""

from __future__ import annotations

from dataclasses import replace

from factory_orders.offers.model import OfferState
from factory_orders.offers.store import load_offer, save_offer
from factory_orders.offers.tables import OfferKind, T
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.timers import cancel_timer
from kernel.work import Work


def own_offer(work: Work, kind: OfferKind[T], offer_id: str, *, lock: bool) -> T:
    """Load an offer to the signed-in buyer; somebody else's is not found."""
    work.actor.require(Permission.OWN_WRITE)
    offer = load_offer(work, kind, offer_id, lock=lock)
    if offer.account_id != work.actor.signed_in():
        raise NotFound(kind.called)
    return offer


def require_open(work: Work, kind: OfferKind[T], offer: T) -> None:
    """Refuse, as its kind does, an offer that was answered or whose time is over."""
    if offer.state is not OfferState.OPEN:
        raise kind.ended(offer.state.value)
    if work.now >= offer.answer_by:
        raise kind.ended(OfferState.LAPSED.value)


def answer(work: Work, kind: OfferKind[T], offer: T, state: OfferState) -> T:
    """Write the buyer's answer to an open offer."""
    answered = replace(offer, state=state, answered_at=work.now)
    save_offer(work, kind, answered)
    cancel_timer(work, kind.timer, offer.id)
    return answered


def decline(work: Work, kind: OfferKind[T], offer_id: str) -> T:
    """Keep the own car instead; the same again changes nothing. Refuses as `own_offer` and `require_open` do."""
    offer = own_offer(work, kind, offer_id, lock=True)
    if offer.state is OfferState.DECLINED:
        return offer
    require_open(work, kind, offer)
    return answer(work, kind, offer, OfferState.DECLINED)


def lapse(work: Work, kind: OfferKind[T], offer_id: str) -> None:
    """Let an offer end that nobody answered; for the timer of its kind."""
    work.actor.require(Permission.SYSTEM)
    offer = load_offer(work, kind, offer_id, lock=True)
    if offer.state is OfferState.OPEN and work.now >= offer.answer_by:
        save_offer(work, kind, replace(offer, state=OfferState.LAPSED, answered_at=work.now))
