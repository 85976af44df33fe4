"""The simulated plant at work: reads what is to be built, reports what it has done, tries again until it is heard.

It knows a door only: the rooms' use cases in one change, or the API as the plant's machine account.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Any, Final, Literal, Protocol, TypeAlias

from factory_orders import service
from factory_orders.model import PlantReport, Stage
from factory_orders.plant.simulation import FAULTLESS, Fate, PlantConduct, fate_of, simulate_build
from factory_orders.queries import build_orders_for_plant
from graph.identifiers import raw_id, write_id
from kernel.errors import Refusal
from kernel.paging import PageRequest, decode_cursor
from kernel.work import Work
from muster.demo import documents as ask
from muster.demo.client import Client, Refused, Unanswered

LINE_STARTS: Final = time(6)
LINE: Final = tuple(stage for stage in Stage if stage is not Stage.WITHDRAWN)
ATTEMPTS_MAX: Final = 200
PAGE: Final = 100
Outcome = Literal["accepted", "repeated", "out_of_order", "refused"]


@dataclass(frozen=True, slots=True)
class ToBuild:
    """A build order as a plant reads it; `id` is the raw one, so that one seed tells one story at every door."""

    id: str
    plant_id: str
    day: date
    stage: Stage
    moved_at: datetime


class PlantDoor(Protocol):
    """Where a plant reads and reports."""

    def now(self) -> datetime:
        """Return the time, as the receiver tells it."""
        ...

    def to_build(self, last_day: date) -> Iterator[ToBuild]:
        """Yield what is open up to a day, by day and place on the line."""
        ...

    def report_all(self, reports: Iterable[tuple[str, PlantReport]]) -> Iterator[Outcome | None]:
        """Report each once, in this order, and yield its answer; None where none came."""
        ...


def report_each(
    report: Callable[[str, PlantReport], Outcome], reports: Iterable[tuple[str, PlantReport]]
) -> Iterator[Outcome | None]:
    """Report one after the other at a door that takes one at a time; the next is made once the last is answered."""
    for build_order_id, one in reports:
        try:
            yield report(build_order_id, one)
        except Unanswered:
            yield None


@dataclass(frozen=True, slots=True)
class _Message:
    """One message on its way; of a copy the plant takes no answer."""

    order: ToBuild
    report: PlantReport
    told: PlantReport
    fate: Fate
    is_copy: bool = False


@dataclass(slots=True)
class Tally:
    """What a run of the plant came to: cars by their last stage, messages by what became of them."""

    cars: Counter[Stage] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)

    @property
    def sent(self) -> int:
        """Return how many messages left the plant, those that were lost included."""
        return self.messages["sent"]

    def add(self, other: Tally) -> None:
        """Add what another run came to."""
        self.cars += other.cars
        self.messages += other.messages


_Pending: TypeAlias = tuple[ToBuild, list[PlantReport]]


@dataclass(slots=True)
class SimulatedPlant:
    """A plant of a conduct and a seed at a door; `zone` is where its line starts at six in the morning.

    With `ahead` it does not wait for a car's day and tells of each stage as of now. Cars `aside` wait after the body.
    """

    door: PlantDoor
    zone: tzinfo
    conduct: PlantConduct = FAULTLESS
    seed: int = 0
    ahead: bool = False
    aside: frozenset[str] = frozenset()
    tell: Callable[[ToBuild, PlantReport], None] | None = None
    _stamped: dict[str, PlantReport] = field(default_factory=dict)

    def work_until_now(self, *, last_day: date | None = None, cars_max: int | None = None) -> Tally:
        """Report everything that is done by now and was not acknowledged before, however often it takes.

        With `ahead` the cars up to `last_day` are built, all there are without one.
        """
        now, tally = self.door.now(), Tally()
        if not self.ahead:
            last_day = now.astimezone(self.zone).date()
        orders = islice(self.door.to_build(last_day or date.max), cars_max)
        pending = [(order, list(self._reports(order, now))) for order in orders]
        for attempt in range(1, ATTEMPTS_MAX + 1):
            pending = self._send(pending, attempt, tally)
            if not pending:
                break
        tally.messages["unheard"] += sum(len(reports) for _, reports in pending)
        return tally

    def _reports(self, order: ToBuild, now: datetime) -> Iterator[PlantReport]:
        """Yield what happened to a car since its last acknowledged stage."""
        starts_at = datetime.combine(order.day, LINE_STARTS, self.zone)
        reports = simulate_build(
            order.id, starts_at=starts_at, conduct=self.conduct, seed=self.seed, plant=order.plant_id
        )
        done = LINE.index(order.stage)
        for report in reports:
            if order.id in self.aside and report.stage is Stage.PAINT:
                return
            if LINE.index(report.stage) > done and (self.ahead or report.occurred_at <= now):
                yield report

    def _send(self, pending: Sequence[_Pending], attempt: int, tally: Tally) -> list[_Pending]:
        """Send what is to be told of each car in its order; returns what has to be sent again."""
        sent: deque[_Message] = deque()
        heard: set[str] = set()

        def outgoing() -> Iterator[tuple[str, PlantReport]]:
            for message in self._messages(pending, attempt, tally):
                sent.append(message)
                yield message.order.id, message.told

        for outcome in self.door.report_all(outgoing()):
            self._settle(sent.popleft(), outcome, heard, tally)
        again = [(order, [one for one in reports if one.event_id not in heard]) for order, reports in pending]
        return [(order, left) for order, left in again if left]

    def _messages(self, pending: Sequence[_Pending], attempt: int, tally: Tally) -> Iterator[_Message]:
        """Yield what leaves the plant in one round, a copy right after its original."""
        for order, reports in pending:
            for report in reports:
                fate = fate_of(report.event_id, attempt, conduct=self.conduct, seed=self.seed)
                if fate is Fate.LATE:
                    # It leaves after those that follow it, which are refused until it has come.
                    tally.messages["late"] += 1
                    continue
                tally.messages["sent"] += 1
                if fate is Fate.LOST:
                    tally.messages["lost"] += 1
                    continue
                message = _Message(order, report, self._as_told(report), fate)
                yield message
                if fate is Fate.REPEATED:
                    tally.messages["sent"] += 1
                    yield replace(message, is_copy=True)

    def _settle(self, message: _Message, outcome: Outcome | None, heard: set[str], tally: Tally) -> None:
        """Take an answer; what the plant knows to be taken is heard, and not sent again."""
        tally.messages[outcome or "unanswered"] += 1
        if message.is_copy:
            return
        if outcome == "accepted":
            tally.cars[message.report.stage] += 1
            if self.tell is not None:
                self.tell(message.order, message.told)
        elif outcome == "refused":
            self._stamped.pop(message.report.event_id, None)
        if message.fate is Fate.UNANSWERED:
            tally.messages["unanswered"] += 1
        elif outcome in ("accepted", "repeated"):
            heard.add(message.report.event_id)

    def _as_told(self, report: PlantReport) -> PlantReport:
        """Return a report with its time: what is sent again must say the same, unless its time was refused."""
        if not self.ahead:
            return report
        return self._stamped.setdefault(report.event_id, replace(report, occurred_at=self.door.now()))


# --- in-process ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnDoor:
    """The room's use cases within one change of a plant's machine account; a refused report changes nothing in it."""

    work: Work

    def now(self) -> datetime:
        """Return the change's instant."""
        return self.work.now

    def to_build(self, last_day: date) -> Iterator[ToBuild]:
        """Read page by page; what is reported meanwhile must not be read again, so it is collected first."""
        found: list[ToBuild] = []
        after: str | None = None
        while True:
            page = build_orders_for_plant(self.work, PageRequest(PAGE, after))
            found += [ToBuild(one.id, one.plant_id, one.day, one.stage, one.moved_at) for one in page.items]
            if not page.has_next or page.items[-1].day > last_day:
                return iter([one for one in found if one.day <= last_day])
            after = decode_cursor(page.cursors[-1])

    def report_all(self, reports: Iterable[tuple[str, PlantReport]]) -> Iterator[Outcome | None]:
        """Call the use case once for all of them."""
        for answer in service.report_plant_events(self.work, list(reports)):
            yield _outcome(answer.code) if isinstance(answer, Refusal) else answer.outcome


# --- the API ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class ApiDoor:
    """The API, as the plant's machine account.

    A plant's clock is set by its receiver: what a refusal says of the time it would take moves this one's on.
    """

    client: Client
    offset: timedelta = timedelta()

    def now(self) -> datetime:
        """Return the machine's time, moved as the server's answers told."""
        return datetime.now(UTC) + self.offset

    def to_build(self, last_day: date) -> Iterator[ToBuild]:
        """Ask page by page."""
        found: list[ToBuild] = []
        after: str | None = None
        while True:
            page = self.client.ask(ask.BUILD_ORDERS, after=after)["plantBuildOrders"]
            found += [_to_build(node) for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"] or found[-1].day > last_day:
                return iter([one for one in found if one.day <= last_day])
            after = page["pageInfo"]["endCursor"]

    def report_all(self, reports: Iterable[tuple[str, PlantReport]]) -> Iterator[Outcome | None]:
        """Call the mutation for each."""
        return report_each(self.report, reports)

    def report(self, build_order_id: str, report: PlantReport) -> Outcome:
        """Call the mutation; raises Unanswered where no answer came."""
        told: dict[str, Any] = {
            "buildOrderId": write_id("BuildOrder", build_order_id),
            "eventId": report.event_id,
            "stage": report.stage.name,
            "occurredAt": report.occurred_at.isoformat(),
            "number": report.number,
        }
        if report.repair_minor:
            told["repair"] = {"minor": report.repair_minor}
        try:
            done = self.client.do(ask.REPORT_BUILD, input=told)
        except Refused as refused:
            if refused.refusal["code"] == "PLANT_EVENT_TIME":
                self._set_clock(datetime.fromisoformat(refused.refusal["notAfter"]))
            return _outcome(refused.refusal["code"])
        return "repeated" if done["repeated"] else "accepted"

    def _set_clock(self, not_after: datetime) -> None:
        self.offset = not_after - CLOCK_MARGIN - datetime.now(UTC)


CLOCK_MARGIN: Final = timedelta(minutes=5)


def _to_build(node: dict[str, Any]) -> ToBuild:
    return ToBuild(
        raw_id(node["id"], "BuildOrder"),
        raw_id(node["plantId"], "Plant"),
        date.fromisoformat(node["day"]),
        Stage[node["stage"]],
        datetime.fromisoformat(node["movedAt"]),
    )


def _outcome(code: str) -> Outcome:
    return "out_of_order" if code in ("PLANT_EVENT_OUT_OF_ORDER", "PLANT_EVENT_GAP") else "refused"
