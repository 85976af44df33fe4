"""Replays a proposal's record from its entries alone: its votes and backers, what was published, answered and kept.

It needs no database, so that whoever holds an export can do it (DOMAIN section 4.11); an audit does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from demand.backing.deciding import ABOVE_CEILING, LATE, WITHDRAWN
from demand.replaying import Fault, Told, read_entries


@dataclass(frozen=True, slots=True)
class ToldPromise:
    """The maker's yes as the record tells of it, and how it was broken, if it was."""

    available_by: date
    ceiling_minor: int
    broken: str | None = None
    broken_on: date | None = None


@dataclass(slots=True)
class ProposalReplay:
    """What the record says so far, and what of it does not fit (`faults`).

    `backers` are those who came and neither left nor ordered; with the proposal's end their money goes back.
    """

    proposal_id: str
    state: str = "draft"
    voters: set[str] = field(default_factory=set)
    merged_into: str | None = None
    backers: set[str] = field(default_factory=set)
    ordered: set[str] = field(default_factory=set)
    threshold: int | None = None
    price_minor: int | None = None
    answer_due_at: datetime | None = None
    overdue: bool = False
    promise: ToldPromise | None = None
    option: str | None = None
    window_ends_at: datetime | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """Return the maker's answer: yes, no, wanted, overdue or none."""
        if self.promise is not None:
            return "yes"
        if self.state == "declined":
            return "no"
        if self.overdue:
            return "overdue"
        return "none" if self.answer_due_at is None else "wanted"

    @property
    def outcome(self) -> str | None:
        """Return what became of the promise (pending, kept, broken); None without one."""
        if self.promise is None:
            return None
        if self.promise.broken is not None:
            return "broken"
        return "kept" if self.state in ("in_catalogue", "converted") else "pending"


def replay_proposal(proposal_id: str, entries: Iterable[Told]) -> ProposalReplay:
    """Replay a proposal's entries in order."""
    return read_entries(ProposalReplay(proposal_id), entries, _tell)


def _tell(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    step = _STEPS.get(entry.kind)
    if step is None:
        fault(f"is of no kind that a proposal has: {entry.kind}")
        return
    while_it_is, then, teller = step
    if replay.state not in while_it_is:
        fault(f"is {entry.kind} while it is {replay.state}")
    teller(replay, entry, fault)
    replay.state = then or replay.state


# --- votes -----------------------------------------------------------------------------------------------------------


def _cast(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    _take_voter(replay, entry.body["voter"], fault)


def _take_voter(replay: ProposalReplay, voter: str, fault: Fault) -> None:
    if voter in replay.voters:
        fault("gives a person a second vote")
    replay.voters.add(voter)


def _revoked(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    if entry.body["voter"] not in replay.voters:
        fault("takes back a vote that nobody holds")
    replay.voters.discard(entry.body["voter"])


def _taken_over(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    if entry.body["from"] == replay.proposal_id:
        fault("takes a proposal's own votes over")
    for voter in entry.body["voters"]:
        _take_voter(replay, voter, fault)


def _merged(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    """What is held goes over, each vote to where it counts from then on."""
    moved = int(entry.body["votes"])
    if moved != len(replay.voters):
        fault(f"moves {moved} votes; there were {len(replay.voters)}")
    replay.merged_into = str(entry.body["into"])
    if replay.merged_into == replay.proposal_id:
        fault("merges a proposal into itself")
    replay.voters.clear()


# --- backers ---------------------------------------------------------------------------------------------------------


def _backed(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    backer = entry.body["backer"]
    if backer in replay.backers or backer in replay.ordered:
        fault("takes a person's money a second time")
    if int(entry.body["price_cap_minor"]) <= 0:
        fault("takes a backer who would pay nothing")
    replay.backers.add(backer)


def _left(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    if entry.body["backer"] not in replay.backers:
        fault("lets somebody go who does not back it")
    replay.backers.discard(entry.body["backer"])


def _ordered(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    _left(replay, entry, fault)
    replay.ordered.add(entry.body["backer"])


# --- the maker -------------------------------------------------------------------------------------------------------


def _opened(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    replay.threshold, replay.price_minor = int(entry.body["threshold"]), int(entry.body["price_minor"])
    if replay.threshold <= 0 or replay.price_minor <= 0:
        fault("publishes a threshold or a price of nothing")


def _wanted(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    if replay.answer_due_at is not None:
        fault("asks for an answer again")
    if int(entry.body["threshold"]) != replay.threshold:
        fault(f"is asked for at {entry.body['threshold']}, published was {replay.threshold}")
    replay.answer_due_at = datetime.fromisoformat(entry.body["due_at"])


def _overdue(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    if replay.answer_due_at is None or entry.at < replay.answer_due_at:
        fault("calls an answer late that is not due")
    replay.overdue = True


def _committed(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    promise = ToldPromise(date.fromisoformat(entry.body["available_by"]), int(entry.body["ceiling_minor"]))
    if replay.price_minor is not None and not 0 < promise.ceiling_minor <= replay.price_minor:
        fault("promises another price than one up to the published one")
    replay.promise = promise


def _broken(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    why, promise = entry.body["why"], replay.promise
    if promise is None:
        fault("breaks what was not promised")
        return
    if why not in (LATE, ABOVE_CEILING, WITHDRAWN):
        fault(f"breaks a promise for no known reason: {why}")
    if promise.broken is not None:
        fault("breaks a promise again")
    elif replay.state == "in_catalogue" and why == LATE:
        fault("calls late what is in the catalogue")
    replay.promise = ToldPromise(promise.available_by, promise.ceiling_minor, why, entry.at.date())


def _entered(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    body, promise = entry.body, replay.promise
    replay.option, replay.window_ends_at = str(body["option"]), datetime.fromisoformat(body["window_ends_at"])
    if promise is None:
        return
    first_day, price_minor = date.fromisoformat(body["first_day"]), int(body["price_minor"])
    why = LATE if first_day > promise.available_by else ABOVE_CEILING if price_minor > promise.ceiling_minor else None
    # Once the promised day is over, where the brand is, it is late whatever comes.
    day_is_over = promise.broken == LATE and promise.broken_on is not None and promise.broken_on >= promise.available_by
    if promise.broken != why and not day_is_over:
        fault(f"has a promise {promise.broken or 'kept'} that is {why or 'kept'}")


def _converted(replay: ProposalReplay, entry: Told, fault: Fault) -> None:
    if replay.window_ends_at is not None and entry.at < replay.window_ends_at:
        fault("ends the time to order before it is over")


def _declined(replay: ProposalReplay, _entry: Told, fault: Fault) -> None:
    if replay.promise is not None and replay.promise.broken is None:
        fault("says no after a yes and breaks no promise")


def _closed(replay: ProposalReplay, _entry: Told, fault: Fault) -> None:
    if replay.answer_due_at is not None:
        fault("closes what an answer is owed to")


def _nothing(_replay: ProposalReplay, _entry: Told, _fault: Fault) -> None:
    """Move on without more."""


_Teller = Callable[[ProposalReplay, Told, Fault], None]
_UNDER_WAY: Final = frozenset({"signal", "compare", "backing", "committed"})
_WITH_MONEY: Final = frozenset({"backing", "committed", "in_catalogue"})
# Each kind with the states that it may come in, the state that it leads to (None where it stays), and what it tells.
_STEPS: Final[Mapping[str, tuple[frozenset[str], str | None, _Teller]]] = {
    "proposal.published": (frozenset({"draft"}), "signal", _nothing),
    "vote.cast": (frozenset({"signal"}), None, _cast),
    "vote.revoked": (frozenset({"signal"}), None, _revoked),
    "votes.taken_over": (_UNDER_WAY, None, _taken_over),
    "proposal.merged": (frozenset({"draft", "signal"}), "merged", _merged),
    "proposal.compared": (frozenset({"signal", "compare"}), "compare", _nothing),
    "proposal.backing_opened": (frozenset({"compare"}), "backing", _opened),
    "backing.held": (frozenset({"backing"}), None, _backed),
    "backing.withdrawn": (_WITH_MONEY, None, _left),
    "backing.declined": (_WITH_MONEY, None, _left),
    "backing.converted": (frozenset({"in_catalogue"}), None, _ordered),
    "proposal.answer_wanted": (frozenset({"backing"}), None, _wanted),
    "proposal.answer_overdue": (frozenset({"backing"}), None, _overdue),
    "proposal.committed": (frozenset({"backing"}), "committed", _committed),
    "proposal.promise_broken": (frozenset({"committed", "in_catalogue"}), None, _broken),
    "proposal.in_catalogue": (frozenset({"committed"}), "in_catalogue", _entered),
    "proposal.converted": (frozenset({"in_catalogue"}), "converted", _converted),
    "proposal.declined": (_UNDER_WAY | {"draft"}, "declined", _declined),
    "proposal.closed": (frozenset({"draft", "signal", "compare", "backing"}), "expired", _closed),
}
