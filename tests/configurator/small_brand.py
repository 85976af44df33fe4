"""A small brand for tests: its catalogue folder, its two plants, three regions and two stores."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from configurator.catalogue import Catalogue
from configurator.catalogue_files import read_catalogue
from configurator.quote_service import QuoteDesk
from configurator.service import publish_catalogue
from configurator.signing import QuoteKey
from kernel import registry
from kernel.actor import Actor, Role
from kernel.ids import AccountId, BrandId, PersonId, PlantId, StoreId
from kernel.work import Works

FOLDER: Final = Path(__file__).parent / "data" / "small"
BRAND: Final = BrandId("b" * 32)
EAST_STORE: Final = StoreId("1" * 32)
NORTH_STORE: Final = StoreId("2" * 32)
DESK: Final = QuoteDesk(QuoteKey.from_seed(bytes(32)))
GUEST: Final = Actor(BRAND)
PLANNER: Final = Actor(BRAND, frozenset({Role.PLANNER}), AccountId("a" * 32))
PLAIN_CAR: Final = ("RED", "W17", "PT_SMALL", "TR_BASE")


def small_catalogue() -> Catalogue:
    """Return the small catalogue as it stands in the folder."""
    return read_catalogue(FOLDER)


def copied_folder(target: Path) -> Path:
    """Copy the folder, so that a test may break a file of it."""
    shutil.copytree(FOLDER, target)
    return target


def consumer(letter: str = "c") -> Actor:
    """Return a verified person of the small brand."""
    return Actor(BRAND, frozenset({Role.CONSUMER}), AccountId(letter * 32), PersonId(letter * 32))


def found_brand(works: Works, *, brand_id: BrandId = BRAND, code: str = "fir") -> None:
    """Write the brand; its northern plant is at the eastern store's place, so that its road is 0 km."""
    name = {"zh-CN": "冷杉", "en": "Fir"}
    with works.change(Actor(brand_id)) as work:
        regions = [registry.Region(one, name) for one in ("east", "north", "south")]
        registry.add_brand(work, registry.Brand(brand_id, code, name, "LZZ"), regions)
        registry.add_plants(
            work,
            [
                registry.Plant(PlantId(f"{number}{brand_id[1:]}"), brand_id, plant, name, name, latitude, 120.0, 100)
                for number, (plant, latitude) in enumerate((("fir_north", 31.0), ("fir_south", 21.0)))
            ],
        )


def found_stores(works: Works) -> None:
    """Write a store in the east and one in the north, ten degrees further up, each for a fee of ¥1,000."""
    name = {"zh-CN": "店", "en": "Store"}
    with works.change(GUEST) as work:
        stores = [
            registry.Store(store_id, BRAND, region, name, name, region, latitude, 120.0, False, 100_000)
            for store_id, region, latitude in ((EAST_STORE, "east", 31.0), (NORTH_STORE, "north", 41.0))
        ]
        registry.add_stores(work, stores)


def open_small_brand(works: Works) -> str:
    """Write brand and stores, publish the small catalogue and return its version's id."""
    found_brand(works)
    found_stores(works)
    with works.change(PLANNER) as work:
        return publish_catalogue(work, small_catalogue())
