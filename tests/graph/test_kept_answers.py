"""Public answers are kept as bytes until what they depend on changes; nobody gets another brand's or language's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from configurator import service as configurator_service
from configurator.catalogue_files import read_catalogue
from graph import kept_answers
from graph.kept_answers import KeptAnswers, Stamps
from graph.services import Threads
from kernel import belief
from kernel.actor import system
from muster.brands import BrandFolder
from tests.conftest import MONDAY_MORNING
from tests.graph.client import Http
from tests.graph.conftest import DEMO, Town
from tests.graph.support import counted_statements, data

MODELS = "query($n: Int!) { models(first: $n) { nodes { code name fromPrice { text } catalogueVersionId } } }"


def test_a_kept_answer_takes_no_statement_and_has_the_same_bytes(http: Http, town: Town) -> None:
    body = {"query": MODELS, "variables": {"n": 2}}
    first = http.post("/graphql", json=body)

    with counted_statements(town.works.engine) as statements:
        second = http.post("/graphql", json=body)

    assert statements == []
    assert second.content == first.content
    assert second.headers["etag"] == first.headers["etag"]


def test_an_answer_that_has_not_changed_is_not_sent_again(http: Http) -> None:
    asked = {"query": "{ models(first: 1) { nodes { code } } }"}
    tag = http.get("/graphql", params=asked).headers["etag"]

    again = http.get("/graphql", params=asked, headers={"if-none-match": tag})

    assert again.status_code == 304
    assert again.content == b""


def test_each_language_and_brand_has_its_own_answer(http: Http) -> None:
    document = "{ brand { name } }"

    names = [
        data(http, document, locale=locale, headers={"x-muster-brand": brand})["brand"]["name"]
        for brand in ("qilan", "borealis")
        for locale in ("zh-CN", "en")
    ]

    assert len(set(names)) == 4


def test_a_new_catalogue_version_is_seen(http: Http, town: Town) -> None:
    before = data(http, MODELS, {"n": 1})["models"]["nodes"][0]["catalogueVersionId"]
    folder = BrandFolder(DEMO / "qilan").catalogue
    with town.works.change(system(town.brand.id)) as work:
        catalogue = read_catalogue(folder)
        newer = replace(catalogue, label="the next one", effective_from=MONDAY_MORNING.date())
        configurator_service.publish_catalogue(work, newer)

    http.app.state.endpoint.stamps.forget()
    after = data(http, MODELS, {"n": 1})["models"]["nodes"][0]["catalogueVersionId"]

    assert after != before
    assert timedelta(seconds=kept_answers.STAMP_SECONDS) <= timedelta(seconds=1)


def test_of_many_who_ask_at_once_one_reads_what_answers_depend_on(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = Stamps(town.works, Threads(2))
    now = 1_000.0
    monkeypatch.setattr(belief, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(kept_answers, "time", SimpleNamespace(monotonic=lambda: now))

    async def ask() -> list[str]:
        return await asyncio.gather(*(stamps.stamp("catalogue", town.brand.id) for _ in range(8)))

    (known,) = set(asyncio.run(ask()))
    now += 0.6 * kept_answers.STAMP_SECONDS
    with counted_statements(town.works.engine) as statements:
        asked = asyncio.run(ask())
    with counted_statements(town.works.engine) as statements_of_one:
        town.works.run(system(town.brand.id), kept_answers.STAMPS["catalogue"])

    assert asked == [known] * 8
    assert len(statements) == len(statements_of_one)


def test_the_store_of_answers_is_bounded() -> None:
    kept = KeptAnswers(bytes_max=100)

    for number in range(10):
        kept.keep((str(number),), b"x" * 30)

    assert [number for number in range(10) if kept.find((str(number),)) is not None] == [7, 8, 9]


def test_the_words_an_answer_is_kept_under_take_room_too() -> None:
    kept = KeptAnswers(bytes_max=100)
    long = [(f"{number}" * 60,) for number in range(3)]

    for key in long:
        kept.keep(key, b"x")
    kept.keep(long[-1], b"y")

    assert [kept.find(key) is not None for key in long] == [False, False, True]


def test_what_a_caller_sends_beside_the_question_pushes_no_answer_out(http: Http, town: Town) -> None:
    http.app.state.endpoint.kept = KeptAnswers(bytes_max=20_000)
    data(http, "{ brand { code } }")

    for number in range(3):
        data(http, "{ brand { code } }", {"beside": f"{number}" * 100_000})

    with counted_statements(town.works.engine) as statements:
        data(http, "{ brand { code } }")
    assert statements == []


def test_what_is_somebodys_own_is_never_kept(http: Http) -> None:
    answer = http.post("/graphql", json={"query": "{ quoteKey { keyId } }"})

    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
