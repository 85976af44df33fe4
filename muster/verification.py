"""Checks what somebody exported, offline: a chain of the record, a published clearing, a member's proof.

Nothing here asks a database or a server; whoever holds the file and this code can do it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from demand.compare.replay import replay_comparison
from demand.pools.clearing_record import (
    CLEARING_FORMAT,
    PROOF_FORMAT,
    clearing_faults,
    is_proven,
    read_proof,
)
from demand.pools.replay import replay_pool
from demand.votes.replay import replay_proposal
from factory_orders.vehicles.epcis import read_epcis
from factory_orders.vehicles.passport import chain_of, newness_of
from kernel import record
from kernel.errors import InvalidInput, NotFound
from kernel.record import Entry
from kernel.work import Work

RECORD_FORMAT: Final = "muster.record/1"
FILE_BYTES_MAX: Final = 512 * 1024 * 1024
UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file says, line by line, and what of it does not fit; it is sound where nothing does not."""

    says: tuple[str, ...]
    faults: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Say whether everything fits."""
        return not self.faults


def export_chain(work: Work, chain: str) -> dict[str, Any]:
    """Return a chain of the actor's brand in JSON terms; refuses NotFound for one that is not there."""
    entries = list(record.walk(work, chain))
    if not entries:
        raise NotFound("chain")
    return {
        "format": RECORD_FORMAT,
        "chain": chain,
        "entries": [
            {
                "sequence": one.sequence,
                "kind": one.kind,
                "body": one.body,
                "previous_hash": one.previous_hash,
                "hash": one.hash,
                "at": one.at.isoformat(),
            }
            for one in entries
        ],
    }


def read_document(path: Path) -> dict[str, Any]:
    """Read a file that was exported; refuses what is no JSON object (InvalidInput)."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise InvalidInput(path.name, "the file is larger than any export")
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        raise InvalidInput(path.name, "the file is no JSON; take one that was exported") from None
    if not isinstance(document, dict):
        raise InvalidInput(path.name, "the file holds no exported document")
    return document


def verify_document(document: Mapping[str, Any], *, against: Mapping[str, Any] | None = None) -> Verdict:
    """Verify one document; `against` is a published clearing that a member's proof or a chain must agree with.

    Refuses a format that is not known, and parts that cannot be read (InvalidInput).
    """
    if "epcisBody" in document:
        if against is not None:
            raise InvalidInput("against", "a passport stands for itself; nothing is published that it must agree with")
        return _verify_passport(document)
    form = document.get("format")
    checks = {RECORD_FORMAT: _verify_chain, CLEARING_FORMAT: _verify_clearing, PROOF_FORMAT: _verify_proof}
    if form not in checks:
        raise InvalidInput("format", f"one of {', '.join(checks)} is wanted")
    if against is not None and against.get("format") != CLEARING_FORMAT:
        raise InvalidInput("against", f"hold it against a published clearing, {CLEARING_FORMAT}")
    try:
        verdict = checks[form](document)
        also = _disagreements(document, against) if against is not None else ()
    except UNREADABLE as error:
        raise InvalidInput("document", f"a part of it is missing or broken ({type(error).__name__})") from None
    return Verdict(verdict.says, (*verdict.faults, *also))


def _verify_chain(document: Mapping[str, Any]) -> Verdict:
    chain = str(document["chain"])
    entries = [
        Entry(
            chain=chain,
            sequence=one["sequence"],
            kind=one["kind"],
            body=one["body"],
            previous_hash=one["previous_hash"],
            hash=one["hash"],
            at=datetime.fromisoformat(one["at"]),
        )
        for one in document["entries"]
    ]
    broken = record.verify(entries)
    faults = [] if broken is None else [f"entry {broken} does not fit the hashes before it"]
    says = [f"{chain}: {len(entries)} entries, the last with hash {entries[-1].hash if entries else '-'}"]
    kind, _, subject = chain.partition(":")
    replayed = _REPLAYS[kind](subject, entries) if kind in _REPLAYS else Verdict((), ())
    return Verdict((*says, *replayed.says), (*faults, *replayed.faults))


def _replay_pool(pool_id: str, entries: Sequence[Entry]) -> Verdict:
    replay = replay_pool(pool_id, entries)
    if replay.cleared is None:
        ended = replay.ended.removeprefix("pool.") or "not ended"
        return Verdict((f"replayed: {len(replay.members)} members, {ended}",), tuple(replay.faults))
    says = (
        f"replayed: {replay.cleared} members clear at {replay.discount_bp} basis points off",
        f"root over what each pays: {replay.root}",
    )
    return Verdict(says, tuple(replay.faults))


def _replay_proposal(proposal_id: str, entries: Sequence[Entry]) -> Verdict:
    replay = replay_proposal(proposal_id, entries)
    backed = len(replay.backers) + len(replay.ordered)
    says = [f"replayed: {replay.state}, {len(replay.voters)} votes, {backed} backers, {len(replay.ordered)} ordered"]
    if replay.merged_into is not None:
        says.append(f"merged into: {replay.merged_into}")
    if replay.threshold is not None and replay.price_minor is not None:
        says.append(f"threshold: {replay.threshold} cars at ¥{replay.price_minor / 100:,.2f}; answer: {replay.answer}")
    if replay.promise is not None:
        promise, why = replay.promise, f" ({replay.promise.broken})" if replay.promise.broken else ""
        ceiling = f"¥{promise.ceiling_minor / 100:,.2f}"
        says.append(f"promise: by {promise.available_by} for at most {ceiling}, {replay.outcome}{why}")
    return Verdict(tuple(says), tuple(replay.faults))


def _replay_comparison(comparison_id: str, entries: Sequence[Entry]) -> Verdict:
    replay = replay_comparison(comparison_id, entries)
    says = [f"replayed: {replay.state}, {len(replay.sheets)} whole sheets"]
    if replay.persons is not None:
        says.append(f"released for {replay.persons} persons")
    return Verdict(tuple(says), tuple(replay.faults))


# Of other chains (a car's, an order's) the hashes alone are looked at; a car's passport is a document of its own.
_REPLAYS: Final[Mapping[str, Callable[[str, Sequence[Entry]], Verdict]]] = {
    "pool": _replay_pool,
    "proposal": _replay_proposal,
    "comparison": _replay_comparison,
}


def _verify_passport(document: Mapping[str, Any]) -> Verdict:
    """Read a car's passport and replay its chain: what the standard's words say must be what the hashes cover."""
    try:
        passport = read_epcis(document)
    except ValueError as error:
        raise InvalidInput("document", str(error)) from None
    chain = chain_of(passport.vin)
    entries = [
        Entry(
            chain=chain,
            sequence=one.sequence,
            kind=one.kind,
            body={"vin": passport.vin, "at": one.at.isoformat(), "newness": one.newness.word} | one.facts,
            previous_hash=one.previous_hash,
            hash=one.hash,
            at=one.written_at,
        )
        for one in passport.entries
    ]
    broken = record.verify(entries)
    faults = [] if broken is None else [f"entry {broken} does not fit the hashes before it"]
    newness = newness_of(passport.entries).word
    says = (
        f"{passport.vin}: {len(entries)} entries, the last with hash {entries[-1].hash}",
        f"from {entries[0].kind} to {entries[-1].kind}, {newness}",
        f"it ends on {entries[-1].at.isoformat(timespec='seconds')}: whether more came, today's last hash tells",
    )
    return Verdict(says, (*faults, *passport.faults))


def _verify_clearing(document: Mapping[str, Any]) -> Verdict:
    says = (
        f"pool {document['pool']}: {document['cleared']} members cleared at {document['discount_bp']} basis points off",
        f"root over what each pays: {document['root']}",
    )
    return Verdict(says, tuple(clearing_faults(document)))


def _verify_proof(document: Mapping[str, Any]) -> Verdict:
    proof = read_proof(document)
    yuan = proof.member.price_minor / 100
    says = (
        f"pool {proof.pool_id}: member {proof.member.member}, number {proof.index + 1} of {proof.size}, ¥{yuan:,.2f}",
        f"root: {proof.root}",
    )
    return Verdict(says, () if is_proven(proof) else ("this member is not under this root",))


def _disagreements(document: Mapping[str, Any], against: Mapping[str, Any]) -> tuple[str, ...]:
    """Say where a proof or a chain does not agree with what was published."""
    faults = [f"the published clearing: {fault}" for fault in clearing_faults(against)]
    if document["format"] == PROOF_FORMAT:
        told = {"pool": document["pool"], "root": document["root"], "cleared": document["size"]}
    elif document["format"] == CLEARING_FORMAT:
        told = dict(document)
    else:
        locked = [one["body"] for one in document["entries"] if one["kind"] == "pool.locked"]
        body = locked[-1] if locked else {}
        told = {
            "pool": str(document["chain"]).removeprefix("pool:"),
            "root": body.get("root"),
            "cleared": body.get("n"),
            "discount_bp": body.get("discount_bp"),
        }
    faults += [
        f"{name} is {value}, published was {against[name]}" for name, value in told.items() if against[name] != value
    ]
    return tuple(faults)
