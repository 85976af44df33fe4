"""A plant that is connected by files: its schedule is written from the database, its reports are taken into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import partial
from typing import Final

from factory_orders import service
from factory_orders.model import BuildOrder, PlantReport
from factory_orders.plant.b2mml import read_performance, write_schedule
from factory_orders.queries import build_orders_for_plant
from graph.identifiers import raw_id, write_id
from kernel import registry
from kernel.actor import Actor
from kernel.errors import Refusal
from kernel.paging import PageRequest, decode_cursor
from kernel.work import Work, Works

LINE_STARTS: Final = time(6)
PAGE: Final = 100


@dataclass(slots=True)
class Taken:
    """What became of a file's reports; a refused one stands with its line."""

    accepted: int = 0
    repeated: int = 0
    refused: list[tuple[int, Refusal]] = field(default_factory=list)


def schedule_of_plant(works: Works, actor: Actor, plant_code: str) -> tuple[list[str], int]:
    """Return the lines of a plant's schedule, and how many cars are in it."""
    with works.read(actor) as work:
        zone = registry.own_brand(work).zone
        orders = list(_orders(work))
        now = work.now.astimezone(zone)
        lines = write_schedule(
            orders,
            schedule_id=f"{plant_code}-{now:%Y%m%dT%H%M%S}",
            plant_code=plant_code,
            published_at=now,
            starts_at=lambda order: datetime.combine(order.day, LINE_STARTS, zone),
            write_id=lambda raw: write_id("BuildOrder", raw),
        )
        return list(lines), len(orders)


def _orders(work: Work) -> Iterator[BuildOrder]:
    after: str | None = None
    while True:
        page = build_orders_for_plant(work, PageRequest(PAGE, after))
        yield from page.items
        if not page.has_next:
            return
        after = decode_cursor(page.cursors[-1])


def _take(build_order_id: str, report: PlantReport, work: Work) -> str:
    return service.report_plant_event(work, build_order_id, report).outcome


def take_performance(works: Works, actor: Actor, data: bytes) -> Taken:
    """Take a file's reports, each in a change of its own. Refuses PlantFileBroken, and then takes none."""
    taken = Taken()
    for filed in read_performance(data):
        build_order_id = raw_id(filed.build_order, "BuildOrder")
        try:
            outcome = works.run(actor, partial(_take, build_order_id, filed.report))
        except Refusal as refusal:
            taken.refused.append((filed.line, refusal))
            continue
        if outcome == "accepted":
            taken.accepted += 1
        else:
            taken.repeated += 1
    return taken
