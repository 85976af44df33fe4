"""Papers; a car has one live paper of a kind, a number names one paper, and without an invoice nobody signs."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, text

from factory_orders.deliveries.tables import handovers
from factory_orders.papers.model import LIVE, PaperKind, PaperState
from kernel.db import Id, Instant, Minor, metadata
from kernel.immutable import guard

_KINDS = ", ".join(f"'{kind.value}'" for kind in PaperKind)
_STATES = ", ".join(f"'{state.value}'" for state in PaperState)
LIVE_ROWS: Final = text(f"state IN ({', '.join(repr(state.value) for state in LIVE)})")
papers = Table(
    "papers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("account_id", Id, nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("amount_minor", Minor, nullable=False),
    Column("newness", String(20), nullable=False, server_default="new"),
    Column("provider", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("number", String(80)),
    Column("reason", String(80)),
    Column("answered_at", Instant),
    Column("voided_at", Instant),
    Column("due_at", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),
    CheckConstraint(f"kind IN ({_KINDS})", name="kind_known"),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint(
        "(state <> 'issued' OR number IS NOT NULL) AND (state NOT IN ('requested', 'refused') OR number IS NULL)",
        name="issued_has_number",
    ),
    CheckConstraint("(state IN ('requested', 'void_wanted')) = (due_at IS NOT NULL)", name="asked_while_it_waits"),
    CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name="refused_has_reason"),
    CheckConstraint("(state = 'requested') = (answered_at IS NULL)", name="answered_when_it_is"),
    CheckConstraint("(state = 'voided') = (voided_at IS NOT NULL)", name="voided_when_it_is"),
)
Index(
    "uq_papers_live",
    papers.c.order_id,
    papers.c.vin,
    papers.c.kind,
    unique=True,
    postgresql_where=LIVE_ROWS,
    sqlite_where=LIVE_ROWS,
)
# The guard below and an order's own list look for all of its papers.
Index("ix_papers_order", papers.c.order_id)
Index("uq_papers_number", papers.c.provider, papers.c.kind, papers.c.number, unique=True)
Index("ix_papers_due", papers.c.due_at, papers.c.id)
guard(
    handovers,
    "invoice_before_signing",
    before="UPDATE",
    when="NEW.state = 'signed' AND NOT EXISTS (SELECT 1 FROM papers WHERE papers.order_id = NEW.order_id"
    " AND papers.vin = NEW.vin AND papers.kind = 'vehicle_invoice' AND papers.state = 'issued')",
    rule="no handover is signed without the vehicle invoice",
)
