"""Reads of papers: the buyer's own, and those of the cars that a store hands over."""

from __future__ import annotations

from sqlalchemy import or_, select

from factory_orders.papers.model import Paper
from factory_orders.papers.rows import paper_from
from factory_orders.papers.tables import papers
from factory_orders.planning.tables import orders
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


def papers_of_order(work: Work, order_id: str, page: PageRequest) -> Page[Paper]:
    """Return an order's papers, newest first, to its buyer, its store, an auditor; to others it does not exist."""
    table = orders.c
    seen = [table.account_id == work.actor.signed_in()]
    if work.actor.may(Permission.AUDIT_READ):
        seen.append(table.id == order_id)
    if work.actor.may(Permission.DELIVERY_READ) and work.actor.store_id is not None:
        seen.append(table.store_id == work.actor.store_id)
    own = select(table.id).where(table.id == order_id, table.brand_id == work.actor.brand_id, or_(*seen))
    if work.connection.execute(own).first() is None:
        raise NotFound("order")
    found = select(papers).where(papers.c.order_id == order_id)
    if page.after is not None:
        found = found.where(papers.c.id < page.after)
    rows = work.connection.execute(found.order_by(papers.c.id.desc()).limit(page.size + 1)).mappings()
    return make_page([paper_from(row) for row in rows], page, lambda one: one.request.paper_id)
