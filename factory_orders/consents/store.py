"""Loads and saves offers of repaired cars."""

from __future__ import annotations

from sqlalchemy import select, update

from factory_orders.consents.model import RepairOffer
from factory_orders.consents.rows import FIELDS, offer_from
from factory_orders.consents.tables import repair_offers
from factory_orders.offers.model import OfferState
from kernel.work import Work


def insert_offer(work: Work, offer: RepairOffer) -> None:
    """Write a new offer."""
    row = {name: getattr(offer, name) for name in FIELDS} | {"state": offer.state.value}
    work.connection.execute(repair_offers.insert().values(**row))


def open_offer(work: Work, order_id: str) -> RepairOffer | None:
    """Return the open offer of an order, locked."""
    table = repair_offers.c
    own = (table.order_id == order_id) & (table.brand_id == work.actor.brand_id)
    found = select(repair_offers).where(own, table.state == OfferState.OPEN.value).with_for_update()
    row = work.connection.execute(found).mappings().first()
    return None if row is None else offer_from(row)


def order_offered(work: Work, vin: str) -> str | None:
    """Return the order whose buyer is offered a car now; None where nobody is."""
    table = repair_offers.c
    own = (table.vin == vin) & (table.brand_id == work.actor.brand_id)
    return work.connection.execute(select(table.order_id).where(own, table.state == OfferState.OPEN.value)).scalar()


def save_answer(work: Work, offer_id: str, state: OfferState) -> None:
    """Write an answer; the database refuses a second one."""
    own = (repair_offers.c.id == offer_id) & (repair_offers.c.brand_id == work.actor.brand_id)
    work.connection.execute(update(repair_offers).where(own).values(state=state.value, answered_at=work.now))
