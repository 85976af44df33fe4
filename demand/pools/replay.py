"""Replays a pool's record from its entries alone: who was in, what they offered, and what the clearing had to be.

It needs no database, so that whoever holds an export can do it (DOMAIN section 4.11); an audit does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from configurator.model import Tier
from demand.errors import TermsUnsound
from demand.pools.clearing import Cleared, NotCleared, clear
from demand.pools.clearing_record import ClearedMember, clearing_root
from demand.pools.model import Offer, PoolTerms, check_terms
from demand.replaying import Fault, Told, read_entries


@dataclass(frozen=True, slots=True)
class ToldMember:
    """A member as the record tells of it: when funded, at which place, with what offer."""

    funded_at: datetime
    place: int
    offer: Offer


@dataclass(slots=True)
class Replay:
    """What the record says so far, and what of it does not fit (`faults`)."""

    pool_id: str
    terms: PoolTerms | None = None
    deadline: datetime | None = None
    frozen: bool = False
    ended: str = ""
    members: dict[str, ToldMember] = field(default_factory=dict)
    cleared: int | None = None
    discount_bp: int | None = None
    root: str = ""
    faults: list[str] = field(default_factory=list)

    def earliest_first(self) -> list[tuple[str, ToldMember]]:
        """Return the members in the order in which the clearing takes them."""
        return sorted(self.members.items(), key=lambda one: (one[1].funded_at, one[1].place))


def replay_pool(pool_id: str, entries: Iterable[Told]) -> Replay:
    """Replay a pool's entries in order."""
    return read_entries(Replay(pool_id), entries, _tell)


def _tell(replay: Replay, entry: Told, fault: Fault) -> None:
    if replay.ended:
        fault("comes after the end")
    teller = _TELLERS.get(entry.kind)
    if teller is None:
        fault(f"is of no kind that a pool has: {entry.kind}")
    else:
        teller(replay, entry, fault)


def _joined(replay: Replay, entry: Told, fault: Fault) -> None:
    for place in entry.body["places"]:
        if place["member"] in replay.members:
            fault("gives a member a second place")
        replay.members[place["member"]] = _member(place)
    if replay.terms is None or replay.deadline is None:
        fault("takes members before the pool was opened")
        return
    if len(replay.members) > replay.terms.member_limit:
        fault("takes more members than the limit")
    if entry.at >= replay.deadline:
        fault("takes members after the deadline")


def _left(replay: Replay, entry: Told, fault: Fault) -> None:
    if replay.frozen:
        fault("lets somebody leave a frozen pool")
    _forget(replay, entry, fault)


def _removed(replay: Replay, entry: Told, fault: Fault) -> None:
    if not entry.body["reason"]:
        fault("removes somebody without saying why")
    _forget(replay, entry, fault)


def _frozen(replay: Replay, entry: Told, fault: Fault) -> None:
    replay.frozen = True
    deadline = datetime.fromisoformat(entry.body["deadline"])
    if replay.deadline is not None and deadline > replay.deadline:
        fault("puts the deadline off")
    replay.deadline = deadline


def _ended(replay: Replay, entry: Told, fault: Fault) -> None:
    replay.ended = entry.kind
    if entry.kind != "pool.cancelled":
        _clear(replay, entry, fault=fault)


def _opened(replay: Replay, entry: Told, fault: Fault) -> None:
    body = entry.body
    if replay.terms is not None:
        fault("opens the pool again")
    tiers = tuple(Tier(int(members), int(discount_bp)) for members, discount_bp in body["tiers"])
    replay.terms = PoolTerms(
        minimum=int(body["minimum"]),
        capacity=int(body["capacity"]),
        member_limit=int(body["member_limit"]),
        tiers=tiers,
        deposit_minor=int(body["deposit_minor"]),
        freeze_hours=int(body["freeze_hours"]),
    )
    replay.deadline = datetime.fromisoformat(body["deadline"])
    try:
        check_terms(replay.terms)
    except TermsUnsound as refusal:
        fault(f"opens on terms that no pool may have: {refusal.reason}")


def _member(place: Mapping[str, Any]) -> ToldMember:
    offer = Offer(int(place["vehicle_price_minor"]), int(place["price_cap_minor"]))
    return ToldMember(datetime.fromisoformat(place["funded_at"]), int(place["place"]), offer)


def _forget(replay: Replay, entry: Told, fault: Fault) -> None:
    if replay.members.pop(entry.body["member"], None) is None:
        fault("takes out somebody who is not in")


def _changed(replay: Replay, entry: Told, fault: Fault) -> None:
    """Take in a new offer: a cap alone only ever rises; another car may lower it until the freeze, but not after it.

    In a frozen pool a dearer car needs a cap that is higher by at least as much (DOMAIN section 6.1).
    """
    body = entry.body
    known = replay.members.get(body["member"])
    if replay.deadline is not None and entry.at >= replay.deadline:
        fault("changes an offer after the deadline")
    if known is None:
        fault("changes the offer of somebody who is not in")
        return
    offer = Offer(int(body["vehicle_price_minor"]), int(body["price_cap_minor"]))
    may_fall = entry.kind == "pool.car_changed" and not replay.frozen
    dearer_minor = offer.vehicle_price_minor - known.offer.vehicle_price_minor
    if offer.price_cap_minor < known.offer.price_cap_minor and not may_fall:
        fault("lowers a cap")
    elif replay.frozen and offer.price_cap_minor < known.offer.price_cap_minor + dearer_minor:
        fault("weakens an offer in a frozen pool")
    replay.members[body["member"]] = ToldMember(known.funded_at, known.place, offer)


def _clear(replay: Replay, entry: Told, *, fault: Fault) -> None:
    """Clear anew what the record holds, and compare with what it says became of it."""
    if replay.terms is None:
        fault("ends a pool that was never opened")
        return
    if replay.deadline is not None and entry.at < replay.deadline:
        fault("clears before the deadline")
    members = replay.earliest_first()
    outcome = clear([one.offer for _, one in members], replay.terms)
    body = entry.body
    match outcome:
        case NotCleared(reached):
            if entry.kind != "pool.failed":
                fault("locks a pool that does not clear")
            elif (int(body["reached"]), int(body["members"])) != (reached, len(members)):
                fault(f"says {body['reached']} of {body['members']} agreed; it was {reached} of {len(members)}")
        case Cleared(number, discount_bp, positions, prices_minor):
            if entry.kind != "pool.locked":
                fault("fails a pool that clears")
                return
            names = [members[position][0] for position in positions]
            _compare(replay, body, number, discount_bp, names, prices_minor, fault=fault)


def _compare(
    replay: Replay,
    body: Mapping[str, Any],
    number: int,
    discount_bp: int,
    names: Sequence[str],
    prices_minor: Sequence[int],
    *,
    fault: Fault,
) -> None:
    cleared = [ClearedMember(name, price) for name, price in zip(names, prices_minor, strict=True)]
    told = [ClearedMember(str(one["member"]), int(one["price_minor"])) for one in body["members"]]
    if (int(body["n"]), int(body["discount_bp"])) != (number, discount_bp):
        fault(f"clears {body['n']} at {body['discount_bp']} basis points; it is {number} at {discount_bp}")
    if told != cleared:
        fault("names other members or prices than those who are in")
    replay.root = clearing_root(replay.pool_id, told)
    if body["root"] != replay.root:
        fault("gives another root than that over its members")
    replay.cleared, replay.discount_bp = number, discount_bp


_TELLERS: Final[Mapping[str, Callable[[Replay, Told, Fault], None]]] = {
    "pool.opened": _opened,
    "pool.joined": _joined,
    "pool.left": _left,
    "pool.removed": _removed,
    "pool.cap_raised": _changed,
    "pool.car_changed": _changed,
    "pool.frozen": _frozen,
    "pool.locked": _ended,
    "pool.failed": _ended,
    "pool.cancelled": _ended,
}
