"""What a clearing leaves behind: counts that show nobody, a root over what each member pays, and each member's proof.

The root and the counts are for everybody, a proof is for its member, the full entries are for the auditor. A leaf
speaks of a pseudonym, so a root tells nothing of who was in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from demand.pools.model import PoolTerms
from kernel.merkle import is_under_root, merkle_proof, merkle_root

CLEARING_FORMAT: Final = "muster.clearing/1"
PROOF_FORMAT: Final = "muster.proof/1"


@dataclass(frozen=True, slots=True)
class ClearedMember:
    """A member under its pseudonym, and what it pays for the car with its options."""

    member: str
    price_minor: int


@dataclass(frozen=True, slots=True)
class Proof:
    """That one member's price is under a clearing's root: the leaf's place among `size`, and its neighbours' hashes."""

    pool_id: str
    member: ClearedMember
    index: int
    size: int
    path: tuple[str, ...]
    root: str

    def document(self) -> dict[str, Any]:
        """Return it in JSON terms, for `muster verify`."""
        return {
            "format": PROOF_FORMAT,
            "pool": self.pool_id,
            "member": self.member.member,
            "price_minor": self.member.price_minor,
            "index": self.index,
            "size": self.size,
            "path": list(self.path),
            "root": self.root,
        }


def member_leaf(pool_id: str, member: ClearedMember) -> bytes:
    """Return a member's leaf: canonical JSON (sorted keys, no spaces) of pool, pseudonym and price."""
    content = {"member": member.member, "pool": pool_id, "price_minor": member.price_minor}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def clearing_root(pool_id: str, members: Sequence[ClearedMember]) -> str:
    """Return the root over all members, earliest funded first, in hex."""
    return merkle_root([member_leaf(pool_id, one) for one in members]).hex()


def prove_member(pool_id: str, members: Sequence[ClearedMember], index: int) -> Proof:
    """Return the proof of the member at a place; hashes every leaf once."""
    leaves = [member_leaf(pool_id, one) for one in members]
    path = tuple(step.hex() for step in merkle_proof(leaves, index))
    return Proof(pool_id, members[index], index, len(members), path, merkle_root(leaves).hex())


def is_proven(proof: Proof) -> bool:
    """Check a proof by itself: that its leaf is under its root."""
    return is_under_root(
        member_leaf(proof.pool_id, proof.member),
        index=proof.index,
        size=proof.size,
        proof=[bytes.fromhex(step) for step in proof.path],
        root=bytes.fromhex(proof.root),
    )


def read_proof(document: Mapping[str, Any]) -> Proof:
    """Read a proof from its document; raises KeyError, TypeError or ValueError where it is none."""
    if document["format"] != PROOF_FORMAT:
        raise ValueError(f"not a {PROOF_FORMAT}")
    return Proof(
        pool_id=str(document["pool"]),
        member=ClearedMember(str(document["member"]), int(document["price_minor"])),
        index=int(document["index"]),
        size=int(document["size"]),
        path=tuple(bytes.fromhex(step).hex() for step in document["path"]),
        root=bytes.fromhex(document["root"]).hex(),
    )


def shown_counts(reaching: Sequence[int], *, members: int, k: int) -> tuple[int | None, ...]:
    """Return for each tier how many members' caps reached it, or None where that would speak of fewer than k.

    Caps are choices: the difference of two counts that are shown, and of the last one and all members, is about
    nobody or at least k persons (DOMAIN section 4.12). The member count itself is public.
    """
    shown: list[int | None] = [None] * len(reaching)
    above = members
    for index, count in enumerate(reaching):
        rest_is_safe = count == 0 or count >= k
        if rest_is_safe and (above == count or above - count >= k):
            shown[index] = count
            above = count
    return tuple(shown)


def clearing_document(
    pool_id: str,
    terms: PoolTerms,
    *,
    cleared: int,
    discount_bp: int,
    shown: Sequence[int | None],
    root: str,
) -> dict[str, Any]:
    """Return the public part of a clearing in JSON terms, for `muster verify`."""
    return {
        "format": CLEARING_FORMAT,
        "pool": pool_id,
        "minimum": terms.minimum,
        "capacity": terms.capacity,
        "tiers": [[tier.members, tier.discount_bp] for tier in terms.tiers],
        "cleared": cleared,
        "discount_bp": discount_bp,
        "reached": list(shown),
        "root": root,
    }


def clearing_faults(document: Mapping[str, Any]) -> list[str]:
    """Say what of a published clearing does not fit its own terms; raises KeyError, TypeError or ValueError."""
    if document["format"] != CLEARING_FORMAT:
        raise ValueError(f"not a {CLEARING_FORMAT}")
    cleared, discount_bp = int(document["cleared"]), int(document["discount_bp"])
    minimum, capacity = int(document["minimum"]), int(document["capacity"])
    tiers = [(int(members), int(off)) for members, off in document["tiers"]]
    at_tier = [off for members, off in tiers if members <= cleared]
    reached = document["reached"]
    index = len(at_tier) - 1
    faults = []
    if not minimum <= cleared <= capacity:
        faults.append(f"{cleared} cleared, outside {minimum} to {capacity}")
    if not at_tier or at_tier[-1] != discount_bp:
        faults.append(f"{discount_bp} basis points are not the discount at {cleared} members")
    if len(reached) != len(tiers):
        faults.append("the counts do not belong to the tiers")
    elif at_tier and reached[index] is not None and int(reached[index]) < cleared:
        faults.append(f"only {reached[index]} reached the tier at which {cleared} cleared")
    bytes.fromhex(document["root"])
    return faults
