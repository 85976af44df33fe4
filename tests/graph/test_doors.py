"""The doors around GraphQL: pages without the internet, health, metrics, headers, origins, brands, languages."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import graph.explorer
from graph.app import build_app
from graph.http import choose_locale, usable_request_id
from graph.schema import build_api
from graph.services import Services
from kernel.actor import Actor, Role
from kernel.ids import AccountId
from tests.graph.client import Http, open_http
from tests.graph.conftest import Town
from tests.graph.support import Passes, ask, code, data

EXPLORER = Path(graph.explorer.__file__).parent
NAME = "{ brand { name } }"


def test_the_explorer_asks_nothing_of_other_machines(http: Http) -> None:
    page = http.get("/explorer")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    files = [path.read_text() for path in EXPLORER.iterdir() if path.suffix in (".html", ".js", ".css")]

    assert len(files) == 3
    assert not any(re.search(r"https?://|//[a-z]+\.|@import|url\(", text) for text in files)
    assert {http.get(one).status_code for one in named if one.startswith("/explorer/")} == {200}


def test_what_is_typed_into_the_explorer_ends_with_its_tab(http: Http) -> None:
    script = http.get("/explorer/explorer.js").text

    assert "sessionStorage" in script
    assert "localStorage" not in script


def test_pages_have_no_inline_script_and_a_policy_that_allows_none(http: Http) -> None:
    for path in ("/", "/explorer"):
        page = http.get(path)
        assert page.status_code == 200
        assert "'unsafe-inline'" not in page.headers["content-security-policy"]
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]*src=)|<style|\son[a-z]+=", page.text)


def test_the_start_page_speaks_the_readers_language_and_links_on(http: Http) -> None:
    chinese = http.get("/", headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})
    english = http.get("/", headers={"accept-language": "en-GB"})

    assert 'lang="zh-CN"' in chinese.text
    assert "先有需求" in chinese.text
    assert "Cars that are built" in english.text
    assert {http.get(link).status_code for link in ("/explorer", "/schema.graphql", "/health", "/ready")} == {200}


def test_an_unknown_page_of_the_explorer_is_not_found(http: Http) -> None:
    assert http.get("/explorer/../app.py").status_code == 404
    assert http.get("/explorer/__init__.py").status_code == 404


def test_ready_says_what_is_missing(services: Services) -> None:
    with open_http(build_app(replace(services, is_migrated=lambda: False))) as http:
        answer = http.get("/ready")

    assert answer.status_code == 503
    assert answer.json() == {"status": "the database is not migrated"}


def test_metrics_count_operations_by_root_field_only(http: Http) -> None:
    data(http, "query SomeNameOfTheCaller { brand { name } }")

    text = http.get("/metrics").text

    assert 'muster_graphql_operations_total{operation="brand",outcome="ok"} 1.0' in text
    assert "SomeNameOfTheCaller" not in text


TOKEN = "a token for whoever scrapes"


@pytest.mark.parametrize(
    ("demo", "token", "given", "status"),
    [
        (True, "", None, 200),
        (False, "", None, 403),
        (False, "", "Bearer ", 403),
        (False, TOKEN, None, 401),
        (False, TOKEN, "Bearer wrong", 401),
        (False, TOKEN, f"Basic {TOKEN}", 401),
        (False, TOKEN, f"Bearer {TOKEN}", 200),
        (True, TOKEN, None, 401),
        (True, TOKEN, f"Bearer {TOKEN}", 200),
    ],
)
def test_metrics_are_read_with_their_token_and_without_one_in_the_demo_alone(
    services: Services, demo: bool, token: str, given: str | None, status: int
) -> None:
    with open_http(build_app(replace(services, demo=demo, metrics_token=token))) as http:
        answer = http.get("/metrics", headers={} if given is None else {"authorization": given})

    assert answer.status_code == status
    assert ("muster_http" in answer.text) == (status == 200)


def test_a_request_keeps_the_id_it_came_with_where_that_is_safe(http: Http) -> None:
    kept = http.get("/health", headers={"x-request-id": "abc-12345"})
    replaced = http.get("/health", headers={"x-request-id": "no good id!"})

    assert kept.headers["x-request-id"] == "abc-12345"
    assert re.fullmatch(r"[0-9a-f]{32}", replaced.headers["x-request-id"])
    assert usable_request_id("a" * 65) is None


def test_a_form_of_another_site_cannot_post(http: Http) -> None:
    answer = http.post("/graphql", content=b'{"query":"{ brand { name } }"}', headers={"content-type": "text/plain"})

    assert answer.status_code == 415


def test_a_cookie_counts_only_from_a_page_of_ours(services: Services, town: Town) -> None:
    passes = Passes()
    somebody = Actor(town.brand.id, frozenset({Role.CONSUMER}), AccountId("a" * 32))
    token = passes.hand_out(somebody)
    document = {"query": "{ myQuotes(first: 1) { nodes { id } } }"}

    with open_http(build_app(replace(services, identity=passes))) as http:
        http.cookies.set("muster", token)
        own = http.post("/graphql", json=document, headers={"origin": "http://localhost"})
        foreign = http.post("/graphql", json=document, headers={"origin": "http://evil.example"})
        fetched = http.post("/graphql", json=document, headers={"sec-fetch-site": "cross-site"})
        garbled = http.post("/graphql", json=document, headers={"origin": "http://["})

    assert own.json() == {"data": {"myQuotes": {"nodes": []}}}
    assert (foreign.status_code, fetched.status_code, garbled.status_code) == (403, 403, 403)
    assert code(foreign.json()) == "FOREIGN_ORIGIN"


def test_no_other_origin_is_allowed_to_read(http: Http) -> None:
    answer = http.options(
        "/graphql", headers={"origin": "http://evil.example", "access-control-request-method": "POST"}
    )

    assert "access-control-allow-origin" not in answer.headers


def test_an_unknown_brand_is_refused(http: Http) -> None:
    assert code(ask(http, NAME, headers={"x-muster-brand": "nobody"})) == "UNKNOWN_BRAND"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "zh-CN"),
        ("en", "en"),
        ("fr, en;q=0.5, zh;q=0.1", "en"),
        ("zh-TW", "zh-CN"),
        ("en;q=abc", "zh-CN"),
        ("*", "zh-CN"),
        ("en;q=0", "zh-CN"),
    ],
)
def test_the_language_is_the_one_liked_best(header: str, expected: str) -> None:
    assert choose_locale(header) == expected


def test_errors_of_a_request_have_status_400_for_clients_that_ask_for_the_new_media_type(http: Http) -> None:
    headers = {"accept": "application/graphql-response+json"}

    bad = http.post("/graphql", json={"query": "{ nothing }"}, headers=headers)
    good = http.post("/graphql", json={"query": NAME}, headers=headers)

    assert (bad.status_code, good.status_code) == (400, 200)
    assert good.headers["content-type"].startswith("application/graphql-response+json")


def test_the_schema_is_served_as_text(http: Http) -> None:
    assert http.get("/schema.graphql").text == build_api().sdl
