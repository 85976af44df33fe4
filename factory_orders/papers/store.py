"""Loads and saves papers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from factory_orders.papers.model import Paper, PaperKind
from factory_orders.papers.rows import paper_from
from factory_orders.papers.tables import LIVE_ROWS, papers
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work

AT_ONCE = 100


def insert_papers(work: Work, new: Sequence[Paper]) -> None:
    """Write papers that are asked for; of some the answer is known already."""
    db.insert_many(work.connection, papers, [_row(paper) for paper in new])


def _row(paper: Paper) -> dict[str, object]:
    request = paper.request
    names = ("brand_id", "order_id", "account_id", "vin", "amount_minor", "newness")
    values = {name: getattr(request, name) for name in names} | {"id": request.paper_id, "kind": request.kind.value}
    return values | _changing(paper) | {"provider": paper.provider}


def save_paper(work: Work, paper: Paper) -> None:
    """Write where a paper stands."""
    work.connection.execute(update(papers).where(papers.c.id == paper.request.paper_id).values(**_changing(paper)))


def _changing(paper: Paper) -> dict[str, object]:
    names = ("requested_at", "number", "reason", "answered_at", "voided_at", "due_at", "attempts")
    return {name: getattr(paper, name) for name in names} | {"state": paper.state.value}


def papers_of_cars(work: Work, order_ids: Sequence[str], kind: PaperKind) -> dict[tuple[str, str], Paper]:
    """Return the papers of a kind that orders' cars have or wait for, by order and car."""
    table = papers.c
    found = select(papers).where(
        db.among(table.order_id, order_ids),
        table.kind == kind.value,
        # In the very words of the index, so that it is taken: it has no other papers.
        LIVE_ROWS,
        table.brand_id == work.actor.brand_id,
    )
    return {(row["order_id"], row["vin"]): paper_from(row) for row in work.connection.execute(found).mappings()}


def lock_live_papers(work: Work, order_id: str, vin: str) -> list[Paper]:
    """Load the papers that an order's car has or waits for, and keep answers to them waiting."""
    table = papers.c
    own = (table.order_id == order_id) & (table.vin == vin) & (table.brand_id == work.actor.brand_id)
    rows = work.connection.execute(select(papers).where(own, LIVE_ROWS).order_by(table.id).with_for_update())
    return [paper_from(row) for row in rows.mappings()]


def lock_paper(work: Work, paper_id: str) -> Paper:
    """Load a paper and keep other changes to it waiting; refuses NotFound."""
    own = (papers.c.id == paper_id) & (papers.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(select(papers).where(own).with_for_update()).mappings().first()
    if row is None:
        raise NotFound("paper")
    return paper_from(row)


def due_papers(work: Work, providers: Sequence[str]) -> list[Paper]:
    """Return papers of all brands that one of these providers is to be asked about now, the longest due first."""
    found = select(papers).where(papers.c.due_at <= work.now, db.among(papers.c.provider, providers))
    rows = work.connection.execute(found.order_by(papers.c.due_at, papers.c.id).limit(AT_ONCE)).mappings()
    return [paper_from(row) for row in rows]
