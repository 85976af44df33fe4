"""Replays a comparison's record from its entries alone: one whole sheet a person, of what was dealt to its number.

What was dealt follows from the comparison's id and the number, so that whoever holds an export deals it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from demand.compare.design import ITEMS, SETS, deal, sets_of
from demand.cubes.model import round_count
from demand.replaying import Fault, Told, read_entries

BASIS_POINTS: Final = 10_000


@dataclass(slots=True)
class ComparisonReplay:
    """What the record says so far, and what of it does not fit (`faults`); `sheets` are bodies as they stand there."""

    comparison_id: str
    state: str = ""
    price_steps: int = 0
    sheets: list[Mapping[str, Any]] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    numbers: set[int] = field(default_factory=set)
    persons: int | None = None
    faults: list[str] = field(default_factory=list)


def replay_comparison(comparison_id: str, entries: Iterable[Told]) -> ComparisonReplay:
    """Replay a comparison's entries in order."""
    return read_entries(ComparisonReplay(comparison_id), entries, _tell)


def _tell(replay: ComparisonReplay, entry: Told, fault: Fault) -> None:
    step = _STEPS.get(entry.kind)
    if step is None:
        fault(f"is of no kind that a comparison has: {entry.kind}")
        return
    while_it_is, then, teller = step
    if replay.state != while_it_is:
        fault(f"is {entry.kind} while it is {replay.state or 'not opened'}")
    teller(replay, entry.body, fault)
    replay.state = then


def _opened(replay: ComparisonReplay, body: Mapping[str, Any], fault: Fault) -> None:
    if len({proposal_id for proposal_id, _ in body["items"]}) != ITEMS or len(body["items"]) != ITEMS:
        fault("compares other than twelve proposals")
    if any(int(price_minor) <= 0 for _, price_minor in body["items"]):
        fault("plans something at no price")
    replay.price_steps = len(body["price_steps"])
    if replay.price_steps == 0:
        fault("asks for no price")


def _answered(replay: ComparisonReplay, body: Mapping[str, Any], fault: Fault) -> None:
    person, number = body["person"], int(body["number"])
    if person in replay.answered:
        fault("counts a person's sheet a second time")
    if number in replay.numbers or number < 0:
        fault(f"is the sheet of number {number}, which has another or is none")
    replay.answered.add(person)
    replay.numbers.add(number)
    replay.sheets.append(body)
    if number >= 0 and replay.price_steps:
        _judge_sheet(replay, body, number, fault)


def _judge_sheet(replay: ComparisonReplay, body: Mapping[str, Any], number: int, fault: Fault) -> None:
    """Deal the number's sets and question of price again, and hold the answers against them."""
    dealt = deal(replay.comparison_id, number, price_steps=replay.price_steps)
    item, step, took = body["price"]
    if (body["version"], item, step) != (dealt.version, dealt.price_item, dealt.price_step):
        fault(f"answers what was not dealt to number {number}")
        return
    shown = sets_of(dealt.version)
    answers = [(int(best), int(worst)) for best, worst in body["answers"]]
    if len(answers) != SETS or not isinstance(took, bool):
        fault("is no whole sheet")
    elif any(best == worst or not {best, worst} <= set(one) for (best, worst), one in zip(answers, shown, strict=True)):
        fault("names what its sets do not show")


def _released(replay: ComparisonReplay, body: Mapping[str, Any], fault: Fault) -> None:
    """Judge the outcome as far as the sheets bear it out; whoever left while it was open counts no more."""
    replay.persons = int(body["persons"])
    if replay.persons > round_count(len(replay.sheets), to=int(body["rounded_to"])):
        fault(f"speaks of {replay.persons} persons; {len(replay.sheets)} answered")
    if len(body["shares"]) != ITEMS or not all(
        0 <= low <= value <= high <= BASIS_POINTS for value, low, high in body["shares"]
    ):
        fault("gives shares that are none")


def _nothing(_replay: ComparisonReplay, _body: Mapping[str, Any], _fault: Fault) -> None:
    """Move on without more."""


_Teller = Callable[[ComparisonReplay, Mapping[str, Any], Fault], None]
# Each kind with the state that it comes in, the one that it leads to, and what it tells.
_STEPS: Final[Mapping[str, tuple[str, str, _Teller]]] = {
    "comparison.opened": ("", "open", _opened),
    "comparison.answered": ("open", "open", _answered),
    "comparison.closed": ("open", "closed", _nothing),
    "comparison.released": ("closed", "released", _released),
    "comparison.unanswered": ("closed", "unanswered", _nothing),
}
