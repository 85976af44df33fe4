"""A plant's line, day by day: ordered where cars come, closed up where one leaves, mended with few moves.

Who changes places holds the plant's line. Cars that have begun keep theirs, and each change counts the day's figures
anew, with those of the next day, whose tail this one is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from demand.backing.events import ConcernedAccount
from factory_orders.events import LineDayDisturbed, LineDayMended, LineStopped
from factory_orders.line.errors import LineDayFixed, PaintRunImpossible
from factory_orders.parts.events import CallOffAnswered
from factory_orders.planning.capacity_store import lower_capacity, planned_rooms
from factory_orders.planning.line_days.queries import lacking_part
from factory_orders.planning.line_days.store import forget_line_day, line_day, write_line_day
from factory_orders.planning.model import SLOT, CarFacts, LineDayFigures, judge_room
from factory_orders.planning.queries import car_facts, plant_by_id
from factory_orders.planning.sequencing import LineCar, LineOrder, LineRules, judge_day, mend_order, search_line
from factory_orders.planning.weekly.store import ask_for_plans
from factory_orders.plant.model import BuildOrder, Stage
from factory_orders.plant.store import hold_line, line_of_day, lock_queued, next_day, previous_day, write_positions
from factory_orders.policies import LinePolicy
from kernel import policy
from kernel.actor import Permission, Role, system
from kernel.errors import InvalidInput, NotFound
from kernel.idempotency import Keyed, Replay, claim, keep
from kernel.identity.queries import accounts_with_role
from kernel.outbox import Letter, Subscription
from kernel.policy import PolicyVersion
from kernel.reasons import because
from kernel.work import Work

LATE_MAX: Final = 100
CAPACITY_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class MendedDay:
    """A day after it was mended: how many cars changed places, and its figures before and after."""

    day: date
    moved: int
    before: LineDayFigures
    after: LineDayFigures


@dataclass(frozen=True, slots=True)
class _Day:
    """A day's line as it stands: cars that keep their place, those still queued, and the tail before them all."""

    plant_id: str
    day: date
    fixed: Sequence[BuildOrder]
    queued: Sequence[BuildOrder]
    tail: Sequence[LineCar]
    facts: dict[str, CarFacts]
    policy: PolicyVersion

    @property
    def rules(self) -> LineRules:
        return line_rules(self.policy, self.facts.values())

    @property
    def is_overtaken(self) -> bool:
        """Say whether a car has begun before one that stood before it: its part came late, perhaps."""
        first_queued = min((car.position for car in self.queued if car.position is not None), default=None)
        return first_queued is not None and any((car.position or 0) > first_queued for car in self.fixed)

    @property
    def first_place(self) -> int:
        """Return the place of the first car that may move."""
        return max((car.position or 0 for car in self.fixed), default=0) + 1

    def line(self, queued: Sequence[BuildOrder]) -> list[LineCar]:
        return [line_car(car, self.facts) for car in (*self.fixed, *queued)]


def sequence_days(work: Work, plant_id: str, days: Sequence[date]) -> None:
    """Order days' lines, to which cars have come, anew; the day before counts for runs and ratios.

    On a day that has begun nothing is searched anew: what comes goes to its end, and the worker mends it.
    """
    # Two that order a day at once would each leave out the other's car, and give its place away.
    hold_line(work, plant_id)
    for day in sorted(days):
        _sequence(work, _load(work, plant_id, day))
    for behind in sorted({one for day in days if (one := next_day(work, plant_id, day)) is not None} - set(days)):
        _recount(work, plant_id, behind)


def _sequence(work: Work, line: _Day) -> None:
    if line.fixed:
        _save(work, line, line.queued)
        work.record(LineDayDisturbed(work.actor.brand_id, line.plant_id, line.day))
        return
    by_id = {car.id: car for car in line.queued}
    queued = [line_car(car, line.facts) for car in line.queued]
    ordered = search_line(queued, line.rules, before=line.tail)
    _save(work, line, [by_id[car.id] for car in ordered.cars])


def close_up(work: Work, plant_id: str, day: date) -> None:
    """Let the queued cars of a day close up where one has left, in their order, and have the day mended by the worker.

    The figures are counted at once; a search is nothing that a buyer who leaves should wait for.
    """
    hold_line(work, plant_id)
    line = _load(work, plant_id, day)
    _save(work, line, line.queued)
    if line.queued:
        work.record(LineDayDisturbed(work.actor.brand_id, plant_id, day))
    _recount_next(work, plant_id, day)


def mend_line_day(work: Work, plant_id: str, day: date, *, late: Sequence[str] = ()) -> MendedDay:
    """Mend a day's order on a planner's word: few cars move, those begun and the next ones never.

    `late` are build orders whose parts come late, at most 100 (InvalidInput): they go to the day's end, and the others
    are mended. Refuses NotFound (another brand's plant, a late car that is not queued on the day), LineDayFixed where
    no car may move, and PaintRunImpossible.
    """
    work.actor.require(Permission.BATCH_MANAGE)
    if len(late) > LATE_MAX:
        raise InvalidInput("late", because("COUNT", least=0, most=LATE_MAX))
    return _mend(work, plant_by_id(work, plant_id).id, day, late)


def _mend(work: Work, plant_id: str, day: date, late: Sequence[str] = ()) -> MendedDay:
    hold_line(work, plant_id)
    line = _load(work, plant_id, day)
    before = _figures(line, line.queued)
    last = [car for car in line.queued if car.id in set(late)]
    if len(last) < len(set(late)):
        raise NotFound("build order")
    others = [car for car in line.queued if car.id not in set(late)]
    own = line.policy.section(LinePolicy)
    frozen = len(line.fixed) + min(own.mend_frozen_next, len(others))
    free = len(line.fixed) + len(others) - frozen
    if free < 2 and not last:
        raise LineDayFixed(day, len(line.fixed) + len(line.queued), frozen)
    moved, order = 0, tuple(line.line(others))
    if free >= 2:
        order, moved = mend_order(order, line.rules, before=line.tail, frozen=frozen, moved_max=own.mend_moved_max)
    by_id = {car.id: car for car in others}
    mended = [*(by_id[car.id] for car in order[len(line.fixed) :]), *last]
    moved += sum(car is not other for car, other in zip(last, line.queued[len(others) :], strict=True))
    after = _save(work, line, mended, moved=moved)
    _recount_next(work, plant_id, day)
    return MendedDay(day, moved, before, after)


def report_line_stop(work: Work, *, day: date, capacity: int) -> LineStopped:
    """Take the plant's word that its line stood still on a day, and how many cars that week takes in all; idempotent.

    The week promises no more than that from now on; who has it already keeps it, and planners see how many those are
    too many and are told. The worker mends the day and plans the book anew. Refuses a week that is not planned
    (InvalidInput).
    """
    work.actor.require(Permission.PLANT_REPORT)
    if not 0 <= capacity <= CAPACITY_MAX:
        raise InvalidInput("capacity", because("COUNT", least=0, most=CAPACITY_MAX))
    plant_id, week = work.actor.own_plant(), day - timedelta(days=day.weekday())
    taken = lower_capacity(work, plant_id, week, SLOT, capacity)
    if taken is None:
        raise judge_room(planned_rooms(work, plant_id), week, SLOT)
    as_system = work.acting(system(work.actor.brand_id))
    planners = accounts_with_role(as_system, Role.PLANNER) if _is_first_report(work, day, capacity) else []
    stopped = LineStopped(
        brand_id=work.actor.brand_id,
        plant_id=plant_id,
        day=day,
        capacity=capacity,
        short=max(taken - capacity, 0),
        plant_code=plant_by_id(work, plant_id).code,
        planners=tuple(ConcernedAccount(one) for one in planners),
    )
    work.record(stopped)
    return stopped


def _is_first_report(work: Work, day: date, capacity: int) -> bool:
    """Say whether a plant says this of a day for the first time; who sends it again has not heard the answer."""
    said = claim(work, Keyed(work.actor.signed_in(), f"line stop on {day}: {capacity}", {}))
    if isinstance(said, Replay):
        return False
    keep(work, said, {})
    return True


def on_line_stopped(work: Work, letters: Sequence[Letter]) -> None:
    """Mend the days on which lines stood still, and have their plants' books planned anew."""
    stops = [letter.event for letter in letters if isinstance(letter.event, LineStopped)]
    _mend_each(work, {(stop.plant_id, stop.day): () for stop in stops})
    # Behind the lines, as who gives weeks takes both.
    ask_for_plans(work, sorted({stop.plant_id for stop in stops}))


def on_parts_late(work: Work, letters: Sequence[Letter]) -> None:
    """Let cars that a late part comes too late for go to their day's end, and have the plants' books planned anew."""
    late = [letter.event for letter in letters if isinstance(letter.event, CallOffAnswered) and letter.event.late]
    found: dict[tuple[str, date], set[str]] = {}
    for plant_id, part, week in sorted({(one.plant_id, one.part, one.week) for one in late}):
        for day, build_order_id in lacking_part(work, plant_id, part, week=week):
            found.setdefault((plant_id, day), set()).add(build_order_id)
    _mend_each(work, {key: tuple(sorted(ids)) for key, ids in found.items()})
    ask_for_plans(work, sorted({one.plant_id for one in late}))


def on_line_disturbed(work: Work, letters: Sequence[Letter]) -> None:
    """Mend the days that something has disturbed, a plant's in their order; where no car may move they stay."""
    days = {
        (letter.event.plant_id, letter.event.day) for letter in letters if isinstance(letter.event, LineDayDisturbed)
    }
    _mend_each(work, dict.fromkeys(days, ()))


def _mend_each(work: Work, days: Mapping[tuple[str, date], Sequence[str]]) -> None:
    """Mend plants' days, each with the cars that are late; where no car may move they stay."""
    hold_line(work, *(plant_id for plant_id, _ in days))
    for (plant_id, day), late in sorted(days.items()):
        try:
            _mend(work, plant_id, day, late)
        except (LineDayFixed, PaintRunImpossible, NotFound):
            # The day's figures say what it breaks; nobody is there to be told more. A late car may have begun by now.
            continue


def _recount_next(work: Work, plant_id: str, day: date) -> None:
    """Count the next day anew: the tail before it has changed."""
    behind = next_day(work, plant_id, day)
    if behind is not None:
        _recount(work, plant_id, behind)


def _recount(work: Work, plant_id: str, day: date) -> None:
    """Count a day anew that another tail stands before by now; where that made it worse it is mended.

    Its queued cars go behind those that have overtaken them, and are another tail of the day behind it then.
    """
    known = line_day(work, plant_id, day)
    line = _load(work, plant_id, day)
    now = _save(work, line, line.queued)
    if line.queued and (known is None or now.badness > known.badness):
        work.record(LineDayDisturbed(work.actor.brand_id, plant_id, day))
    if line.is_overtaken:
        _recount_next(work, plant_id, day)


def _load(work: Work, plant_id: str, day: date) -> _Day:
    """Read a day's line. A queued car's report waits from here on; one that has begun meanwhile keeps its place."""
    lock_queued(work, plant_id, day)
    cars = line_of_day(work, plant_id, day)
    earlier = previous_day(work, plant_id, day)
    tail = line_of_day(work, plant_id, earlier) if earlier is not None else []
    facts = {version: car_facts(work, version) for version in {car.catalogue_version_id for car in (*tail, *cars)}}
    return _Day(
        plant_id=plant_id,
        day=day,
        fixed=[car for car in cars if car.stage is not Stage.QUEUED],
        queued=[car for car in cars if car.stage is Stage.QUEUED],
        tail=[line_car(car, facts) for car in tail],
        facts=facts,
        policy=policy.current(work),
    )


def _save(work: Work, line: _Day, queued: Sequence[BuildOrder], *, moved: int = 0) -> LineDayFigures:
    """Write the queued cars' places behind those that keep theirs, and the day's figures; tell who had another place.

    So many `moved` by a mending; the others moved up, or were ordered anew with cars that have come.
    """
    places = {car.id: place for place, car in enumerate(queued, start=line.first_place) if car.position != place}
    write_positions(work, places)
    elsewhere = tuple(car.id for car in queued if car.id in places and car.position is not None)
    if elsewhere:
        work.record(LineDayMended(work.actor.brand_id, line.plant_id, line.day, moved, elsewhere))
    figures = _figures(line, queued)
    if figures.cars:
        write_line_day(work, figures, policy_version=line.policy.version)
    else:
        forget_line_day(work, line.plant_id, line.day)
    return figures


def _figures(line: _Day, queued: Sequence[BuildOrder]) -> LineDayFigures:
    return day_figures(line.plant_id, line.day, judge_day(line.line(queued), line.rules, before=line.tail))


def day_figures(plant_id: str, day: date, order: LineOrder) -> LineDayFigures:
    """Return what is kept of a day's order."""
    score, judgement = order.score, order.judgement
    return LineDayFigures(
        plant_id=plant_id,
        day=day,
        cars=len(order.cars),
        run_violations=score.run_violations,
        ratio_violations=score.ratio_violations,
        paint_changes=score.paint_changes,
        excess=None if judgement is None else judgement.excess,
        excess_bound=None if judgement is None else judgement.excess_bound,
        paint_changes_bound=None if judgement is None else judgement.paint_changes_bound,
    )


def line_car(car: BuildOrder, facts: dict[str, CarFacts]) -> LineCar:
    """Return what the line sees of a car."""
    own = facts[car.catalogue_version_id]
    return LineCar(car.id, own.paint_of(car.options), own.constrained_of(car.options))


def line_rules(version: PolicyVersion, facts: Iterable[CarFacts]) -> LineRules:
    """Return a policy's limits for the constrained options of these cars."""
    rules = version.section(LinePolicy)
    own = {option: (p, q) for option, p, q in rules.ratio_limits}
    constrained = {option for one in facts for option in one.constrained}
    ratios = {option: own.get(option, (rules.ratio_p, rules.ratio_q)) for option in sorted(constrained)}
    return LineRules(rules.paint_run_max, ratios)


SUBSCRIPTIONS: Final = (
    Subscription("factory_orders.line", frozenset({LineDayDisturbed.kind}), on_line_disturbed),
    Subscription("factory_orders.line_stops", frozenset({LineStopped.kind}), on_line_stopped),
    Subscription("factory_orders.late_parts", frozenset({CallOffAnswered.kind}), on_parts_late),
)
