"""What this process remembers is answered on the spot: no connection, no thread, the bytes that the database gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import get_ident
from typing import Any

import pytest
from sqlalchemy import Engine, event

from configurator import queries, step_service
from configurator.engine.backend import BackendKind
from configurator.sat_engine import SatEngine
from kernel.actor import Actor
from kernel.clock import ShiftedClock
from kernel.work import NotAtHand, Works
from tests.graph.client import Http
from tests.graph.conftest import Town

STEP = """query($input: ConfigureInput!) {
  configure(input: $input) {
    ... on ConfigurationStep {
      model options isComplete price { text } lines { code amount { minor } } cheapest { options }
      standings { option state } explanations { because rules { code } }
    }
    ... on Refusal { code message }
  }
}"""
CAR = 'query($region: String!) { model(code: "L5", region: $region) { code name categories { options { code } } } }'
CLASH = [{"option": "P_TWO_TONE_DAWN"}]


class Quick(SatEngine):
    """An engine that says of itself that it walks a circuit; compiling one is not what is tested here."""

    kind = BackendKind.CIRCUIT


@pytest.fixture(autouse=True)
def quick_engines() -> Iterator[None]:
    queries.answer_with(Quick)
    yield
    queries.answer_with(SatEngine)


@contextmanager
def connections(engine: Engine) -> Iterator[list[int]]:
    """Collect the threads that take a connection."""
    seen: list[int] = []

    def note(*_: Any) -> None:
        seen.append(get_ident())

    event.listen(engine, "checkout", note)
    try:
        yield seen
    finally:
        event.remove(engine, "checkout", note)


def asked(document: str, **variables: Any) -> dict[str, Any]:
    return {"query": document, "variables": variables}


def step(**given: Any) -> dict[str, Any]:
    return asked(STEP, input={"model": "L5", "region": "east", **given})


@pytest.mark.parametrize(
    "body",
    [
        step(choices=[{"option": "P_MIST_GREY"}]),
        step(choices=[{"option": "NOUGHT"}]),
        asked(CAR, region="south"),
    ],
    ids=["step", "refusal", "car"],
)
def test_what_is_remembered_takes_no_connection_and_has_the_same_bytes(
    http: Http, town: Town, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for region in ("east", "south"):
        http.post("/graphql", json=asked(CAR, region=region))

    with connections(town.works.engine) as taken:
        at_once = http.post("/graphql", json={**body, "variables": {**body["variables"], "n": 1}})
    with monkeypatch.context() as patch:
        patch.setattr(Works, "recall", _forgotten)
        read = http.post("/graphql", json={**body, "variables": {**body["variables"], "n": 2}})

    assert taken == []
    assert at_once.content == read.content
    assert "errors" not in at_once.json()


def _forgotten(_works: Works, _actor: Actor) -> None:
    raise NotAtHand


@pytest.mark.parametrize(
    "given",
    [
        {"choices": CLASH},
        {"explain": ["P_MIST_GREY"]},
        {"force": {"option": "P_MIST_GREY"}},
    ],
    ids=["clash", "explain", "force"],
)
def test_what_takes_long_is_left_to_a_thread(http: Http, town: Town, given: dict[str, Any]) -> None:
    http.post("/graphql", json=step())

    with connections(town.works.engine) as taken:
        answer = http.post("/graphql", json=step(**given))

    assert len(taken) == 1
    assert "errors" not in answer.json()


def test_rules_that_sat_answers_and_large_catalogues_are_left_to_a_thread(
    http: Http, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    http.post("/graphql", json=step())
    with connections(town.works.engine) as taken:
        monkeypatch.setattr(step_service, "OPTIONS_AT_ONCE_MAX", 10)
        http.post("/graphql", json=step())
        assert len(taken) == 1
        monkeypatch.undo()
        monkeypatch.setattr(Quick, "kind", BackendKind.SAT)
        http.post("/graphql", json=step())

    assert len(taken) == 2


def test_nothing_is_loaded_on_the_spot(http: Http, town: Town) -> None:
    with connections(town.works.engine) as taken:
        first = http.post("/graphql", json=step())

    assert len(taken) >= 1
    assert http.run(_thread) not in taken
    assert "errors" not in first.json()


async def _thread() -> int:
    return get_ident()


def test_a_clock_that_has_to_ask_is_not_asked_on_the_spot(town: Town) -> None:
    known: list[timedelta | None] = [timedelta(hours=1), None]
    clock = ShiftedClock(lambda: pytest.fail("it asked"), remembered=lambda: known.pop(0))
    works = Works(town.works.engine, clock=clock)

    work = works.recall(Actor(town.brand.id))

    assert timedelta(0) <= datetime.now(UTC) + timedelta(hours=1) - work.now < timedelta(minutes=1)
    with pytest.raises(NotAtHand):
        works.recall(Actor(town.brand.id))
    with pytest.raises(NotAtHand):
        queries.newest_version(work)
