"""Released demand as files over HTTP: for planners with a session, for nobody else, and as the queries show it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from openpyxl import load_workbook

from graph.app import build_app
from graph.context import DemandFiles, Services
from kernel.actor import Actor, Role
from kernel.ids import AccountId
from muster.demand_files import READERS, writable_forms, write_file
from tests.graph.client import Http, open_http
from tests.graph.conftest import Town
from tests.graph.support import Passes, ask

URLS = "{ demandFiles { table form url } }"


@pytest.fixture
def door(services: Services) -> Iterator[Http]:
    """Return a server that hands out files as the real one does."""
    files = DemandFiles(tuple(READERS), writable_forms(), write_file)
    with open_http(build_app(replace(services, demand_files=files))) as http:
        yield http


def header_of(passes: Passes, town: Town, role: Role) -> dict[str, str]:
    token = passes.hand_out(Actor(town.brand.id, frozenset({role}), AccountId("7" * 32)))
    return {"authorization": f"Bearer {token}"}


def test_a_planner_is_told_where_the_files_are_and_gets_each(door: Http, town: Town, passes: Passes) -> None:
    headers = header_of(passes, town, Role.PLANNER)

    told = ask(door, URLS, token=headers["authorization"].removeprefix("Bearer "))["data"]["demandFiles"]
    answers = {(one["table"], one["form"]): door.get(one["url"], headers=headers) for one in told}

    assert {table for table, _ in answers} == set(READERS)
    assert {form for _, form in answers} == set(writable_forms())
    assert {answer.status_code for answer in answers.values()} == {200}
    csv_answer, sheet_answer = answers["take_rates", "csv"], answers["take_rates", "xlsx"]
    columns = next(csv.reader(io.StringIO(csv_answer.content.decode("utf-8-sig"))))
    assert columns[:4] == ["week", "model", "option", "region"]
    assert csv_answer.headers["content-disposition"] == 'attachment; filename="take_rates.csv"'
    assert csv_answer.headers["cache-control"] == "private, no-store"
    assert load_workbook(io.BytesIO(sheet_answer.content)).sheetnames == ["take_rates"]


@pytest.mark.parametrize("role", [Role.CONSUMER, Role.DEALER, Role.OPERATOR])
def test_who_may_not_read_demand_gets_no_file(door: Http, town: Town, passes: Passes, role: Role) -> None:
    answer = door.get("/demand/files/take_rates.csv", headers=header_of(passes, town, role))

    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


def test_a_guest_is_asked_to_sign_in_also_with_a_token_of_nobody(door: Http) -> None:
    answers = [
        door.get("/demand/files/take_rates.csv"),
        door.get("/demand/files/take_rates.csv", headers={"authorization": "Bearer nobody"}),
    ]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(401, "NOT_SIGNED_IN")] * 2


@pytest.mark.parametrize("name", ["orders.csv", "take_rates.exe", "..%2Fsecrets.csv", "take_rates.csv.csv"])
def test_a_file_that_there_is_not_is_not_found(door: Http, town: Town, passes: Passes, name: str) -> None:
    answer = door.get(f"/demand/files/{name}", headers=header_of(passes, town, Role.PLANNER))

    assert answer.status_code == 404
