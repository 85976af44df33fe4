"""A brand's folder of files, read and written into the registry: who it is, its regions, plants and stores."""

from __future__ import annotations

import csv
import math
import re
import tomllib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from kernel import registry
from kernel.errors import InvalidInput, Refusal
from kernel.ids import BrandId, PlantId, StoreId
from kernel.money import MINOR_PER_MAJOR
from kernel.registry import Brand, Plant, Region, Store
from kernel.work import Work


@dataclass(unsafe_hash=True)
class BrandKnown(Refusal):
    """A brand is added once; what changes later comes in by its catalogue's next version."""

    code = "BRAND_KNOWN"
    en = "Brand {brand} is there already; nothing was changed. A new brand needs a code of its own in brand.toml."
    zh = "品牌{brand}已存在，未作更改。新品牌须在brand.toml中使用自己的代码。"
    brand: str


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
    known = known_brand(work, folder)
    if known is not None:
        return known
    head = _head(folder.network / "brand.toml")
    brand = Brand(
        BrandId(work.new_id()),
        head["code"],
        {"zh-CN": head["zh"], "en": head["en"]},
        head["wmi"],
        head.get("timezone", "Asia/Shanghai"),
        head.get("calendar", "CN"),
        head.get("currency", "CNY"),
    )
    _check_vins_apart(work, folder.network / "brand.toml", brand)
    regions = read_regions(folder)
    codes = frozenset(region.code for region in regions)
    registry.add_brand(work, brand, regions)
    registry.add_plants(work, [_plant(work, brand, row) for row in _rows(folder.network / "plants.csv", key="plant")])
    stores = _rows(folder.network / "stores.csv", key="store")
    registry.add_stores(work, [_store(work, brand, row, codes) for row in stores])
    return brand


def read_regions(folder: BrandFolder) -> list[Region]:
    """Read a brand's regions; refuses a broken file with its name and line."""
    return [_region(row) for row in _rows(folder.network / "regions.csv", key="region")]


def known_brand(work: Work, folder: BrandFolder) -> Brand | None:
    """Return the brand of a folder where it is in the registry already; refuses a broken brand.toml."""
    head = _head(folder.network / "brand.toml")
    found = work.connection.execute(select(registry.brands.c.id).where(registry.brands.c.code == head["code"])).first()
    return registry.brand_by_code(work, head["code"]) if found is not None else None


def _head(path: Path) -> dict[str, str]:
    """Read and check brand.toml; what is wrong is named with its line."""
    try:
        text = path.read_text(encoding="utf-8")
        head = tomllib.loads(text)
    except OSError as error:
        raise InvalidInput(path.name, error.strerror or "cannot be read") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(path.name, str(error)) from None
    missing = [name for name in ("code", "zh", "en", "wmi") if not isinstance(head.get(name), str)]
    if missing:
        raise InvalidInput(path.name, f"needs {', '.join(missing)}")
    for name, (is_well, wanted) in _HEAD_RULES.items():
        value = head.get(name)
        if value is not None and not (isinstance(value, str) and is_well(value)):
            raise InvalidInput(f"{path.name}:{_line_of(name, text)}", f"{name} = {value!r}: {wanted}")
    return {name: str(value) for name, value in head.items()}


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):  # A folder's name or an absolute path is no zone either.
        return False
    return True


_CODE: Final = re.compile(r"[A-Za-z0-9._-]{1,40}")
_HEAD_RULES: Final[dict[str, tuple[Callable[[str], object], str]]] = {
    "code": (re.compile(r"[a-z][a-z0-9-]{0,39}").fullmatch, "write up to 40 small letters, digits and dashes"),
    "zh": (str.strip, "write the brand's name"),
    "en": (str.strip, "write the brand's name"),
    "wmi": (re.compile(r"[A-HJ-NPR-Z0-9]{3}").fullmatch, "write the three places that VINs begin with, no I, O or Q"),
    "timezone": (_is_zone, "write a zone of the tz database, such as Asia/Shanghai"),
    "calendar": (registry.CALENDARS.__contains__, f"write one of {', '.join(sorted(registry.CALENDARS))}"),
    "currency": ({"CNY"}.__contains__, "write CNY, the one currency there is"),
}


def _line_of(name: str, text: str) -> int:
    """Return the line of a TOML text that sets a name."""
    lines = text.splitlines()
    return next((at for at, line in enumerate(lines, 1) if re.match(rf"\s*[\"']?{name}[\"']?\s*=", line)), 1)


def _check_vins_apart(work: Work, path: Path, brand: Brand) -> None:
    """Two brands with one beginning of their VINs would sooner or later give two cars one VIN."""
    for other in registry.all_brands(work):
        if other.wmi == brand.wmi:
            where = f"{path.name}:{_line_of('wmi', path.read_text(encoding='utf-8'))}"
            raise InvalidInput(where, f"wmi = {brand.wmi!r}: brand {other.code} has it; every brand needs its own")


def _rows(path: Path, *, key: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a table; refuses rows that do not fit the first line and two rows of one key, by file and line.

    A table without rows is refused once it was read through. `_where` in each row names it for what is found out later.
    """
    seen: dict[str | None, int] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            for row in reader:
                where = f"{path.name}:{reader.line_num}"
                if None in row or None in row.values():
                    raise InvalidInput(where, "has more or fewer fields than the first line")
                first = seen.setdefault(row.get(key), reader.line_num)
                if first != reader.line_num:
                    raise InvalidInput(where, f"{key} {row.get(key)} stands in line {first} already")
                yield row | {"_where": where}
        if not seen:
            raise InvalidInput(path.name, f"has no {key}: a brand needs one at least")
    except OSError as error:
        raise InvalidInput(path.name, error.strerror or "cannot be read") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(path.name, str(error)) from None


@contextmanager
def _named(row: dict[str, str]) -> Iterator[None]:
    """Refuse what a row lacks or says wrongly under the row's file and line."""
    where = row["_where"]
    try:
        yield
    except KeyError as error:
        file, _, _ = where.partition(":")
        raise InvalidInput(f"{file}:1", f"has no column {error.args[0]}") from None
    except ValueError as error:
        raise InvalidInput(where, str(error)) from None


def _region(row: dict[str, str]) -> Region:
    with _named(row):
        return Region(_code(row, "region"), _name(row))


def _name(row: dict[str, str]) -> dict[str, str]:
    return {"zh-CN": row["zh"], "en": row["en"]}


def _code(row: dict[str, str], column: str) -> str:
    """Return a code that both databases store as it is; SQLite would keep any length, PostgreSQL not."""
    text = row[column]
    if not _CODE.fullmatch(text):
        raise ValueError(f"{column} = {text[:60]!r}: write 1 to 40 letters, digits, dashes, dots and underscores")
    return text


def _counted(row: dict[str, str], column: str, least: int) -> int:
    text = row[column]
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= least):
        raise ValueError(f"{column} = {text!r}: write a whole number from {least} on")
    return int(text)


def _degrees(row: dict[str, str], column: str, most: int) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not abs(value) <= most:
        raise ValueError(f"{column} = {row[column]!r}: write degrees from -{most} to {most}")
    return value


def _plant(work: Work, brand: Brand, row: dict[str, str]) -> Plant:
    with _named(row):
        return Plant(
            id=PlantId(work.new_id()),
            brand_id=brand.id,
            code=_code(row, "plant"),
            name=_name(row),
            city={"zh-CN": row["city_zh"], "en": row["city_en"]},
            latitude=_degrees(row, "latitude", 90),
            longitude=_degrees(row, "longitude", 180),
            weekly_capacity=_counted(row, "weekly_capacity", 1),
        )


def _store(work: Work, brand: Brand, row: dict[str, str], region_codes: Collection[str]) -> Store:
    with _named(row):
        if row["region"] not in region_codes:
            raise ValueError(f"region {row['region']!r} is not in regions.csv")
        return Store(
            id=StoreId(work.new_id()),
            brand_id=brand.id,
            code=_code(row, "store"),
            name=_name(row),
            city={"zh-CN": row["city_zh"], "en": row["city_en"]},
            region=row["region"],
            latitude=_degrees(row, "latitude", 90),
            longitude=_degrees(row, "longitude", 180),
            plate_quota=bool(_counted(row, "plate_quota", 0)),
            service_fee_minor=_counted(row, "service_fee_yuan", 0) * MINOR_PER_MAJOR,
        )
