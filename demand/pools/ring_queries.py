"""The rule about rings: one payment instrument pays for few members of a pool; who goes beyond it is looked at.

Nobody is taken out by it: an operator looks, and `remove_member` wants the number of a case (DOMAIN section 6.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from demand.pools.policy import PoolPolicy
from demand.pools.tables import pre_orders
from kernel import db, policy
from kernel.actor import Permission
from kernel.payments.tables import payments
from kernel.work import Work

RINGS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Ring:
    """Members of one pool whose deposits came from one instrument, the earliest first; the instrument stays unsaid."""

    pool_id: str
    pre_order_ids: tuple[str, ...]


def find_rings(work: Work) -> list[Ring]:
    """Return the members with a place who share a payment instrument with more persons than the brand's policy allows.

    Two statements, however many pools there are; at most 200 rings, those of the newest pools first.
    """
    work.actor.require(Permission.MEMBER_REMOVE)
    most = policy.current(work).section(PoolPolicy).persons_per_instrument_max
    member, paid = pre_orders.c, payments.c
    joined = pre_orders.join(payments, paid.id == member.payment_id)
    placed = (
        member.brand_id == work.actor.brand_id,
        member.state == "pooled",
        paid.instrument.isnot(None),
    )
    shared = (
        select(member.pool_id, paid.instrument)
        .select_from(joined)
        .where(*placed)
        .group_by(member.pool_id, paid.instrument)
        .having(func.count(member.person_id.distinct()) > most)
        .order_by(member.pool_id.desc(), paid.instrument)
        .limit(RINGS_MAX)
    )
    found: dict[tuple[str, str], list[str]] = {(row[0], row[1]): [] for row in work.connection.execute(shared)}
    members = (
        select(member.pool_id, paid.instrument, member.id)
        .select_from(joined)
        .where(*placed, db.among(paid.instrument, {instrument for _, instrument in found}))
        .order_by(member.id)
    )
    for row in work.connection.execute(members):
        if (row[0], row[1]) in found:
            found[row[0], row[1]].append(row[2])
    return [Ring(pool_id, tuple(ids)) for (pool_id, _), ids in found.items()]
