"""A fuzzer that nobody here wrote (schemathesis, GraphQL mode) finds no server error, whoever it is signed in as."""

from __future__ import annotations

import os
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes
from schemathesis.graphql.checks import GraphQLClientError
from schemathesis.specs.graphql.validation import validate_graphql_response

from graph.schema import build_api
from tests.support.known_words import with_known_words
from tests.support.served import ROLES, Served
from tests.support.site import unsound

SAMPLE: Final = 100
FULL: Final = 2000
ANSWER_SECONDS_MAX: Final = 300  # a busy machine is no fault of the server's

schemathesis.graphql.scalar("Long", st.integers(-(2**53) + 1, 2**53 - 1).map(nodes.Int))
schemathesis.graphql.scalar("Cursor", st.text(max_size=60).map(nodes.String))
schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda one: nodes.String(f"{one.isoformat()}Z")))
schemathesis.graphql.scalar("Date", st.dates().map(lambda one: nodes.String(one.isoformat())))


def fuzz(target: Served, role: str, *, cases: int) -> None:
    """Send so many generated documents as this role; queries and mutations, with words that mean something here."""
    schema = schemathesis.graphql.from_asgi("/graphql", target.app, timeout=ANSWER_SECONDS_MAX)
    headers = {} if role == "guest" else {"authorization": f"Bearer {role}"}
    ours = build_api().schema
    sent = 0

    @seed(20_261_123 + ROLES.index(role))
    @settings(
        max_examples=cases,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(schema.as_strategy())
    def run(case: Any) -> None:
        nonlocal sent
        case.body = with_known_words(case.body, ours, target.ids, target.words)
        answer = case.call(headers=headers, timeout=ANSWER_SECONDS_MAX)
        sent += 1
        assert answer.status_code < 500, f"{answer.status_code}\n{case.body}"
        try:
            validate_graphql_response(case, answer.json())
        except GraphQLClientError:
            pass
        except Exception as error:
            raise AssertionError(f"as {role}: {error}\n{case.body}\n{answer.text}") from error

    run()
    assert sent >= cases


def test_no_document_breaks_the_server(target: Served, role: str) -> None:
    fuzz(target, role, cases=SAMPLE)

    assert unsound(target.runtime) == []


@pytest.mark.prove
def test_no_document_of_thousands_breaks_the_server(target_on_both: Served, role: str) -> None:
    fuzz(target_on_both, role, cases=int(os.environ.get("MUSTER_TEST_FUZZ_CASES", FULL)))

    assert unsound(target_on_both.runtime) == []
