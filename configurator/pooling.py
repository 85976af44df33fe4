"""Which pooling class a car belongs to, what its cars have, and the thinnest margin of one (DOMAIN section 6.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from configurator.catalogue import POWERTRAIN, TRIM, Catalogue
from configurator.model import Context, PoolingClass
from configurator.pricing import margin_of_model, margin_weights, price_weights
from configurator.solver import Engine, Step
from kernel.money import BASIS_POINTS, MINOR_PER_MAJOR


@dataclass(frozen=True, slots=True)
class ThinnestMargin:
    """The least that a car of a class leaves: its price at the discount, rounded half up to the yuan, less its cost."""

    margin_minor: int
    model: str
    options: tuple[str, ...]


def pooling_class(catalogue: Catalogue, *, model: str, features: AbstractSet[str]) -> PoolingClass:
    """Return the class of a car from its true features."""
    car_model = catalogue.model_by_code[model]
    chosen = [option for option in catalogue.options if option.code in features]
    return PoolingClass(
        platform=car_model.platform,
        plant=car_model.plant,
        powertrain="+".join(option.code for option in chosen if option.category == POWERTRAIN),
        long_lead=tuple(sorted(option.code for option in chosen if option.long_lead)),
        trim="+".join(option.code for option in chosen if option.category == TRIM),
    )


def class_choices(catalogue: Catalogue, cls: PoolingClass, *, any_trim: bool = False) -> dict[str, bool]:
    """Return what every car of the class has and has not: its powertrain, its long-lead options alone, its trim.

    With `any_trim` the trim is left open, as in a pool of level L2.
    """
    fixed = {*cls.powertrain.split("+"), *cls.trim.split("+"), *cls.long_lead}
    return {
        option.code: option.code in fixed
        for option in catalogue.options
        if option.long_lead or option.category == POWERTRAIN or (option.category == TRIM and not any_trim)
    }


def class_models(catalogue: Catalogue, cls: PoolingClass) -> list[str]:
    """Return the models of the class's platform that its plant builds."""
    return [model.code for model in catalogue.models if (model.platform, model.plant) == (cls.platform, cls.plant)]


@dataclass(frozen=True, slots=True)
class PricedOption:
    """What an option adds to a car's price and cost."""

    code: str
    price_minor: int
    cost_minor: int


@dataclass(frozen=True, slots=True)
class ClassPrices:
    """What every car of a class costs with what all of them have, averaged over its models, and its free options."""

    base_price_minor: int
    base_cost_minor: int
    fixed: tuple[str, ...]
    free: tuple[PricedOption, ...]


def class_prices(catalogue: Catalogue, cls: PoolingClass, *, any_trim: bool = False) -> ClassPrices | None:
    """Return a class's prices and costs, in fen, or None where no model belongs to it."""
    models = class_models(catalogue, cls)
    if not models:
        return None
    choices = class_choices(catalogue, cls, any_trim=any_trim)
    fixed = tuple(code for code, chosen in choices.items() if chosen)
    all_have = [_priced(catalogue, models, code) for code in fixed]
    cars = [catalogue.model_by_code[model] for model in models]
    free = (_priced(catalogue, models, option.code) for option in catalogue.options if option.code not in choices)
    return ClassPrices(
        base_price_minor=sum(car.base_price_minor for car in cars) // len(cars)
        + sum(one.price_minor for one in all_have if one is not None),
        base_cost_minor=sum(car.cost_minor for car in cars) // len(cars)
        + sum(one.cost_minor for one in all_have if one is not None),
        fixed=fixed,
        free=tuple(one for one in free if one is not None),
    )


def _priced(catalogue: Catalogue, models: Sequence[str], code: str) -> PricedOption | None:
    """Return what an option adds, averaged over the models that have it; None where none has."""
    prices = [price for model in models if (price := catalogue.price_of(model=model, option=code)) is not None]
    if not prices:
        return None
    return PricedOption(
        code,
        sum(one.price_minor for one in prices) // len(prices),
        sum(one.cost_minor for one in prices) // len(prices),
    )


def thinnest_margin(
    catalogue: Catalogue,
    engine: Engine,
    cls: PoolingClass,
    *,
    discount_bp: int,
    contexts: Sequence[Context],
    any_trim: bool = False,
) -> ThinnestMargin | None:
    """Return the thinnest-margin legal car of a class over the given places and days; None where there is none.

    Prices and costs are whole yuan, so rounding to the yuan keeps the order and the least exact margin is the least.
    """
    choices = class_choices(catalogue, cls, any_trim=any_trim)
    found = [
        margin
        for model in class_models(catalogue, cls)
        for margin in _margins(catalogue, engine, model, choices, discount_bp, contexts)
    ]
    return min(found, key=lambda margin: margin.margin_minor, default=None)


@dataclass(frozen=True, slots=True)
class ClassOptions:
    """What all legal cars of a class have, and what some of them have and others have not."""

    every: frozenset[str]
    some: frozenset[str]


def class_options(
    catalogue: Catalogue, engine: Engine, cls: PoolingClass, *, contexts: Sequence[Context], any_trim: bool = False
) -> ClassOptions:
    """Return what the legal cars of a class have over the given places and days; nothing where there is no such car."""
    choices = class_choices(catalogue, cls, any_trim=any_trim)
    found = (
        engine.step(choices | {model: True}, context) for model in class_models(catalogue, cls) for context in contexts
    )
    steps = [one for one in found if isinstance(one, Step)]
    codes = frozenset(option.code for option in catalogue.options)
    every = codes.intersection(*(one.forced for one in steps)) if steps else frozenset()
    had = codes.intersection(frozenset().union(*(one.open | one.forced for one in steps)))
    return ClassOptions(every, had - every)


def cheapest_price_minor(
    catalogue: Catalogue, engine: Engine, cls: PoolingClass, *, contexts: Sequence[Context], any_trim: bool = False
) -> int | None:
    """Return the price of a class's cheapest legal car over the given places and days; None where there is none."""
    choices = class_choices(catalogue, cls, any_trim=any_trim)
    found = [
        catalogue.model_by_code[model].base_price_minor + car.weight
        for model in class_models(catalogue, cls)
        for context in contexts
        if (car := engine.minimum(choices | {model: True}, context, price_weights(catalogue, model=model))) is not None
    ]
    return min(found, default=None)


def _margins(
    catalogue: Catalogue,
    engine: Engine,
    model: str,
    choices: dict[str, bool],
    discount_bp: int,
    contexts: Iterable[Context],
) -> Iterable[ThinnestMargin]:
    weights = margin_weights(catalogue, model=model, discount_bp=discount_bp)
    own = margin_of_model(catalogue.model_by_code[model], discount_bp=discount_bp)
    for context in contexts:
        car = engine.minimum(choices | {model: True}, context, weights)
        if car is not None:
            options = tuple(option.code for option in catalogue.options if option.code in car.features)
            yield ThinnestMargin(_to_yuan(own + car.weight), model, options)


def _to_yuan(margin: int) -> int:
    """Round 1/10,000 fen to whole yuan, a half up, as the price in it is rounded; Python's // rounds down."""
    unit = BASIS_POINTS * MINOR_PER_MAJOR
    return (margin + unit // 2) // unit * MINOR_PER_MAJOR
