"""Merkle trees as in RFC 6962: one root over many leaves, and short proofs that a leaf is under it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf_hash(leaf: bytes) -> bytes:
    """Hash a leaf; the prefix keeps a leaf from passing as a node."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the tree hash of RFC 6962 section 2.1; of no leaves it is SHA-256 of nothing."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    return _subtree(leaves)


def merkle_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of a leaf, from its neighbour up to the root (RFC 6962 section 2.1.1)."""
    assert 0 <= index < len(leaves)
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*merkle_proof(leaves[:split], index), _subtree(leaves[split:])]
    return [*merkle_proof(leaves[split:], index - split), _subtree(leaves[:split])]


def is_under_root(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Check an audit path without the other leaves (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf_hash(leaf)
    for neighbour in proof:
        if last == 0:
            return False
        if place % 2 or place == last:
            found = node_hash(neighbour, found)
            while place % 2 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, neighbour)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def _subtree(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = _split(len(leaves))
    return node_hash(_subtree(leaves[:split]), _subtree(leaves[split:]))


def _split(size: int) -> int:
    """Return the largest power of two below a size of two or more."""
    return 1 << ((size - 1).bit_length() - 1)
