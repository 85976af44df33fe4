"""Payments, their refunds and the callbacks that came for them."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table

from kernel.db import Id, Instant, Minor, metadata
from kernel.immutable import append_only, guard

payments = Table(
    "payments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("account_id", Id, nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("subject_id", Id, nullable=False),
    Column("provider", String(40), nullable=False),
    Column("amount_minor", Minor, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("state", String(12), nullable=False),
    Column("provider_reference", String(120)),
    Column("instrument", String(64)),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("received_at", Instant),
    Column("captured_at", Instant),
    # When the provider is asked for it again, after so many attempts in vain.
    Column("capture_due_at", Instant),
    Column("capture_attempts", Integer, nullable=False, server_default="0"),
    Column("declined_at", Instant),
    Column("declined_why", String(80)),
    Column("charged_back_at", Instant),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint(
        "state IN ('pending', 'received', 'failed', 'refunding', 'refunded', 'declined', 'charged_back')",
        name="state_known",
    ),
    CheckConstraint(
        "(state IN ('received', 'refunding', 'refunded', 'declined', 'charged_back'))"
        " = (provider_reference IS NOT NULL)",
        name="money_has_reference",
    ),
    CheckConstraint("(state = 'declined') = (declined_at IS NOT NULL)", name="declined_has_moment"),
    CheckConstraint("declined_at IS NULL OR captured_at IS NULL", name="declined_never_came"),
    CheckConstraint("(state = 'charged_back') = (charged_back_at IS NOT NULL)", name="charged_back_has_moment"),
    CheckConstraint("charged_back_at IS NULL OR captured_at IS NOT NULL", name="charged_back_had_come"),
    CheckConstraint("(provider_reference IS NULL) = (received_at IS NULL)", name="money_has_moment"),
    CheckConstraint("provider_reference IS NULL OR provider <> ''", name="money_has_provider"),
)
guard(
    payments,
    "stays_what_it_is",
    before="UPDATE",
    only="NEW.amount_minor <> OLD.amount_minor OR NEW.currency <> OLD.currency OR NEW.purpose <> OLD.purpose"
    " OR NEW.subject_id <> OLD.subject_id OR NEW.account_id <> OLD.account_id OR NEW.brand_id <> OLD.brand_id"
    " OR (OLD.state IN ('declined', 'charged_back') AND NEW.state <> OLD.state)"
    " OR (OLD.received_at IS NOT NULL AND NEW.received_at IS NULL)",
    when="TRUE",
    rule="what a payment is for never changes, and lost money stays lost",
)
# What a provider handed over once can pay for one thing only.
Index(
    "uq_payments_provider_provider_reference",
    payments.c.provider,
    payments.c.provider_reference,
    unique=True,
    postgresql_where=payments.c.provider_reference.isnot(None),
    sqlite_where=payments.c.provider_reference.isnot(None),
)
Index("ix_payments_subject_id", payments.c.subject_id)
Index("ix_payments_account_id", payments.c.account_id)
Index("ix_payments_provider_received_at", payments.c.provider, payments.c.received_at)
Index(
    "ix_payments_to_capture",
    payments.c.id,
    postgresql_where=payments.c.received_at.isnot(None)
    & payments.c.captured_at.is_(None)
    & payments.c.declined_at.is_(None),
    sqlite_where=payments.c.received_at.isnot(None)
    & payments.c.captured_at.is_(None)
    & payments.c.declined_at.is_(None),
)

# A payment is refunded at most once: its refund carries its id. Where the money turns out never to come it is void.
refunds = Table(
    "refunds",
    metadata,
    Column("payment_id", Id, ForeignKey("payments.id"), primary_key=True),
    Column("amount_minor", Minor, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", String(80)),
    Column("refunded_at", Instant),
    Column("voided_at", Instant),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint(
        "(due_at IS NULL) = (refunded_at IS NOT NULL OR voided_at IS NOT NULL)", name="due_until_refunded_or_void"
    ),
    CheckConstraint("refunded_at IS NULL OR voided_at IS NULL", name="refunded_or_void"),
)
guard(
    refunds,
    "within_payment",
    before="INSERT",
    when="NEW.amount_minor > (SELECT payments.amount_minor FROM payments WHERE payments.id = NEW.payment_id)",
    rule="no more goes back than came",
)
guard(
    refunds,
    "done_once",
    before="UPDATE",
    only="NEW.amount_minor <> OLD.amount_minor OR (OLD.refunded_at IS NOT NULL AND NEW.refunded_at IS NULL)",
    when="TRUE",
    rule="a refund keeps its amount, and what was sent back stays so",
)
Index("ix_refunds_due_at", refunds.c.due_at, postgresql_where=refunds.c.due_at.isnot(None))

payment_callbacks = Table(
    "payment_callbacks",
    metadata,
    Column("provider", String(40), primary_key=True),
    Column("message_id", String(120), primary_key=True),
    Column("payment_id", Id, ForeignKey("payments.id"), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("provider_reference", String(120), nullable=False),
    Column("amount_minor", Minor, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("at", Instant, nullable=False),
)
Index("ix_payment_callbacks_payment_id", payment_callbacks.c.payment_id)
_CHARGED_BACK = payment_callbacks.c.kind == "charged_back"
Index(
    "ix_payment_callbacks_charged_back",
    payment_callbacks.c.provider,
    payment_callbacks.c.provider_reference,
    postgresql_where=_CHARGED_BACK,
    sqlite_where=_CHARGED_BACK,
)
append_only(payment_callbacks)
