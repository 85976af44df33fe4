"""The journey of one car from the wish to the handover, played through the API by everybody it takes.

Each step prints who did what, with the prices, the pool, the ledger, the dates and the VIN that the API answered.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from factory_orders.model import Stage as BuildStage
from factory_orders.plant.simulation import PlantConduct
from factory_orders.policies import HandoverPolicy
from graph.identifiers import raw_id
from muster.demo import documents as ask
from muster.demo.client import Client, Unanswered
from muster.demo.plant import ApiDoor, SimulatedPlant
from muster.demo.seed import ZONE
from muster.demo.sign_in import OPERATOR, machine_key, sign_in

BRAND: Final = "qilan"
BUYER: Final = "tingyu.xiaoman@qilan.test"
STORE: Final = "shanghai-pudong"
MODEL: Final = "L5"
CONDUCT: Final = PlantConduct(rework_percent=0, lost_percent=5, unanswered_percent=5, late_percent=5)
"""Messages of the plant get lost; every car comes well off the line, so that the journey is the same each time."""
PATIENCE_SECONDS: Final = 60
POLL_SECONDS: Final = 0.3
CLOCK_SECONDS: Final = 0.8
"""Every process of the demo reads the moved clock within half a second."""


@dataclass(slots=True)
class Stage:
    """Where the journey is played: the server, who is signed in, and the screen."""

    address: str
    out: Console
    people: dict[str, Client] = field(default_factory=dict)
    step: int = 0

    def say(self, who: str, what: str, *lines: str) -> None:
        """Print a step with what came of it."""
        self.step += 1
        self.out.print(f"\n[bold]{self.step:2}. {who}[/bold]  {what}")
        for line in lines:
            self.out.print(f"      {line}", markup=False)

    def person(self, email: str) -> Client:
        """Return somebody's client, signed in with the demo's password."""
        if email not in self.people:
            self.people[email] = sign_in(Client(self.address, BRAND), email)
        return self.people[email]

    def machine(self, label: str) -> Client:
        """Return a machine's client, with a key that the brand's administrator has just made."""
        if label not in self.people:
            guest = Client(self.address, BRAND)
            self.people[label] = guest.signed_in(machine_key(guest, label))
        return self.people[label]

    def pass_time(self, until: datetime) -> datetime:
        """Let the demo's time pass up to a moment, in steps of a few weeks at most; returns the new now."""
        operator = self.person(OPERATOR)
        now = self.now()
        hours = -(-(until - now) // timedelta(hours=1))
        operator.do(ask.ADVANCE, input={"hours": max(0, int(hours))})
        time.sleep(CLOCK_SECONDS)
        self.people = {name: one for name, one in self.people.items() if "@" not in name}
        return self.now()

    def now(self) -> datetime:
        """Return what the demo's clocks say."""
        told = self.person(OPERATOR).do(ask.ADVANCE, input={"hours": 0})
        return _moment(told["now"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _shown(moment: datetime | str) -> str:
    moment = _moment(moment) if isinstance(moment, str) else moment
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}"


def _wait_for(what: str, look: Callable[[], Any]) -> Any:
    """Ask again until the worker has done its part; raises Unanswered when it takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(POLL_SECONDS)
    raise Unanswered(f"waited {PATIENCE_SECONDS} s for {what}; is a worker running?")


def _nodes(client: Client, document: str, name: str) -> Iterator[dict[str, Any]]:
    after: str | None = None
    while True:
        page = client.ask(document, after=after)[name]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def play_at(address: str, out: Console) -> str:
    """Play the journey against a running demo server; returns the car's VIN."""
    stage = Stage(address, out)
    quote = _wish(stage)
    pre_order_id, pool = _join(stage, quote)
    _lock(stage, pre_order_id, pool)
    vin = _build(stage, pre_order_id)
    _ship(stage, vin)
    _hand_over(stage, pre_order_id, vin)
    _look_back(stage, pre_order_id, vin)
    return vin


# --- the wish --------------------------------------------------------------------------------------------------------


def _wish(stage: Stage) -> dict[str, Any]:
    """Look around, configure, meet a rule, and get an all-in quote."""
    guest = Client(stage.address, BRAND)
    seen = guest.ask(ask.SHOWROOM, region="east")
    stage.say(
        "A guest",
        f"looks around at {seen['brand']['name']}",
        *(f"{one['code']}  {one['name']}, from {one['fromPrice']['text']}" for one in seen["models"]["nodes"]),
        f"{len(seen['pools']['nodes'])} pools are open",
    )
    empty = guest.do(ask.CONFIGURE, input={"model": MODEL, "region": "east"})
    excluded = [one["option"] for one in empty["standings"] if one["state"] == "EXCLUDED"]
    why = guest.do(ask.CONFIGURE, input={"model": MODEL, "region": "east", "explain": excluded[:1]})["explanations"][0]
    stage.say(
        "The guest",
        f"asks why {why['option']} cannot be had with an {MODEL}",
        *(rule["text"] for rule in why["rules"]),
    )
    options = empty["cheapest"]["options"]
    paint = next(
        one["option"] for one in empty["standings"] if one["state"] == "OPEN" and one["option"].startswith("P_")
    )
    wished = [{"option": option} for option in options if not option.startswith("P_")] + [{"option": paint}]
    step = guest.do(ask.CONFIGURE, input={"model": MODEL, "region": "east", "choices": wished})
    stage.say("The guest", f"chooses {paint}", f"the car costs {step['cheapest']['price']['text']}")
    buyer = stage.person(BUYER)
    store = next(one for one in seen["stores"]["nodes"] if one["code"] == STORE)
    wanted = {"model": MODEL, "options": step["cheapest"]["options"], "storeId": store["id"]}
    quote = buyer.do(ask.ISSUE_QUOTE, input=wanted)
    verdict = guest.ask(ask.VERIFY_QUOTE, input={name: quote[name] for name in ("document", "keyId", "signature")})
    stage.say(
        BUYER,
        f"signs in and gets an all-in quote, good until {_shown(quote['expiresAt'])}",
        *(f"{line['amount']['text']:>12}  {line['text']}" for line in quote["lines"]),
        f"{quote['total']['text']:>12}  in all, at {quote['store']['name']}",
        *(f"from {one['members']} members: {one['vehiclePrice']['text']}, {one['total']['text']} in all"
          for one in quote["tiers"]),
        f"promised for {quote['promise']['p90']}, expected {quote['promise']['p50']}",
        f"anybody can verify it: genuine = {verdict['verifyQuote']['isGenuine']}",
    )  # fmt: skip
    return quote


# --- the pool --------------------------------------------------------------------------------------------------------


def _join(stage: Stage, quote: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Authorise the deposit and join the pool of the car's class."""
    buyer = stage.person(BUYER)
    token = buyer.do(ask.AUTHORISE, input={"amount": {"minor": 500_000}})["token"]
    wanted = {
        "idempotencyKey": f"demo-{quote['id']}"[:80],
        "quoteId": quote["id"],
        "priceCap": {"minor": quote["vehiclePrice"]["minor"]},
        "authorisation": token,
        "failureChoice": "ROLL",
    }
    placed = buyer.do(ask.PLACE, input=wanted)
    again = buyer.do(ask.PLACE, input=wanted)
    pool = placed["pool"]
    stage.say(
        BUYER,
        f"pre-orders with a deposit of {placed['deposit']['text']}",
        f"the pool has {pool['members']} members of at least {pool['minimum']}, {pool['needed']} more are needed",
        f"the same request again is the same pre-order: {again['id'] == placed['id']}",
        f"it freezes on {_shown(pool['freezeAt'])} and clears on {_shown(pool['deadline'])}",
    )
    _show_ledger(stage, f"deposit:{raw_id(placed['id'], 'PreOrder')}")
    return placed["id"], pool


def _show_ledger(stage: Stage, *accounts: str) -> None:
    seen = stage.person("auditor@qilan.test").ask(ask.LEDGER, accounts=list(accounts))["ledgerBalances"]
    for one in seen:
        stage.out.print(f"      ledger: {one['account']} stands at {one['balance']['text']}", markup=False)


def _lock(stage: Stage, pre_order_id: str, pool: dict[str, Any]) -> None:
    """Let time pass to the freeze and to the deadline; the worker clears the pool."""
    stage.pass_time(_moment(pool["freezeAt"]))
    frozen = _wait_for(
        "the freeze", lambda: _if(stage.person(BUYER).ask(ask.POOL, id=pool["id"])["pool"], "state", "frozen")
    )
    stage.say("Time", f"has come to the freeze: nobody leaves any more, {frozen['members']} are in")
    stage.pass_time(_moment(pool["deadline"]))
    locked = _wait_for("the clearing", lambda: _order_of(stage, pre_order_id, "scheduled"))
    stage.say(
        "The pool",
        "has cleared",
        f"the price is locked at {locked['lockedPrice']['text']}; the order is {locked['order']['code']}",
        f"it is built in the week of {locked['order']['buildWeek']}, promised by {locked['order']['promisedBy']}",
    )
    raw = raw_id(pre_order_id, "PreOrder")
    _show_ledger(stage, f"deposit:{raw}", f"earnest:{raw}")
    batches = stage.person("planner@qilan.test").ask(ask.BATCHES)["batches"]["nodes"]
    stage.say(
        "The planner",
        "sees batches, and no person",
        *(f"{one['size']} cars, {one['state']}, weeks {one['firstWeek']} to {one['lastWeek']}" for one in batches),
    )


def _if(found: dict[str, Any], name: str, value: str) -> dict[str, Any] | None:
    return found if found[name] == value else None


def _order_of(stage: Stage, pre_order_id: str, state: str) -> dict[str, Any] | None:
    """Return the pre-order once it has an order in a state and, where it is scheduled, with its week."""
    found: dict[str, Any] = stage.person(BUYER).ask(ask.MY_ORDER, id=pre_order_id)["preOrder"]
    order = found["order"]
    return found if order and order["state"] == state and order["buildWeek"] else None


# --- the plant and the road ------------------------------------------------------------------------------------------


def _build(stage: Stage, pre_order_id: str) -> str:
    """Let the plant build what is due up to the order's week, car by car, until this one has left the line."""
    week = date.fromisoformat(stage.person(BUYER).ask(ask.MY_ORDER, id=pre_order_id)["preOrder"]["order"]["buildWeek"])
    stage.pass_time(datetime(week.year, week.month, week.day, 20, tzinfo=ZONE) + timedelta(days=6))
    moment = stage.now()
    door = ApiDoor(stage.machine("plant-changzhou"), moment - datetime.now(UTC))
    tally = SimulatedPlant(door, ZONE, CONDUCT, ahead=True).work_until_now(last_day=week + timedelta(days=6))
    built = tally.cars[BuildStage.PASSED]
    done = _wait_for("the built car", lambda: _order_of(stage, pre_order_id, "built"))
    vin: str = done["order"]["vin"]
    stage.say(
        "The plant",
        f"has built {built} cars of the week; this one is {vin}",
        *(f"{_shown(one['at'])}  {one['stage']}" for one in done["order"]["stages"]),
        f"of its {tally.sent} messages {tally.messages['lost']} were lost; they were sent again until they were heard",
    )
    return vin


def _ship(stage: Stage, vin: str) -> None:
    """Carry the car to its store, where it is looked over."""
    carrier = stage.machine("carrier-yuanlu")
    shipment = next(one for one in _nodes(carrier, ask.CARRIER_SHIPMENTS, "carrierShipments") if one["vin"] == vin)
    for leg in ("LOADED", "IN_TRANSIT", "ARRIVED"):
        moment = stage.now().isoformat()
        carrier.do(ask.REPORT_SHIPMENT, input={"shipmentId": shipment["id"], "state": leg, "occurredAt": moment})
        if leg == "IN_TRANSIT":
            stage.pass_time(stage.now() + timedelta(days=2))
    dealer = stage.person("dealer.pudong@qilan.test")
    delivery = next(one for one in _nodes(dealer, ask.DELIVERIES, "storeDeliveries") if one["vin"] == vin)
    dealer.do(ask.INSPECT_ARRIVAL, input={"shipmentId": delivery["shipmentId"], "vin": vin})
    stage.say(
        "The store", f"has received {vin} and found it well", f"in its list the order is {delivery['code']}, no name"
    )


# --- the handover ----------------------------------------------------------------------------------------------------


def _hand_over(stage: Stage, pre_order_id: str, vin: str) -> None:
    """Book, inspect together, pay the balance, sign."""
    order = stage.person(BUYER).ask(ask.MY_ORDER, id=pre_order_id)["preOrder"]["order"]
    tomorrow = stage.now().astimezone(ZONE) + timedelta(days=1)
    wanted = tomorrow.replace(hour=10, minute=0, second=0, microsecond=0)
    booked = stage.person(BUYER).ask(ask.BOOK, input={"orderId": order["id"], "appointmentAt": wanted.isoformat()})
    booked = booked["bookHandover"]
    if "nextFree" in booked:
        again = {"orderId": order["id"], "appointmentAt": booked["nextFree"]}
        booked = stage.person(BUYER).do(ask.BOOK, input=again)
    handover = {"handoverId": booked["id"]}
    stage.pass_time(_moment(booked["appointmentAt"]))
    points = [{"point": point, "fine": True} for point in HandoverPolicy().checklist]
    dealer = stage.person("dealer.pudong@qilan.test")
    dealer.do(ask.INSPECT_HANDOVER, input={**handover, "vin": vin, "points": points})
    buyer = stage.person(BUYER)
    buyer.do(ask.ACCEPT_DISCLOSURES, input={"orderId": order["id"]})
    due = buyer.do(ask.REQUEST_BALANCE, input=handover)["amount"]
    stage.say(
        BUYER,
        f"inspects the car at the store on {_shown(booked['appointmentAt'])}, {len(points)} points",
        f"only now is the balance asked for: {due['text']}",
    )
    token = buyer.do(ask.AUTHORISE, input={"amount": {"minor": due["minor"]}})["token"]
    buyer.do(ask.PAY_BALANCE, input={**handover, "authorisation": token})
    buyer.do(ask.SIGN, input=handover)
    stage.say(BUYER, "pays, signs, and drives away")


def _look_back(stage: Stage, pre_order_id: str, vin: str) -> None:
    raw = raw_id(pre_order_id, "PreOrder")
    _show_ledger(stage, f"deposit:{raw}", f"earnest:{raw}", f"receivable:{raw}")
    passport = Client(stage.address, BRAND).do(ask.PASSPORT, vin=vin)
    stage.say(
        "Anybody",
        f"reads the passport of {vin}: {passport['newness']}, chain verified = {passport['verified']}",
        *(f"{_shown(one['at'])}  {one['kind']}" for one in passport["entries"]),
    )
    told = stage.person(BUYER).ask(ask.NOTICES)["myNotices"]["nodes"]
    stage.say(BUYER, "was told", *(f"{_shown(one['at'])}  {one['subject']}" for one in reversed(told)))


# --- a server of its own ---------------------------------------------------------------------------------------------


def play_on_own_server(out: Console) -> str:
    """Start a demo server on a database of its own, play the journey there, end the server."""
    with own_server(out) as address:
        return play_at(address, out)


@contextmanager
def own_server(out: Console) -> Iterator[str]:
    """Serve a freshly seeded demo with its worker on a free port of loopback; yields the address."""
    from muster.demo.own_server import serving

    with tempfile.TemporaryDirectory(prefix="muster-demo-") as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
        environment |= {"MUSTER_DEMO": "1", "MUSTER_DATABASE_URL": f"sqlite:///{Path(folder) / 'demo.db'}"}
        with serving(environment, out) as address:
            yield address
