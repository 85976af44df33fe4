"""Who acts at a demo's API: its people by their published password, its machines by a key made for them."""

from __future__ import annotations

from typing import Final

from muster.demo import documents as ask
from muster.demo.client import Client
from muster.demo.people import read_cast
from muster.demo.seed import BRANDS, FOLDER

OPERATOR: Final = "operator1@muster.test"
OPERATORS_BRAND: Final = "qilan"
"""Time is the whole demo's; whoever moves it has an account with one brand."""


class NotOfTheDemo(Exception):
    """There is no such brand or machine in a demo; the text says which there are."""


def sign_in(guest: Client, email: str) -> Client:
    """Sign somebody of a demo brand in. Raises NotOfTheDemo, and what `Client.do` raises."""
    if guest.brand not in BRANDS:
        raise NotOfTheDemo(f"{guest.brand} is no brand of the demo: {', '.join(BRANDS)}")
    password = read_cast(FOLDER / guest.brand).password
    return guest.signed_in(guest.do(ask.SIGN_IN, input={"email": email, "password": password})["token"])


def sign_in_operator(address: str) -> Client:
    """Sign in whoever may move a demo's time."""
    return sign_in(Client(address, OPERATORS_BRAND), OPERATOR)


def machine_key(guest: Client, label: str) -> str:
    """Let a demo brand's administrator make a key for the machine account of a label; the last one works an hour on.

    Raises NotOfTheDemo where there is none, and what `Client.do` raises.
    """
    admin = sign_in(guest, f"admin@{guest.brand}.test")
    known = {one["label"]: one["id"] for one in admin.ask(ask.MACHINES)["machines"]}
    if label not in known:
        raise NotOfTheDemo(f"no such machine here: {label}; there are {', '.join(sorted(known))}")
    made: str = admin.do(ask.ROTATE_KEY, input={"machineId": known[label], "overlapHours": 1})["key"]
    return made
