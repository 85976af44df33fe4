"""Whatever calls itself a node can be asked for again by its id, by those who may see it and by nobody else."""

from __future__ import annotations

import pytest

from graph.identifiers import raw_id, read_id, write_id
from graph.schema import build_api
from graph.types.nodes import LOADERS
from tests.graph.client import Http
from tests.graph.support import data

NODE = "query($id: ID!) { node(id: $id) { id __typename } }"


def test_every_node_can_be_loaded() -> None:
    schema = build_api().schema
    node = schema.get_type("Node")

    assert {kind.name for kind in schema.get_possible_types(node)} == set(LOADERS)  # type: ignore[arg-type]  # it is one


def test_a_node_answers_under_its_own_id(http: Http) -> None:
    found = data(
        http, '{ stores(first: 1) { nodes { id } } plants { id } model(code: "L5") { id catalogueVersionId } }'
    )
    ids = [
        found["stores"]["nodes"][0]["id"],
        found["plants"][0]["id"],
        found["model"]["id"],
        found["model"]["catalogueVersionId"],
    ]

    kinds = [data(http, NODE, {"id": one})["node"]["__typename"] for one in ids]

    assert kinds == ["Store", "Plant", "CarModel", "CatalogueVersion"]


def test_a_foreign_id_answers_as_one_that_does_not_exist(http: Http) -> None:
    document = "{ stores(first: 1) { nodes { id } } }"
    foreign = data(http, document, headers={"x-muster-brand": "borealis"})["stores"]["nodes"][0]["id"]

    assert data(http, NODE, {"id": foreign}) == {"node": None}
    assert data(http, NODE, {"id": write_id("Store", "0" * 32)}) == {"node": None}
    assert data(http, "query($id: ID!) { store(id: $id) { id } }", {"id": foreign}) == {"store": None}


@pytest.mark.parametrize("text", ["", "x", "é", "U3RvcmU", "U3RvcmUv", "U3RvcmUvMQ==", "a" * 500, "////", "U3RvcmUvIA"])
def test_a_word_that_was_not_made_here_names_nothing(http: Http, text: str) -> None:
    assert read_id(text) is None
    assert raw_id(text, "Store") == "none"
    assert data(http, NODE, {"id": text}) == {"node": None}


def test_an_id_names_one_thing_of_one_kind() -> None:
    made = write_id("Store", "0" * 32)

    assert read_id(made) == ("Store", "0" * 32)
    assert raw_id(made, "Plant") == "none"
