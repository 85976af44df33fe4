"""What the catalogue commands answer with whole cars: the best by a measure, and cars drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from muster.rules_at_hand import stop

if TYPE_CHECKING:
    from configurator.best_cars import BestCar, Measure
    from configurator.engine.backend import Backend
    from configurator.model import Context
    from configurator.report_subject import Subject


def measures_asked(subject: Subject, least: Sequence[str], most: Sequence[str]) -> list[tuple[Measure, bool]]:
    """Return the measures that were named, and of each whether the most is wanted; an unknown one ends the call."""
    from configurator.best_cars import measures_of

    known = measures_of(subject)
    asked = [*((name, False) for name in least), *((name, True) for name in most)]
    if not asked:
        stop(f"name what to compare by, with --least or --most; here are: {', '.join(known) or 'none'}")
    for name, _ in asked:
        if name not in known:
            stop(f"cars cannot be compared by '{name}' here, but by: {', '.join(known) or 'nothing'}")
    return [(known[name], wants_most) for name, wants_most in asked]


def best_cars(
    subject: Subject,
    backend: Backend,
    choices: dict[str, bool],
    place: Context,
    asked: Sequence[tuple[Measure, bool]],
) -> list[tuple[BestCar, bool]]:
    """Return the best car by each measure from one compiled model; none at all where no car meets the choices."""
    from configurator.best_cars import best_car
    from configurator.engine.answers import Answers

    engine = Answers(subject.book, backend)
    found = []
    for measure, most in asked:
        car = best_car(engine, measure, choices, place, most=most)
        if car is not None:
            found.append((car, most))
    engine.close()
    return found


def drawn_cars(
    subject: Subject, backend: Backend, choices: dict[str, bool], place: Context, *, number: int, seed: int
) -> list[list[str]] | None:
    """Draw cars, each as likely as any other; None where the rules are not compiled."""
    from configurator.best_cars import named_features
    from configurator.engine.answers import Answers

    engine = Answers(subject.book, backend)
    cars = engine.sample(choices, place, number=number, seed=seed)
    engine.close()
    return None if cars is None else [named_features(subject, car) for car in cars]


def best_line(subject: Subject, car: BestCar, *, most: bool) -> str:
    """Return a best car as a line."""
    from configurator.best_cars import named_features

    words = " ".join(named_features(subject, car.features))
    return f"{'most' if most else 'least'} {car.measure.name}, {_amount(car)}: {words}"


def best_json(subject: Subject, car: BestCar, *, most: bool) -> dict[str, Any]:
    """Return the same as JSON values; money in fen."""
    from configurator.best_cars import named_features
    from configurator.expressions import decimal

    return {
        "by": car.measure.name,
        "most": most,
        "amount": decimal(car.amount),
        "features": named_features(subject, car.features),
    }


def _amount(car: BestCar) -> str:
    from configurator.expressions import decimal
    from kernel.money import Money, format_money

    return format_money(Money(int(car.amount))) if car.measure.is_money else decimal(car.amount)
