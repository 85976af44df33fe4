"""A document that asks for too much is refused before anything runs, with a code of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graph.app import build_app
from graph.services import Services
from tests.graph.client import Http, open_http
from tests.graph.support import ask, code, data

DEEP = "{ a " * 30 + "}" * 30
# Opened, this is 2^40 spreads and not one field.
DOUBLING = (
    "{ ...F0 } "
    + " ".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(40))
    + " fragment F40 on Query { ...Nowhere }"
)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("", "BAD_REQUEST"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("type Query { a: Int }", "BAD_REQUEST"),
        ("query A { brand { name } } query B { brand { name } }", "ONE_OPERATION"),
        ("fragment F on Query { brand { name } }", "ONE_OPERATION"),
        ("{ brand { " + " ".join(f"n{i}: name" for i in range(31)) + " } }", "TOO_MANY_ALIASES"),
        ("{ brand { name " + "@include(if: true) " * 31 + "} }", "TOO_MANY_DIRECTIVES"),
        ("{ brand { " + "name " * 3000 + "} }", "TOO_MANY_TOKENS"),
        ("{ brand { " + "name " * 700 + "} }", "TOO_MANY_FIELDS"),
        ("{ " + " ".join(f"b{i}: brand {{ name }}" for i in range(11)) + " }", "TOO_MANY_ROOT_FIELDS"),
        (DEEP, "TOO_DEEP"),
        (DOUBLING, "TOO_MANY_FIELDS"),
        ("query { ...A } fragment A on Query { brand { name } ...A }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ stores(first: 0) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ stores(first: 101) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ stores(first: -1) { nodes { id } } }", "BAD_USER_INPUT"),
        ('{ stores(first: 1, after: "made up") { nodes { id } } }', "GRAPHQL_VALIDATION_FAILED"),
        ('{ stores(first: 1, region: "\\u0000") { nodes { id } } }', "BAD_USER_INPUT"),
        ("{ stores(first: 99999999999999999999) { nodes { id } } }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_a_document_past_a_limit_is_refused_with_its_code(http: Http, document: str, expected: str) -> None:
    assert code(ask(http, document)) == expected


def test_a_page_size_in_a_variable_is_bounded_too(http: Http) -> None:
    document = "query($n: Int!) { stores(first: $n) { nodes { id } } }"

    assert code(ask(http, document, {"n": 101})) == "BAD_USER_INPUT"
    assert code(ask(http, document, {"n": 2**40})) == "BAD_USER_INPUT"
    assert len(data(http, document, {"n": 100})["stores"]["nodes"]) == 42


@pytest.mark.parametrize(("count", "expected"), [(401, "INVALID_INPUT"), (7_000, "INVALID_INPUT")])
def test_more_choices_than_any_car_has_are_refused(http: Http, count: int, expected: str) -> None:
    document = "query($input: ConfigureInput!) { configure(input: $input) { ... on Refusal { code } } }"

    answer = data(http, document, {"input": {"model": "A1", "choices": [{"option": "X"}] * count}})

    assert answer == {"configure": {"code": expected}}


def test_ten_thousand_choices_are_not_even_read(http: Http) -> None:
    document = "query($input: ConfigureInput!) { configure(input: $input) { ... on Refusal { code } } }"
    variables = {"input": {"model": "A1", "choices": [{"option": "RED"}] * 10_000}}

    answer = http.post("/graphql", json={"query": document, "variables": variables})

    assert answer.status_code == 413
    assert code(answer.json()) == "BODY_TOO_LARGE"


def test_what_costs_too_much_is_refused_by_its_page_sizes(services: Services) -> None:
    tight = replace(services, limits=replace(services.limits, cost=1_000))
    document = "query($n: Int!) { models(first: $n) { nodes { categories { options { code } } } } }"

    with open_http(build_app(tight)) as http:
        refused = ask(http, document, {"n": 100})
        answered = data(http, document, {"n": 1})

    assert code(refused) == "TOO_DEAR"
    assert [len(node["categories"]) for node in answered["models"]["nodes"]] == [21]


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (b"[]", 200, "NO_BATCHES"),
        (b'[{"query": "{ brand { name } }"}]', 200, "NO_BATCHES"),
        (b"null", 200, "BAD_REQUEST"),
        (b"{", 200, "BAD_REQUEST"),
        (b'{"query": 1}', 200, "BAD_REQUEST"),
        (b'{"query": "{ brand { name } }", "variables": []}', 200, "BAD_REQUEST"),
        (b'{"query": "{ brand { name } }", "operationName": 3}', 200, "BAD_REQUEST"),
        (b'{"query": "{ brand { name } }", "operationName": "Other"}', 200, "OPERATION_RESOLUTION_FAILURE"),
        (b'{"query": "{ brand { name } }", "variables": {"x": "\\u0000"}}', 200, "BAD_USER_INPUT"),
        (b'{"query": "{ brand { name } }", "variables": {"x": "\\ud800"}}', 200, "BAD_REQUEST"),
        (b'{"query": "\\ud800"}', 200, "BAD_REQUEST"),
        (b'{"documentId": "sha256:00"}', 200, "PERSISTED_QUERY_NOT_FOUND"),
        (b"x" * 200_000, 413, "BODY_TOO_LARGE"),
    ],
)
def test_a_body_that_is_no_request_is_refused(http: Http, body: bytes, status: int, expected: str) -> None:
    answer = http.post("/graphql", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == status
    assert code(answer.json()) == expected


@pytest.mark.parametrize("levels", [40, 400])
def test_variables_nested_without_end_are_refused(http: Http, levels: int) -> None:
    nested: object = "x"
    for _ in range(levels):
        nested = [nested]

    assert code(ask(http, "{ brand { name } }", {"x": nested})) == "BAD_USER_INPUT"


def test_introspection_is_answered(http: Http) -> None:
    answer = data(http, '{ __schema { queryType { name } } __type(name: "Money") { fields { name } } }')

    assert answer["__schema"]["queryType"]["name"] == "Query"
    assert [one["name"] for one in answer["__type"]["fields"]] == ["minor", "currency", "text"]


def test_a_query_may_come_by_get_and_a_change_may_not(http: Http) -> None:
    change = 'mutation { issueQuote(input: {model: "L5", options: [], storeId: "x"}) { __typename } }'

    read = http.get("/graphql", params={"query": "{ brand { code } }"})
    changed = http.get("/graphql", params={"query": change})

    assert read.json() == {"data": {"brand": {"code": "qilan"}}}
    assert changed.status_code == 405
    assert code(changed.json()) == "BAD_REQUEST"


def test_with_trusted_documents_only_another_document_is_refused(services: Services) -> None:
    trusted = "query Name { brand { code } }"
    closed = replace(services, trusted_documents=(trusted,), trusted_documents_only=True)

    with open_http(build_app(closed)) as http:
        other = ask(http, "{ brand { name } }")
        known = data(http, trusted)
        documents = build_app(closed).state.endpoint.documents
        by_hash = http.post("/graphql", json={"documentId": f"sha256:{documents.prepare(trusted).text_hash}"})

    assert code(other) == "UNTRUSTED_DOCUMENT"
    assert known == by_hash.json()["data"] == {"brand": {"code": "qilan"}}
