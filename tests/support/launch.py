"""The morning of a launch, made in-process: a brand, an open pool, and buyers with everything in hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from configurator.model import PoolingClass
from configurator.service import class_of_car, publish_folder
from configurator.step_service import ConfigureRequest, configure
from demand.service import PoolPlan, open_pool
from kernel import registry
from kernel.actor import system
from kernel.ids import BrandId
from kernel.registry import Brand
from kernel.work import Work
from muster.brands import BrandFolder, add_brand_from_folder
from muster.demo.crowd import Buyer, Car, add_buyers
from muster.wiring import Runtime

QILAN: Final = Path(__file__).parents[2] / "muster" / "demo" / "qilan"
REGION: Final = "east"


@dataclass(frozen=True, slots=True)
class Launch:
    """An open pool and those who want a place in it."""

    brand: Brand
    pool_id: str
    cls: PoolingClass
    car: Car
    buyers: tuple[Buyer, ...]


def add_qilan(runtime: Runtime) -> Brand:
    """Add the demo brand with its stores, plants and catalogue, or return it where it is."""
    with runtime.works.change(system(BrandId("platform"))) as work:
        known = [brand for brand in registry.all_brands(work) if brand.code == "qilan"]
        if known:
            return known[0]
        brand = add_brand_from_folder(work, BrandFolder(QILAN))
        publish_folder(work.acting(system(brand.id)), QILAN / "catalogue")
        return brand


def cheapest_car(work: Work, model: str) -> Car:
    """Return the cheapest car of a model at some store of the east."""
    step = configure(work, ConfigureRequest(model, (), region=REGION)).step
    store = next(store for store in registry.list_stores(work) if store.region == REGION)
    return Car(model, step.cheapest.options, store.id)


def prepare_launch(
    runtime: Runtime,
    *,
    buyers: int,
    capacity: int,
    member_limit: int | None = None,
    model: str = "L5",
    first_number: int = 7_000_000,
    with_sessions: bool = True,
) -> Launch:
    """Open a pool for the cheapest car of a model and make buyers for it."""
    brand = add_qilan(runtime)
    with runtime.works.change(system(brand.id)) as work:
        car = cheapest_car(work, model)
        cls = class_of_car(work, model=model, options=car.options, region=REGION)
        pool = open_pool(work, PoolPlan(cls, capacity=capacity, member_limit=member_limit))
    crowd = add_buyers(runtime, brand, [car] * buyers, first_number=first_number, with_sessions=with_sessions)
    return Launch(brand, pool.head.id, cls, car, tuple(crowd))
