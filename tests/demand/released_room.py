"""A release written by hand: weekly totals of options as cells, so that what reads releases can be tested by itself."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import Final

from sqlalchemy import insert

from demand.cubes.tables import cube_cells, cube_moves, cube_releases, cube_tables
from kernel import db
from kernel.actor import system
from kernel.work import Works
from tests.configurator.small_brand import BRAND

MONDAY: Final = date(2026, 11, 23)


def publish(
    works: Works, counts: dict[str, list[int | None]], *, cube: str = "take_rates", versions: str = "v"
) -> None:
    """Write a release with weekly totals of options up to last week, as the worker would; the same of each version."""
    with works.change(system(BRAND)) as work:
        release = {"brand_id": BRAND, "number": 1, "k": 10, "trade_k": 20, "rounding": 5, "released_at": work.now}
        db.insert_many(work.connection, cube_releases, [release])
        length = max(map(len, counts.values()))
        for number, version in product(range(length), versions):
            key = {
                "brand_id": BRAND,
                "cube": cube,
                "week": MONDAY - timedelta(weeks=length - number),
                "model": "A1",
                "version_id": version * 32,
            }
            log: dict[str, object] = {"blocks": {}, "burnt": [], "shown": []}
            move = insert(cube_moves).values(**key, release=1, final=True, counts=log).returning(cube_moves.c.serial)
            serial = work.connection.execute(move).scalar_one()
            db.insert_many(work.connection, cube_tables, [key | {"move": serial, "closed": True}])
            cells = [
                {
                    "move": serial,
                    "audience": "maker",
                    "first": option,
                    "second": "",
                    "region": "*",
                    "chosen": count,
                    "first_chosen": count,
                    "second_chosen": 200,
                    "offered": 200,
                }
                for option, own in counts.items()
                for count in own[number : number + 1]
                if count is not None
            ]
            db.insert_many(work.connection, cube_cells, cells)
