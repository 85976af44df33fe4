"""The page never sees which backend serves: every step of random walks through the demo brand is answered alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from random import Random
from typing import Any, Final

import pytest

from configurator.catalogue_files import read_catalogue
from configurator.completing import complete_nearest
from configurator.configuring import Wishes, complete_car, take_step
from configurator.engine.answers import Answers
from configurator.engine.backend import BackendKind
from configurator.engine.circuit_backend import CircuitBackend
from configurator.errors import ConfigurationIncomplete, OptionExcluded
from configurator.explaining import find_repairs
from configurator.model import Choice, Context, OptionState
from configurator.rules import compile_catalogue
from configurator.sat_engine import SatEngine
from configurator.showroom import Showroom
from tests.configurator.engine.artefacts import DEMO, demo_blueprint, made_here

CHOICES: Final = 8
WALKS: Final = 6


@pytest.fixture(scope="module")
def rooms() -> Iterator[tuple[Showroom, Showroom]]:
    """Return the demo brand over SAT and over its circuit."""
    catalogue = read_catalogue(DEMO)
    book = compile_catalogue(catalogue)
    circuit = made_here(demo_blueprint()).circuit
    assert circuit is not None
    engines = SatEngine(book), Answers(book, CircuitBackend(circuit))
    context = Context("east", catalogue.effective_from)
    sat, walking = (Showroom(catalogue, engine, context) for engine in engines)
    yield sat, walking
    for engine in engines:
        engine.close()


def outcome(room: Showroom, model: str, choices: list[Choice], wishes: Wishes) -> Any:
    try:
        step = asdict(take_step(room, model=model, choices=choices, wishes=wishes))
    except OptionExcluded as refusal:
        return refusal.option, refusal.because
    assert step.pop("engine") is room.engine.kind
    count = step.pop("count")
    assert (count is None) == (room.engine.kind is BackendKind.SAT)
    return step


@pytest.mark.parametrize("seed", range(WALKS))
def test_both_backends_answer_every_step_of_a_walk_alike(rooms: tuple[Showroom, Showroom], seed: int) -> None:
    sat, circuit = rooms
    chance = Random(seed)
    codes = [option.code for option in sat.catalogue.options]
    model = chance.choice(sat.catalogue.models).code
    regions = ("", *sat.catalogue.regions)
    choices: list[Choice] = []
    for _ in range(CHOICES):
        region = chance.choice(regions)
        sat, circuit = (replace(room, context=replace(room.context, region=region)) for room in (sat, circuit))
        asked = tuple(chance.sample(codes, 2))
        wishes = Wishes(explain=asked, bounds=True, count=True)

        answers = [outcome(room, model, choices, wishes) for room in (sat, circuit)]

        assert answers[0] == answers[1]
        if isinstance(answers[0], tuple) or (choices and chance.random() < 0.2):
            choices.pop(chance.randrange(len(choices)))
            continue
        states = answers[0]["states"]
        left = [code for code in codes if states[code] in (OptionState.OPEN, OptionState.FORCED)]
        choices.append(Choice(chance.choice(left), chance.random() < 0.8))


@pytest.mark.parametrize("seed", range(WALKS))
def test_both_backends_repair_and_complete_alike(rooms: tuple[Showroom, Showroom], seed: int) -> None:
    sat, circuit = rooms
    chance = Random(1_000 + seed)
    codes = [option.code for option in sat.catalogue.options]
    model = chance.choice(sat.catalogue.models).code
    cheapest = take_step(sat, model=model, choices=()).cheapest.options
    wanted = {model: True} | dict.fromkeys(chance.sample(cheapest, 6), True)
    choice = Choice(chance.choice(codes))
    near = chance.sample(codes, 6)

    answers = [
        (
            find_repairs(room, model, wanted, choice).offers,
            complete_nearest(room, model, wanted, near),
            _exactly(room, model, cheapest),
            _exactly(room, model, cheapest[:-1]),
            room.engine.smallest_conflict(room.context, feature=choice.option),
        )
        for room in (sat, circuit)
    ]

    assert answers[0] == answers[1]
    assert isinstance(answers[0][2], frozenset)


def _exactly(room: Showroom, model: str, options: tuple[str, ...]) -> Any:
    try:
        return complete_car(room, model=model, options=options)
    except (ConfigurationIncomplete, OptionExcluded) as refusal:
        return type(refusal), str(refusal)
