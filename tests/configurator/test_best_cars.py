"""The best car by each of several measures, from one compiled model, against all cars there are."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configurator.best_cars import COST, PRICE, best_car, measures_of
from configurator.catalogue_files import read_catalogue
from configurator.engine.answers import Answers
from configurator.engine.circuit import compile_circuit
from configurator.engine.circuit_backend import CircuitBackend
from configurator.engine.decomposition import compile_here
from configurator.engine.nnf import Budget
from configurator.engine.sat_backend import SatBackend
from configurator.pricing import price_vehicle
from configurator.report_subject import Subject, subject_of_catalogue, subject_of_model
from configurator.sat_engine import SatEngine
from configurator.uvl import read_uvl
from tests.configurator.enumeration import cars_of
from tests.configurator.small_brand import FOLDER

BICYCLE = """\
features
    Bicycle
        mandatory
            Frame
                alternative
                    Steel {weight 2.4, comfort 3}
                    Carbon {weight 1.15, comfort 1, note 'light'}
        optional
            Motor {weight 3, comfort 4}
            Bell {weight 0.05}
constraints
    Motor => Steel
"""


@pytest.fixture(scope="module")
def bicycle() -> Subject:
    model = read_uvl(BICYCLE).model
    assert model is not None
    return subject_of_model(model, file="bicycle.uvl")


def compiled(subject: Subject) -> Answers:
    formula = subject.book.formula
    nnf = compile_here(formula, Budget(20, 200, lambda: 0.0))
    assert nnf is not None
    return Answers(subject.book, CircuitBackend(compile_circuit(nnf, formula)))


def test_each_number_of_a_bare_file_is_a_measure_and_words_are_none(bicycle: Subject) -> None:
    assert set(measures_of(bicycle)) == {"weight", "comfort"}


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from(("Motor", "Bell", "Steel", "Carbon")), st.booleans()), st.booleans())
def test_one_compiled_model_is_weighed_by_one_measure_after_another(choices: dict[str, bool], most: bool) -> None:
    model = read_uvl(BICYCLE).model
    assert model is not None
    subject = subject_of_model(model, file="bicycle.uvl")
    meeting = [car for car in cars_of(subject.book) if all((name in car) == value for name, value in choices.items())]

    engines = [compiled(subject), Answers(subject.book, SatBackend(subject.book.formula))]

    for name, measure in measures_of(subject).items():
        sums = [sum((subject.attributes[name].get(one, Fraction()) for one in car), Fraction()) for car in meeting]
        for engine in engines:
            found = best_car(engine, measure, choices, subject.contexts[0], most=most)
            assert (None if found is None else found.amount) == ((max if most else min)(sums) if sums else None)
            assert found is None or found.features in meeting


@pytest.mark.parametrize("most", [False, True])
def test_prices_and_costs_of_a_catalogue_are_those_of_whole_cars_of_every_model(most: bool) -> None:
    catalogue = read_catalogue(FOLDER)
    subject = subject_of_catalogue(catalogue)
    engine = SatEngine(subject.book)
    place = subject.contexts[0]
    cars = [car for car in cars_of(subject.book) if engine.is_buildable(car, place)]
    models = [next(model.code for model in catalogue.models if model.code in car) for car in cars]
    prices = [price_vehicle(catalogue, model=m, features=car).total_minor for m, car in zip(models, cars, strict=True)]
    costs = [
        catalogue.model_by_code[model].cost_minor
        + sum(
            price.cost_minor
            for one in car & catalogue.option_by_code.keys()
            if (price := catalogue.price_of(model=model, option=one)) is not None
        )
        for model, car in zip(models, cars, strict=True)
    ]
    wanted = max if most else min

    found = {name: best_car(engine, one, {}, place, most=most) for name, one in measures_of(subject).items()}

    assert {name: car.amount for name, car in found.items() if car is not None} == {
        PRICE: wanted(prices),
        COST: wanted(costs),
    }
    assert best_car(engine, measures_of(subject)[PRICE], {"A1": False, "B2": False}, place, most=most) is None
    engine.close()
