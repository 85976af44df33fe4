"""Use case of a car that its buyer changes after the lock: checked and priced under the versions its quote pins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from configurator.configuring import complete_car
from configurator.model import CHOICES_MAX, PoolingClass, Text
from configurator.pooling import pooling_class
from configurator.pricing import price_vehicle
from configurator.queries import open_showroom
from configurator.quote_queries import load_quotes
from kernel.errors import InvalidInput, NotFound
from kernel.reasons import because
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class ChangedCar:
    """A car instead of another: its options in the catalogue's order, what it costs, what of it is another choice.

    `price_minor` is the price of the vehicle with its options before any discount; `categories` are those in which the
    two cars differ, by code with their names, in the catalogue's order.
    """

    options: tuple[str, ...]
    price_minor: int
    pooling_class: PoolingClass
    categories: Mapping[str, Text]


def changed_car(work: Work, quote_id: str, *, before: Sequence[str], options: Sequence[str]) -> ChangedCar:
    """Return the car that has exactly these options, by the catalogue, the region and the day of an accepted quote.

    The caller says whose quote it may ask about. Refuses NotFound for another brand's, and what no car has: unknown
    options, those that exclude each other, an open choice.
    """
    if len(options) > CHOICES_MAX:
        raise InvalidInput("options", because("COUNT_MOST", most=CHOICES_MAX))
    known = load_quotes(work, [quote_id]).get(quote_id)
    if known is None:
        raise NotFound("quote")
    facts = known.signed.quote.facts
    version, room = open_showroom(work, region=facts.region, version_id=facts.version_id, day=facts.day)
    features = complete_car(room, model=facts.model, options=options)
    wanted = {option.code for option in version.catalogue.options if option.code in features}
    differing = wanted.symmetric_difference(before)
    ordered = [option for option in version.catalogue.options if option.code in wanted | differing]
    names = version.catalogue.category_by_code
    return ChangedCar(
        options=tuple(option.code for option in ordered if option.code in wanted),
        price_minor=price_vehicle(version.catalogue, model=facts.model, features=features).total_minor,
        pooling_class=pooling_class(version.catalogue, model=facts.model, features=features),
        categories={
            one: names[one].name for one in (option.category for option in ordered if option.code in differing)
        },
    )
