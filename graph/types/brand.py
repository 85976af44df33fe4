"""The brand a request is for: its name, its regions, its stores and plants."""

from __future__ import annotations

import strawberry

from configurator.queries import check_region
from graph.access import field, object_type
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import query
from graph.scalars import Cursor
from graph.types.money import Money, show_minor
from graph.types.pages import Connection, Node, show_page
from kernel import registry
from kernel.actor import Permission
from kernel.paging import make_page, page_request
from kernel.work import Work


@object_type(reads=Permission.PUBLIC_READ)
class Region:
    """A sales region of the brand."""

    code: str
    name: str


@object_type(reads=Permission.PUBLIC_READ)
class Store(Node):
    """A 4S store: it displays, hands over and serves; its service fee is fixed and the same for every car."""

    id: strawberry.ID
    code: str
    name: str
    city: str
    region: str
    latitude: float
    longitude: float
    plate_quota: bool
    service_fee: Money
    is_open: bool


@object_type(reads=Permission.PUBLIC_READ)
class Plant(Node):
    """A plant of the brand."""

    id: strawberry.ID
    code: str
    name: str
    city: str
    weekly_capacity: int = field(reads=Permission.BATCH_READ)


@object_type(reads=Permission.PUBLIC_READ)
class Brand:
    """The brand this address is for."""

    code: str
    name: str
    timezone: str
    currency: str
    regions: list[Region] = field(at_most=20)


def text_in(texts: dict[str, str], locale: str) -> str:
    """Return the text of a locale; where it is missing, any other."""
    return texts.get(locale) or next(iter(texts.values()), "")


def show_store(store: registry.Store, locale: str) -> Store:
    """Return a store with its texts in one language."""
    return Store(
        id=write_id("Store", store.id),
        code=store.code,
        name=text_in(store.name, locale),
        city=text_in(store.city, locale),
        region=store.region,
        latitude=store.latitude,
        longitude=store.longitude,
        plate_quota=store.plate_quota,
        service_fee=show_minor(store.service_fee_minor),
        is_open=store.closed_at is None,
    )


def show_plant(plant: registry.Plant, locale: str) -> Plant:
    """Return a plant with its texts in one language."""
    return Plant(
        id=write_id("Plant", plant.id),
        code=plant.code,
        name=text_in(plant.name, locale),
        city=text_in(plant.city, locale),
        weekly_capacity=plant.weekly_capacity,
    )


def load_stores(work: Work, store_ids: list[str]) -> dict[str, Store]:
    """Return stores of the actor's brand by id; for loaders and `node`."""
    return {key: show_store(store, work.actor.locale) for key, store in registry.stores_by_id(work, store_ids).items()}


def load_plants(work: Work, plant_ids: list[str]) -> dict[str, Plant]:
    """Return plants of the actor's brand by id."""
    return {one.id: show_plant(one, work.actor.locale) for one in registry.list_plants(work) if one.id in plant_ids}


@query(reads=Permission.PUBLIC_READ, kept_by="registry")
def brand(work: Work, request: Request) -> Brand:
    """The brand of this address."""
    found = registry.own_brand(work)
    regions = [Region(code=one.code, name=text_in(one.name, request.locale)) for one in registry.list_regions(work)]
    return Brand(
        code=found.code,
        name=text_in(found.name, request.locale),
        timezone=found.timezone,
        currency=found.currency,
        regions=regions,
    )


@query(reads=Permission.PUBLIC_READ, kept_by="registry")
def stores(
    work: Work, request: Request, first: int, after: Cursor | None = None, region: str | None = None
) -> Connection[Store]:
    """The stores of the brand by code, perhaps of one region."""
    asked = page_request(first, after)
    if region is not None:
        check_region(work, region)
    found = [one for one in registry.list_stores(work) if region is None or one.region == region]
    # In the order in which the cursor is compared; a database's collation may be another.
    found.sort(key=lambda one: one.code)
    rows = [one for one in found if asked.after is None or one.code > asked.after]
    return show_page(make_page(rows, asked, lambda one: one.code), lambda one: show_store(one, request.locale))


@query(reads=Permission.PUBLIC_READ, kept_by="registry")
def store(work: Work, id: strawberry.ID) -> Store | None:  # noqa: A002  # the API's word
    """One store by its id."""
    raw = raw_id(id, "Store")
    return load_stores(work, [raw]).get(raw)


@query(reads=Permission.PUBLIC_READ, kept_by="registry", at_most=20)
def plants(work: Work, request: Request) -> list[Plant]:
    """The plants of the brand."""
    return [show_plant(one, request.locale) for one in registry.list_plants(work)]
