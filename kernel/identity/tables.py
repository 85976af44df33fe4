"""Accounts, persons, sessions, roles, invitations, machines and their keys, one-time tokens, counted attempts."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, UniqueConstraint

from kernel.db import Id, Instant, Json, metadata

persons = Table(
    "persons",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("identity_hash", String(64)),
    Column("verified_at", Instant, nullable=False),
    Column("erased_at", Instant),
    # One verified person is one row, however many accounts they have.
    UniqueConstraint("brand_id", "identity_hash"),
    CheckConstraint("(identity_hash IS NULL) = (erased_at IS NOT NULL)", name="erased_has_no_hash"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("email", String(254)),
    Column("email_key", String(254)),
    Column("name", String(80), nullable=False),
    Column("locale", String(10), nullable=False),
    Column("password_hash", String(200)),
    Column("state", String(10), nullable=False),
    Column("person_id", Id, ForeignKey("persons.id"), index=True),
    Column("confirmed_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("erased_at", Instant),
    UniqueConstraint("brand_id", "email_key"),
    CheckConstraint("state IN ('active', 'disabled', 'erased')", name="state_known"),
    CheckConstraint("(email IS NULL) = (email_key IS NULL)", name="address_has_key"),
    CheckConstraint("(state = 'erased') = (email IS NULL)", name="erased_has_no_address"),
    CheckConstraint("(state = 'erased') = (erased_at IS NOT NULL)", name="erased_has_moment"),
    CheckConstraint(
        "state <> 'erased' OR (password_hash IS NULL AND name = '' AND person_id IS NULL)", name="erased_is_empty"
    ),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("device", String(80), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

role_grants = Table(
    "role_grants",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("account_id", Id, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("role", String(20), nullable=False),
    Column("store_id", Id, ForeignKey("stores.id")),
    Column("granted_by", Id),
    Column("granted_at", Instant, nullable=False),
    Column("revoked_by", Id),
    Column("revoked_at", Instant),
    CheckConstraint(
        "role IN ('consumer', 'dealer', 'planner', 'brand_admin', 'operator', 'auditor')", name="role_known"
    ),
    CheckConstraint("(role = 'dealer') = (store_id IS NOT NULL)", name="dealer_has_store"),
    CheckConstraint("revoked_at IS NOT NULL OR revoked_by IS NULL", name="revoked_has_moment"),
)
Index("ix_role_grants_brand_id_role", role_grants.c.brand_id, role_grants.c.role)
Index(
    "uq_role_grants_account_id_role",
    role_grants.c.account_id,
    role_grants.c.role,
    unique=True,
    postgresql_where=role_grants.c.revoked_at.is_(None),
    sqlite_where=role_grants.c.revoked_at.is_(None),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False, index=True),
    Column("email", String(254)),
    Column("role", String(20), nullable=False),
    Column("store_id", Id, ForeignKey("stores.id")),
    Column("locale", String(10), nullable=False),
    Column("invited_by", Id),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("accepted_by", Id, ForeignKey("accounts.id")),
    Column("accepted_at", Instant),
    Column("revoked_at", Instant),
    CheckConstraint("role IN ('dealer', 'planner', 'brand_admin', 'auditor')", name="role_known"),
    CheckConstraint("(role = 'dealer') = (store_id IS NOT NULL)", name="dealer_has_store"),
    CheckConstraint("accepted_at IS NULL OR revoked_at IS NULL", name="settled_once"),
    # The address is kept only as long as somebody has to write to it.
    CheckConstraint("(accepted_at IS NULL AND revoked_at IS NULL) OR email IS NULL", name="settled_has_no_address"),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("purpose", String(20), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("used_at", Instant),
    CheckConstraint("purpose IN ('confirmation', 'recovery')", name="purpose_known"),
)

machines = Table(
    "machines",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("label", String(80), nullable=False),
    Column("role", String(20), nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id")),
    Column("party_code", String(40)),
    Column("created_by", Id),
    Column("created_at", Instant, nullable=False),
    Column("revoked_by", Id),
    Column("revoked_at", Instant),
    UniqueConstraint("brand_id", "label"),
    CheckConstraint("role IN ('plant', 'supplier', 'carrier')", name="role_known"),
    CheckConstraint("(role = 'plant') = (plant_id IS NOT NULL)", name="plant_is_bound"),
    CheckConstraint("(role = 'plant') = (party_code IS NULL)", name="party_is_bound"),
)

machine_keys = Table(
    "machine_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("machine_id", Id, ForeignKey("machines.id"), nullable=False, index=True),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("made_by", Id),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant),
)

# Counted attempts; the key is a keyed hash, so that no address stands here.
throttles = Table(
    "throttles",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("attempts", Json, nullable=False),
    Column("changed_at", Instant, nullable=False, index=True),
)
