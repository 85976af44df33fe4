"""A brand's folder of files, read and written into the registry: who it is, its regions, plants and stores."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from kernel import registry
from kernel.errors import InvalidInput
from kernel.ids import BrandId, PlantId, StoreId
from kernel.money import MINOR_PER_MAJOR
from kernel.registry import Brand, Plant, Region, Store
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class BrandFolder:
    """Where a brand's files are: `network/` says who and where, `catalogue/` what can be built."""

    path: Path

    @property
    def network(self) -> Path:
        """Return the folder of brand.toml, regions.csv, plants.csv and stores.csv."""
        return self.path / "network"

    @property
    def catalogue(self) -> Path:
        """Return the folder of the catalogue's files."""
        return self.path / "catalogue"


def add_brand_from_folder(work: Work, folder: BrandFolder) -> Brand:
    """Write a brand with its regions, plants and stores; returns the one that is there if it was added before.

    Refuses a missing or broken file with its name and line.
    """
    head = _head(folder.network / "brand.toml")
    known = work.connection.execute(select(registry.brands.c.id).where(registry.brands.c.code == head["code"])).first()
    if known is not None:
        return registry.brand_by_code(work, head["code"])
    brand = Brand(
        BrandId(work.new_id()),
        head["code"],
        {"zh-CN": head["zh"], "en": head["en"]},
        head["wmi"],
        head.get("timezone", "Asia/Shanghai"),
        head.get("calendar", "CN"),
        head.get("currency", "CNY"),
    )
    regions = [Region(row["region"], _name(row)) for row in _rows(folder.network / "regions.csv")]
    registry.add_brand(work, brand, regions)
    registry.add_plants(work, [_plant(work, brand, row) for row in _rows(folder.network / "plants.csv")])
    registry.add_stores(work, [_store(work, brand, row) for row in _rows(folder.network / "stores.csv")])
    return brand


def _head(path: Path) -> dict[str, str]:
    try:
        head = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(path.name, str(error)) from None
    missing = [name for name in ("code", "zh", "en", "wmi") if not isinstance(head.get(name), str)]
    if missing:
        raise InvalidInput(path.name, f"needs {', '.join(missing)}")
    return {name: str(value) for name, value in head.items()}


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table; a row that cannot be read later is named by file and line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            for row in reader:
                if None in row or None in row.values():
                    raise InvalidInput(f"{path.name}:{reader.line_num}", "has more or fewer fields than the first line")
                yield row | {"_where": f"{path.name}:{reader.line_num}"}
    except OSError as error:
        raise InvalidInput(path.name, error.strerror or "cannot be read") from None


def _name(row: dict[str, str]) -> dict[str, str]:
    return {"zh-CN": row["zh"], "en": row["en"]}


def _plant(work: Work, brand: Brand, row: dict[str, str]) -> Plant:
    try:
        return Plant(
            id=PlantId(work.new_id()),
            brand_id=brand.id,
            code=row["plant"],
            name=_name(row),
            city={"zh-CN": row["city_zh"], "en": row["city_en"]},
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            weekly_capacity=int(row["weekly_capacity"]),
        )
    except (KeyError, ValueError) as error:
        raise InvalidInput(row["_where"], str(error)) from None


def _store(work: Work, brand: Brand, row: dict[str, str]) -> Store:
    try:
        return Store(
            id=StoreId(work.new_id()),
            brand_id=brand.id,
            code=row["store"],
            name=_name(row),
            city={"zh-CN": row["city_zh"], "en": row["city_en"]},
            region=row["region"],
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            plate_quota=bool(int(row["plate_quota"])),
            service_fee_minor=int(row["service_fee_yuan"]) * MINOR_PER_MAJOR,
        )
    except (KeyError, ValueError) as error:
        raise InvalidInput(row["_where"], str(error)) from None
