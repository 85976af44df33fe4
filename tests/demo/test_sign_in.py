"""Each demo brand's people sign in with their own brand's password, whichever brand that is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from muster.demo import documents as ask
from muster.demo.client import Client
from muster.demo.people import read_cast
from muster.demo.seed import BRANDS, FOLDER
from muster.demo.sign_in import NotOfTheDemo, machine_key, sign_in


class Server(Client):
    """A server with the demo's people that tells in its tokens who is there, and has one machine a brand."""

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        given = variables.get("input", {})
        if document == ask.SIGN_IN:
            if given["password"] != read_cast(FOLDER / self.brand).password:
                return {"signIn": {"code": "SIGN_IN_FAILED", "message": "no"}}
            return {"signIn": {"token": f"{given['email']} at {self.brand}"}}
        if document == ask.MACHINES:
            return {"machines": [{"label": f"plant-of-{self.brand}", "id": f"id of {self.brand}"}]}
        assert document == ask.ROTATE_KEY
        return {"rotateMachineKey": {"key": f"key for {given['machineId']} by {self.token}"}}


@pytest.mark.parametrize("brand", BRANDS)
def test_people_and_machines_of_every_demo_brand_sign_in(brand: str) -> None:
    server = Server("http://demo", brand)

    signed_in = sign_in(server, f"planner@{brand}.test")
    key = machine_key(server, f"plant-of-{brand}")

    assert signed_in == replace(server, token=f"planner@{brand}.test at {brand}")
    assert key == f"key for id of {brand} by admin@{brand}.test at {brand}"


def test_what_is_not_of_the_demo_is_named_with_what_is() -> None:
    with pytest.raises(NotOfTheDemo, match="fir is no brand of the demo: qilan, borealis"):
        sign_in(Server("http://demo", "fir"), "planner@fir.test")
    with pytest.raises(NotOfTheDemo, match="no such machine here: plant-9; there are plant-of-qilan"):
        machine_key(Server("http://demo", "qilan"), "plant-9")
