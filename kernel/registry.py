"""Brands, their regions, plants and stores, and the calendar that counts for them: who exists, and where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import chinese_calendar
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Integer,
    String,
    Table,
    UniqueConstraint,
    select,
    update,
)

from kernel import db
from kernel.db import Id, Instant, Json, metadata
from kernel.errors import NotFound
from kernel.ids import BrandId, PlantId, StoreId
from kernel.work import Work

brands = Table(
    "brands",
    metadata,
    Column("id", Id, primary_key=True),
    Column("code", String(40), nullable=False, unique=True),
    Column("name", Json, nullable=False),
    Column("wmi", String(3), nullable=False),
    Column("timezone", String(40), nullable=False),
    Column("calendar", String(10), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("at", Instant, nullable=False),
)
regions = Table(
    "regions",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("code", String(40), primary_key=True),
    Column("name", Json, nullable=False),
)
plants = Table(
    "plants",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("code", String(40), nullable=False),
    Column("name", Json, nullable=False),
    Column("city", Json, nullable=False),
    Column("latitude", Float, nullable=False),
    Column("longitude", Float, nullable=False),
    Column("weekly_capacity", Integer, nullable=False),
    UniqueConstraint("brand_id", "code"),
    CheckConstraint("weekly_capacity > 0", name="capacity_positive"),
)
stores = Table(
    "stores",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("code", String(40), nullable=False),
    Column("name", Json, nullable=False),
    Column("city", Json, nullable=False),
    Column("region", String(40), nullable=False),
    Column("latitude", Float, nullable=False),
    Column("longitude", Float, nullable=False),
    Column("plate_quota", Boolean, nullable=False),
    Column("service_fee_minor", BigInteger, nullable=False),
    Column("closed_at", Instant),
    UniqueConstraint("brand_id", "code"),
)


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand: `name` by locale, `wmi` the first three places of its VINs, the zone and calendar of its deadlines."""

    id: BrandId
    code: str
    name: dict[str, str]
    wmi: str
    timezone: str = "Asia/Shanghai"
    calendar: str = "CN"
    currency: str = "CNY"

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone people of this brand live in."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class Region:
    """A sales region of a brand."""

    code: str
    name: dict[str, str]


@dataclass(frozen=True, slots=True)
class Plant:
    """A plant and the number of cars it can finish in a week."""

    id: PlantId
    brand_id: BrandId
    code: str
    name: dict[str, str]
    city: dict[str, str]
    latitude: float
    longitude: float
    weekly_capacity: int


@dataclass(frozen=True, slots=True)
class Store:
    """A 4S store; `plate_quota` where its city rations number plates, `closed_at` once it is gone."""

    id: StoreId
    brand_id: BrandId
    code: str
    name: dict[str, str]
    city: dict[str, str]
    region: str
    latitude: float
    longitude: float
    plate_quota: bool
    service_fee_minor: int
    closed_at: datetime | None = None


def brand_by_code(work: Work, code: str) -> Brand:
    """Return a brand by its code, or refuse."""
    row = work.connection.execute(select(brands).where(brands.c.code == code)).mappings().first()
    if row is None:
        raise NotFound("brand")
    return _brand(row)


def all_brands(work: Work) -> list[Brand]:
    """Return every brand of this platform, oldest first; there are few."""
    rows = work.connection.execute(select(brands).order_by(brands.c.id).limit(1000)).mappings()
    return [_brand(row) for row in rows]


def own_brand(work: Work) -> Brand:
    """Return the brand the actor acts for."""
    return work.once(("brand", work.actor.brand_id), lambda: _read_own_brand(work))


def _read_own_brand(work: Work) -> Brand:
    row = work.connection.execute(select(brands).where(brands.c.id == work.actor.brand_id)).mappings().first()
    if row is None:
        raise NotFound("brand")
    return _brand(row)


def _brand(row: Any) -> Brand:
    return Brand(**{name: row[name] for name in Brand.__dataclass_fields__})


def list_regions(work: Work) -> list[Region]:
    """Return the regions of the actor's brand by code."""
    found = select(regions).where(regions.c.brand_id == work.actor.brand_id).order_by(regions.c.code)
    return [Region(row.code, row.name) for row in work.connection.execute(found)]


def list_plants(work: Work) -> list[Plant]:
    """Return the plants of the actor's brand by code."""
    return list(work.once(_plants(work), lambda: _read_plants(work)))


def _plants(work: Work) -> tuple[str, ...]:
    return ("plants", work.actor.brand_id)


def _read_plants(work: Work) -> list[Plant]:
    found = select(plants).where(plants.c.brand_id == work.actor.brand_id).order_by(plants.c.code)
    return [Plant(**row) for row in work.connection.execute(found).mappings()]


def plant_by_code(work: Work, code: str) -> Plant:
    """Return a plant of the actor's brand, or refuse."""
    for plant in list_plants(work):
        if plant.code == code:
            return plant
    raise NotFound("plant")


def list_stores(work: Work) -> list[Store]:
    """Return the stores of the actor's brand by code, closed ones too."""
    found = select(stores).where(stores.c.brand_id == work.actor.brand_id).order_by(stores.c.code)
    return [Store(**row) for row in work.connection.execute(found).mappings()]


def stores_by_id(work: Work, store_ids: list[str]) -> dict[str, Store]:
    """Return stores of the actor's brand by id; another brand's are left out."""
    found = select(stores).where(stores.c.brand_id == work.actor.brand_id, db.among(stores.c.id, store_ids))
    return {row["id"]: Store(**row) for row in work.connection.execute(found).mappings()}


def open_store(work: Work, store_id: str) -> Store:
    """Return a store of the actor's brand that is open, or refuse."""
    store = stores_by_id(work, [store_id]).get(store_id)
    if store is None or store.closed_at is not None:
        raise NotFound("store")
    return store


def hold_open_store(work: Work, store_id: str) -> Store:
    """Return a store that is open, or refuse, and keep its closing waiting, which then sees what was bound to it."""
    own = (stores.c.id == store_id) & (stores.c.brand_id == work.actor.brand_id)
    work.connection.execute(select(stores.c.id).where(own).with_for_update(read=True))
    return open_store(work, store_id)


def lock_store(work: Work, store_id: str) -> Store:
    """Load a store of the actor's brand, open or closed, and keep other changes to it waiting; refuses NotFound."""
    own = (stores.c.id == store_id) & (stores.c.brand_id == work.actor.brand_id)
    work.connection.execute(select(stores.c.id).where(own).with_for_update())
    store = stores_by_id(work, [store_id]).get(store_id)
    if store is None:
        raise NotFound("store")
    return store


def close_store(work: Work, store_id: str) -> None:
    """Write that a store has closed, from now on and for good."""
    own = (stores.c.id == store_id) & (stores.c.brand_id == work.actor.brand_id) & stores.c.closed_at.is_(None)
    work.connection.execute(update(stores).where(own).values(closed_at=work.now))


def add_brand(work: Work, brand: Brand, brand_regions: list[Region]) -> None:
    """Write a new brand with its regions; for set-up by the operator's command line."""
    row = {name: getattr(brand, name) for name in Brand.__dataclass_fields__}
    work.connection.execute(brands.insert().values(**row, at=work.now))
    rows = [{"brand_id": brand.id, "code": region.code, "name": region.name} for region in brand_regions]
    db.insert_many(work.connection, regions, rows)


def add_plants(work: Work, new: list[Plant]) -> None:
    """Write new plants."""
    db.insert_many(
        work.connection, plants, [{name: getattr(one, name) for name in Plant.__dataclass_fields__} for one in new]
    )
    work.forget(_plants(work))


def add_stores(work: Work, new: list[Store]) -> None:
    """Write new stores."""
    db.insert_many(
        work.connection, stores, [{name: getattr(one, name) for name in Store.__dataclass_fields__} for one in new]
    )


_DAY: Final = timedelta(days=1)
CALENDARS: Final = frozenset({"CN", "weekdays"})
"""What a brand's working days may follow: the State Council's calendar, or plainly Monday to Friday."""


@lru_cache(maxsize=4096)
def is_working_day(calendar: str, day: date) -> bool:
    """Say whether people work that day: the State Council's calendar for `CN` where known, else Monday to Friday."""
    if calendar == "CN":
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:  # The package says so of a year whose holidays are not announced yet.
            return day.weekday() < 5
    return day.weekday() < 5


def add_working_days(brand: Brand, start: datetime, days: int) -> datetime:
    """Return the end of the `days`-th working day after `start`, in UTC."""
    day = start.astimezone(brand.zone).date()
    left = days
    while left > 0:
        day += _DAY
        left -= is_working_day(brand.calendar, day)
    return datetime.combine(day + _DAY, time.min, brand.zone).astimezone(start.tzinfo)


def week_of(brand: Brand, moment: datetime) -> date:
    """Return the Monday, in the brand's zone, of the week a moment falls in."""
    day = moment.astimezone(brand.zone).date()
    return day - timedelta(days=day.weekday())
