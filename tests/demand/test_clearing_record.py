"""What a clearing leaves behind: counts that show nobody, proofs for its members, a record that replays to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.model import Tier
from demand.pools.clearing_record import (
    ClearedMember,
    clearing_faults,
    clearing_root,
    is_proven,
    prove_member,
    read_proof,
    shown_counts,
)
from demand.pools.model import FailureChoice
from demand.pools.replay import replay_pool
from demand.queries import clearings_of, own_proof
from demand.service import raise_cap, withdraw
from kernel import record
from kernel.actor import system
from kernel.record import Entry
from tests.configurator.small_brand import BRAND, GUEST
from tests.demand.pool_room import PoolRoom

POOL = "p" * 32
K = 10
MEMBERS = st.lists(
    st.builds(ClearedMember, st.text("0123456789abcdef", min_size=32, max_size=32), st.integers(1, 10**9)),
    min_size=1,
    max_size=40,
    unique_by=lambda one: one.member,
)


# --- proofs ----------------------------------------------------------------------------------------------------------


@given(MEMBERS, st.data())
def test_every_member_is_proven_under_the_root_of_all(members: list[ClearedMember], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(members) - 1))

    proof = prove_member(POOL, members, index)

    assert is_proven(proof)
    assert proof.root == clearing_root(POOL, members)
    assert read_proof(proof.document()) == proof


@given(MEMBERS, st.data())
def test_no_other_price_member_place_or_pool_is_proven(members: list[ClearedMember], data: st.DataObject) -> None:
    proof = prove_member(POOL, members, data.draw(st.integers(0, len(members) - 1)))
    other = replace(proof.member, price_minor=proof.member.price_minor + 1)

    altered = [
        replace(proof, member=other),
        replace(proof, member=replace(proof.member, member="0" * 31 + "g")),
        replace(proof, pool_id="q" * 32),
        replace(proof, root="0" * 64),
        replace(proof, index=proof.size),
        replace(proof, path=(*proof.path, "0" * 64)),
    ]

    assert not any(is_proven(one) for one in altered)


# --- counts ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.integers(0, 30))
def test_shown_counts_speak_of_nobody_or_of_at_least_k(steps: list[int], beyond: int) -> None:
    reaching = sorted(steps)
    members = reaching[-1] + beyond

    shown = shown_counts(sorted(reaching, reverse=True), members=members, k=K)

    known = [members, *(count for count in shown if count is not None)]
    assert all(above == below or above - below >= K for above, below in pairwise(known))
    assert all(count == 0 or count >= K for count in known[1:])


def test_counts_are_shown_where_they_are_safe() -> None:
    assert shown_counts((95, 80, 40), members=100, k=10) == (None, 80, 40)
    assert shown_counts((100, 80, 75), members=100, k=10) == (100, 80, None)
    assert shown_counts((100, 9, 0), members=100, k=10) == (100, None, 0)


# --- what was recorded -----------------------------------------------------------------------------------------------


def lively_pool(room: PoolRoom) -> str:
    """Let a pool live through everything that a pool can, up to its clearing."""
    room.open(tiers=(Tier(3, 0),))
    room.join(50, choice=FailureChoice.ROLL)
    room.pass_time(days=21)
    pool_id = room.open(capacity=6, tiers=(Tier(3, 0), Tier(5, 200)))
    room.pass_time(seconds=1)
    room.join(1, 2)
    (low,) = room.join(3, cap=9_850_000)
    (leaver,) = room.join(4)
    with room.works.change(room.buyer(4)) as work:
        withdraw(work, leaver.pre_order_id)
    room.wallet_is_empty = True
    room.join(5)
    room.wallet_is_empty = False
    room.settle()
    room.join(6, cap=9_800_000)
    room.pass_time(days=19)
    with room.works.change(room.buyer(3)) as work:
        raise_cap(work, low.pre_order_id, price_cap_minor=9_900_000)
    room.pass_time(days=3)
    return pool_id


def entries(room: PoolRoom, pool_id: str) -> list[Entry]:
    with room.works.read(system(BRAND)) as work:
        return record.entries_of(work, f"pool:{pool_id}")


def test_a_pools_record_replays_to_the_clearing_that_was_made(room: PoolRoom) -> None:
    pool_id = lively_pool(room)

    replay = replay_pool(pool_id, entries(room, pool_id))

    with room.works.read(GUEST) as work:
        view = clearings_of(work, [pool_id])[pool_id]
    assert replay.faults == []
    assert (replay.cleared, replay.discount_bp, replay.ended) == (5, 200, "pool.locked")
    assert (view.cleared, view.discount_bp, view.root) == (5, 200, replay.root)
    assert clearing_faults(view.document()) == []
    # Who rolled in was funded first; so it is in first, though its place was taken with the new pool.
    assert replay.earliest_first()[0][1].place == 1


def test_each_member_has_a_proof_of_its_own_and_nobody_elses(room: PoolRoom) -> None:
    pool_id = room.open()
    members = room.join(1, 2, 3)
    room.pass_time(days=21)

    with room.works.read(GUEST) as work:
        root = clearings_of(work, [pool_id])[pool_id].root
    proofs = []
    for number, member in enumerate(members, start=1):
        with room.works.read(room.buyer(number)) as work:
            proofs.append(own_proof(work, member.pre_order_id))
    with room.works.read(room.buyer(2)) as work:
        anothers = own_proof(work, members[0].pre_order_id)

    assert anothers is None
    assert [proof is not None and is_proven(proof) and proof.root == root for proof in proofs] == [True] * 3
    assert [proof.index for proof in proofs if proof is not None] == [0, 1, 2]
    assert not any(member.pre_order.head.person_id in str(proofs) for member in members)


def test_who_did_not_lock_has_no_proof(room: PoolRoom) -> None:
    room.open()
    (member,) = room.join(1)

    with room.works.read(room.buyer(1)) as work:
        assert own_proof(work, member.pre_order_id) is None


def edited(kind: str, edit: Callable[[dict[str, Any]], Any]) -> Callable[[list[Entry]], list[Entry]]:
    """Change the body of the last entry of a kind."""

    def plant(told: list[Entry]) -> list[Entry]:
        last = max(index for index, one in enumerate(told) if one.kind == kind)
        body = edit(dict(told[last].body))
        return [*told[:last], replace(told[last], body=body), *told[last + 1 :]]

    return plant


def without(kind: str) -> Callable[[list[Entry]], list[Entry]]:
    """Leave the entries of a kind out."""
    return lambda told: [one for one in told if one.kind != kind]


def reordered(told: list[Entry]) -> list[Entry]:
    """Let the one who left leave after the freeze."""
    left = next(one for one in told if one.kind == "pool.left")
    rest = [one for one in told if one is not left]
    frozen = next(index for index, one in enumerate(rest) if one.kind == "pool.frozen")
    return [*rest[: frozen + 1], left, *rest[frozen + 1 :]]


def dearer_car(told: list[Entry]) -> list[Entry]:
    """Let the cap that was raised in the freeze be a dearer car's instead."""
    raised = next(index for index, one in enumerate(told) if one.kind == "pool.cap_raised")
    body = dict(told[raised].body) | {"vehicle_price_minor": 10_400_000}
    return [*told[:raised], replace(told[raised], kind="pool.car_changed", body=body), *told[raised + 1 :]]


LIES: dict[str, Callable[[list[Entry]], list[Entry]]] = {
    "another number": edited("pool.locked", lambda body: body | {"n": 4}),
    "another discount": edited("pool.locked", lambda body: body | {"discount_bp": 0}),
    "a member left out": edited("pool.locked", lambda body: body | {"members": body["members"][1:]}),
    "a dearer price for one": edited(
        "pool.locked",
        lambda body: body | {"members": [body["members"][0] | {"price_minor": 1}, *body["members"][1:]]},
    ),
    "another root": edited("pool.locked", lambda body: body | {"root": "0" * 64}),
    "no root": edited("pool.locked", lambda body: {name: body[name] for name in body if name != "root"}),
    "terms that no pool may have": edited("pool.opened", lambda body: body | {"capacity": 1}),
    "another tier": edited("pool.opened", lambda body: body | {"tiers": [[3, 0], [5, 300]]}),
    "a join left out": lambda told: [*told[:2], *told[3:]],
    "a removal without a reason": edited("pool.removed", lambda body: body | {"reason": ""}),
    "somebody removed who is not in": edited("pool.removed", lambda body: body | {"member": "0" * 32}),
    "a removal left out": without("pool.removed"),
    "a cap lowered": edited("pool.cap_raised", lambda body: body | {"price_cap_minor": 9_800_000}),
    "a cap raised after the deadline": lambda told: [
        *(one for one in told if one.kind not in ("pool.cap_raised", "pool.locked")),
        *(replace(one, at=told[-1].at) for one in told if one.kind == "pool.cap_raised"),
        told[-1],
    ],
    "somebody left a frozen pool": reordered,
    "an end before the deadline": edited("pool.frozen", lambda body: body | {"deadline": "2030-01-01T00:00:00+00:00"}),
    "a join after the deadline": lambda told: [
        *(one for one in told if one.kind in ("pool.opened", "pool.frozen")),
        *(replace(one, at=told[-1].at) for one in told if one.kind == "pool.joined"),
        *(one for one in told if one.kind not in ("pool.opened", "pool.frozen", "pool.joined")),
    ],
    "a join before the opening": lambda told: [told[1], told[0], *told[2:]],
    "a dearer car for the same cap in a frozen pool": dearer_car,
    "something after the end": lambda told: [*told, told[-1]],
    "a kind of its own": lambda told: [*told[:-1], replace(told[-1], kind="pool.blessed")],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_record_that_was_made_to_fit_its_hashes_still_does_not_fit_the_rules(room: PoolRoom, lie: str) -> None:
    pool_id = lively_pool(room)
    told = entries(room, pool_id)
    assert replay_pool(pool_id, told).faults == []

    replay = replay_pool(pool_id, LIES[lie](told))

    assert replay.faults != [] or replay.cleared is None


def test_a_failed_pool_replays_to_its_failure(room: PoolRoom) -> None:
    pool_id = room.open()
    room.join(1, 2)
    room.pass_time(days=21)

    told = entries(room, pool_id)
    lie = edited("pool.failed", lambda body: body | {"reached": 3})(told)

    assert (replay_pool(pool_id, told).faults, replay_pool(pool_id, told).ended) == ([], "pool.failed")
    assert replay_pool(pool_id, lie).faults != []
