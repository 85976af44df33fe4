"""Writes what happens in a pool into its hash chain, people under pseudonyms; enough to replay its clearing offline."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from demand.pools.clearing_record import ClearedMember, clearing_root
from demand.pools.model import LockedPreOrder, PooledPreOrder, PoolHead, PreOrder
from kernel import record
from kernel.record import NewEntry
from kernel.work import Work


def chain_of(pool_id: str) -> str:
    """Name a pool's chain, which is also the scope of its pseudonyms."""
    return f"pool:{pool_id}"


def pool_times(work: Work, pool_ids: Collection[str]) -> dict[str, datetime]:
    """Return what time it is in each of these locked pools: now, but never before what has happened in it last.

    Who comes later is not earlier, though a clock was set back or another machine's is behind.
    """
    last = record.last_times(work, [chain_of(pool_id) for pool_id in pool_ids])
    return {pool_id: max(work.now, last.get(chain_of(pool_id), work.now)) for pool_id in pool_ids}


def chain_opened(work: Work, head: PoolHead) -> None:
    """Record the terms a pool was opened under."""
    terms = head.terms
    body = {
        "class": head.class_key,
        "minimum": terms.minimum,
        "capacity": terms.capacity,
        "member_limit": terms.member_limit,
        "tiers": [[tier.members, tier.discount_bp] for tier in terms.tiers],
        "deposit_minor": terms.deposit_minor,
        "freeze_hours": terms.freeze_hours,
        "deadline": head.deadline.isoformat(),
        "policy_version": head.policy_version,
    }
    record.append(work, chain_of(head.id), "pool.opened", body)


def chain_joined(work: Work, joined: Sequence[tuple[PooledPreOrder, int]]) -> None:
    """Record new places with their numbers and offers, one entry a pool however many there are."""
    by_pool: dict[str, list[tuple[PooledPreOrder, int]]] = {}
    for pre_order, number in joined:
        by_pool.setdefault(pre_order.pool_id, []).append((pre_order, number))
    new = []
    for pool_id in sorted(by_pool):
        own = by_pool[pool_id]
        names = _names(work, pool_id, [one for one, _ in own], are_new=True)
        new.append(
            NewEntry(
                chain_of(pool_id),
                "pool.joined",
                {
                    "places": [
                        {
                            "place": number,
                            "member": names[one.head.person_id],
                            "funded_at": one.funded_at.isoformat(),
                            "vehicle_price_minor": one.head.offer.vehicle_price_minor,
                            "price_cap_minor": one.head.offer.price_cap_minor,
                        }
                        for one, number in own
                    ]
                },
            )
        )
    record.append_many(work, new)


def chain_member(work: Work, kind: str, pre_order: PreOrder) -> None:
    """Record what one member did: `pool.left`, `pool.cap_raised`, `pool.car_changed`, with the offer from now on."""
    name = _names(work, pre_order.pool_id, [pre_order])[pre_order.head.person_id]
    offer = pre_order.head.offer
    body = {
        "member": name,
        "vehicle_price_minor": offer.vehicle_price_minor,
        "price_cap_minor": offer.price_cap_minor,
    }
    record.append(work, chain_of(pre_order.pool_id), kind, body)


def chain_removed(work: Work, pre_order: PreOrder, *, reason: str, case: str = "") -> None:
    """Record that a member was taken out, and why; the only way out of a frozen pool (DOMAIN section 4.10).

    `case` is the number under which a fraud was proven: a reference and no free text.
    """
    name = _names(work, pre_order.pool_id, [pre_order])[pre_order.head.person_id]
    record.append(work, chain_of(pre_order.pool_id), "pool.removed", {"member": name, "reason": reason, "case": case})


def chain_locked(work: Work, head: PoolHead, locked: Sequence[LockedPreOrder], *, discount_bp: int) -> str:
    """Record a clearing: its number, its discount, what each member pays; returns the root over that."""
    names = _names(work, head.id, locked)
    members = [ClearedMember(names[one.head.person_id], one.price_minor) for one in locked]
    root = clearing_root(head.id, members)
    body = {
        "n": len(locked),
        "discount_bp": discount_bp,
        "members": [{"member": one.member, "price_minor": one.price_minor} for one in members],
        "root": root,
    }
    record.append(work, chain_of(head.id), "pool.locked", body)
    return root


def chain_ended(work: Work, head: PoolHead, kind: str, body: dict[str, Any]) -> None:
    """Record that a pool failed or was cancelled."""
    record.append(work, chain_of(head.id), kind, body)


def _names(work: Work, pool_id: str, pre_orders: Sequence[PreOrder], *, are_new: bool = False) -> dict[str, str]:
    return record.pseudonyms(work, chain_of(pool_id), [one.head.person_id for one in pre_orders], are_new=are_new)
