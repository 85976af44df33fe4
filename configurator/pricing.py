"""What a car costs: base price, options and price rules, line by line; and the same as weights for the engine."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from configurator.catalogue import CarModel, Catalogue
from configurator.expressions import holds
from configurator.model import LineKind, QuoteLine
from kernel.money import BASIS_POINTS


@dataclass(frozen=True, slots=True)
class VehiclePrice:
    """The car with its options: lines in the catalogue's order, and their sum in fen."""

    lines: tuple[QuoteLine, ...]
    total_minor: int


def price_vehicle(catalogue: Catalogue, *, model: str, features: AbstractSet[str]) -> VehiclePrice:
    """Price a car from its true features; every option among them has a price (a published catalogue was checked)."""
    car_model = catalogue.model_by_code[model]
    lines = [QuoteLine(LineKind.BASE, model, car_model.base_price_minor, car_model.name)]
    for option in catalogue.options:
        if option.code in features:
            price = catalogue.price_of(model=model, option=option.code)
            assert price is not None, f"{option.code} has no price for {model}"
            lines.append(QuoteLine(LineKind.OPTION, option.code, price.price_minor, option.name))
    lines += [
        QuoteLine(LineKind.PRICE_RULE, rule.code, rule.amount_minor, rule.text)
        for rule in catalogue.price_rules
        if holds(rule.when, features)
    ]
    return VehiclePrice(tuple(lines), sum(line.amount_minor for line in lines))


def price_weights(catalogue: Catalogue, *, model: str) -> dict[str, int]:
    """Return the price in fen of every option of one model and of every price rule, for `Engine.minimum`."""
    return _weights(catalogue, model, price_share=1, cost_share=0)


def margin_weights(catalogue: Catalogue, *, model: str, discount_bp: int) -> dict[str, int]:
    """Return what each option adds to price·(1 − d) − cost, in 1/10,000 fen (price rules have no cost)."""
    return _weights(catalogue, model, price_share=BASIS_POINTS - discount_bp, cost_share=BASIS_POINTS)


def margin_of_model(model: CarModel, *, discount_bp: int) -> int:
    """Return the model's own part of price·(1 − d) − cost, in 1/10,000 fen."""
    return model.base_price_minor * (BASIS_POINTS - discount_bp) - model.cost_minor * BASIS_POINTS


def _weights(catalogue: Catalogue, model: str, *, price_share: int, cost_share: int) -> dict[str, int]:
    weights: dict[str, int] = {}
    for option in catalogue.options:
        price = catalogue.price_of(model=model, option=option.code)
        if price is not None:
            weights[option.code] = price.price_minor * price_share - price.cost_minor * cost_share
    for rule in catalogue.price_rules:
        weights[rule.code] = rule.amount_minor * price_share
    return weights
