"""Reads of clearings: what everybody may know of one, and a member's own proof that it was counted in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from demand.cubes.policy import CubePolicy
from demand.pools.clearing_record import ClearedMember, Proof, clearing_document, prove_member, shown_counts
from demand.pools.model import LockedPool, PoolTerms
from demand.pools.rows import pool_from
from demand.pools.tables import pool_clearings, pools, pre_orders
from kernel import db, policy, record
from kernel.actor import Permission
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class ClearingView:
    """The public part of a clearing; `reached` says None where a count would speak of fewer than k persons."""

    pool_id: str
    terms: PoolTerms
    cleared: int
    discount_bp: int
    reached: tuple[int | None, ...]
    root: str
    at: datetime

    def document(self) -> dict[str, Any]:
        """Return it in JSON terms, for `muster verify`."""
        return clearing_document(
            self.pool_id,
            self.terms,
            cleared=self.cleared,
            discount_bp=self.discount_bp,
            shown=self.reached,
            root=self.root,
        )


def clearings_of(work: Work, pool_ids: Sequence[str]) -> dict[str, ClearingView]:
    """Return the clearings of pools that have locked, in one statement."""
    work.actor.require(Permission.PUBLIC_READ)
    k = policy.current(work).section(CubePolicy).k
    table = pool_clearings.c
    found = (
        select(pools, table.members.label("members_then"), table.reached, table.root, table.at)
        .join(pool_clearings, table.pool_id == pools.c.id)
        .where(pools.c.brand_id == work.actor.brand_id, db.among(pools.c.id, pool_ids))
    )
    views: dict[str, ClearingView] = {}
    for row in work.connection.execute(found).mappings():
        pool = pool_from(row).pool
        assert isinstance(pool, LockedPool), "only a pool that locked has a clearing"
        reached = shown_counts(row["reached"], members=row["members_then"], k=k)
        views[pool.head.id] = ClearingView(
            pool.head.id, pool.head.terms, pool.cleared, pool.discount_bp, reached, row["root"], row["at"]
        )
    return views


def own_proof(work: Work, pre_order_id: str) -> Proof | None:
    """Return the proof that the actor's own pre-order is under its clearing's root; None where it did not lock."""
    work.actor.require(Permission.OWN_READ)
    table = pre_orders.c
    found = select(table.pool_id, table.person_id).where(
        table.id == pre_order_id,
        table.brand_id == work.actor.brand_id,
        table.account_id == work.actor.signed_in(),
        table.state == "locked",
    )
    row = work.connection.execute(found).first()
    if row is None:
        return None
    chain = f"pool:{row.pool_id}"
    own = record.known_pseudonym(work, chain, row.person_id)
    entry = record.last_of_kind(work, chain, "pool.locked")
    assert entry is not None, "a pre-order locks with its pool, and that is on the record"
    members = [ClearedMember(one["member"], one["price_minor"]) for one in entry.body["members"]]
    index = next((place for place, one in enumerate(members) if one.member == own), None)
    return None if index is None else prove_member(row.pool_id, members, index)
