"""What an audit looks at on the line: no hole among a day's queued cars, and figures that its build orders give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import groupby
from typing import Any, Final

from sqlalchemy import and_, or_, select

from factory_orders.planning.line_days.service import day_figures, line_car, line_rules
from factory_orders.planning.model import CarFacts, LineDayFigures
from factory_orders.planning.queries import car_facts
from factory_orders.planning.sequencing import judge_day
from factory_orders.planning.tables import line_days
from factory_orders.plant.model import BuildOrder, Stage
from factory_orders.plant.rows import FIELDS, build_order_from
from factory_orders.plant.store import ON_LINE
from factory_orders.plant.tables import build_orders
from kernel import policy
from kernel.soundness import Check
from kernel.work import Work

_FIGURES: Final = tuple(field.name for field in fields(LineDayFigures))


def _days(work: Work) -> Iterator[list[Any]]:
    """Yield each plant's days in their order: a row per car by its place, with what is kept of the day."""
    car, kept = build_orders.c, line_days.c
    # One statement, so that nothing changes between a day's cars and its figures.
    found = (
        select(*(car[name] for name in FIELDS), *(kept[name].label(f"kept_{name}") for name in _FIGURES))
        .add_columns(kept.policy_version)
        .outerjoin_from(build_orders, line_days, and_(kept.plant_id == car.plant_id, kept.day == car.day))
        .where(car.brand_id == work.actor.brand_id, or_(ON_LINE, car.stage != Stage.WITHDRAWN.value))
        .order_by(car.plant_id, car.day, car.position.is_(None), car.position, car.id)
    )
    rows = work.connection.execute(found).mappings()
    for _, of_day in groupby(rows, key=lambda row: (row["plant_id"], row["day"])):
        yield list(of_day)


def _holes(work: Work) -> Iterator[str]:
    for rows in _days(work):
        cars = [build_order_from(row) for row in rows]
        places = [car.position for car in cars if car.position is not None]
        begun = max((car.position or 0 for car in cars if car.stage is not Stage.QUEUED), default=0)
        behind = [place for place in places if place > begun]
        if len(places) < len(cars) or behind != list(range(begun + 1, begun + 1 + len(behind))):
            where = f"plant {cars[0].plant_id} on {cars[0].day}"
            yield f"{where}: behind place {begun} cars stand at {behind}, {len(cars) - len(places)} have no place"


def _wrong_figures(work: Work) -> Iterator[str]:
    """Count each day anew by the policy that it was counted with; the day before is its tail."""
    facts: dict[str, CarFacts] = {}
    policies = {}
    before: list[BuildOrder] = []
    for rows in _days(work):
        first, cars = rows[0], [build_order_from(row) for row in rows]
        tail = before if before and before[0].plant_id == first["plant_id"] else []
        before = cars
        where = f"plant {first['plant_id']} on {first['day']}"
        version = first["policy_version"]
        if version is None:
            yield f"{where}: {len(cars)} cars, and nothing is kept of the day"
            continue
        if version not in policies:
            policies[version] = policy.pinned(work, version)
        facts |= {one: car_facts(work, one) for one in {car.catalogue_version_id for car in cars} if one not in facts}
        rules = line_rules(policies[version], facts.values())
        tail_cars, line = ([line_car(car, facts) for car in some] for some in (tail, cars))
        counted = day_figures(first["plant_id"], first["day"], judge_day(line, rules, before=tail_cars))
        kept = LineDayFigures(*(first[f"kept_{name}"] for name in _FIGURES))
        if kept != counted:
            yield f"{where}: {_short(kept)} are kept, {_short(counted)} are counted"


def _empty_days(work: Work) -> Iterator[str]:
    day, car = line_days.c, build_orders.c
    stands = select(car.id).where(car.plant_id == day.plant_id, car.day == day.day, ON_LINE).exists()
    found = select(day.plant_id, day.day).where(day.brand_id == work.actor.brand_id, ~stands)
    for row in work.connection.execute(found.order_by(day.plant_id, day.day)):
        yield f"plant {row.plant_id} on {row.day}: figures are kept of a day without a car"


def _short(figures: LineDayFigures) -> str:
    numbers: Sequence[int | None] = [getattr(figures, name) for name in _FIGURES[2:]]
    return "/".join("-" if number is None else str(number) for number in numbers)


def _wrong_days(work: Work) -> Iterator[str]:
    yield from _wrong_figures(work)
    yield from _empty_days(work)


CHECKS: Final = (
    Check("a day's cars that have not begun stand behind those that have, without a hole", 3, _holes),
    Check("a day of the line has the cars and the figures that its build orders give", 3, _wrong_days),
)
