"""What a plant is to build reaches its system: signed, in order for each build order, again until it is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.cancellation.service import lose_earnest
from factory_orders.events import BuildOrderReleased, BuildOrderWithdrawn
from factory_orders.hooks.model import HOOKS_MAX, LEASE, PAUSES, MessageState, pause_after
from factory_orders.hooks.store import something_is_due
from factory_orders.hooks.tables import plant_messages
from factory_orders.service import HookSecret
from kernel.actor import Actor, Role
from kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from kernel.ids import AccountId
from kernel.outbox import Subscription, deliver
from kernel.outward import Answer
from kernel.paging import PageRequest
from kernel.webhooks import verify
from tests.configurator.small_brand import BRAND, PLANNER
from tests.factory_orders.trade import NORTH_PLANT, PLANT_MACHINE, SOUTH_PLANT, SYSTEM, Trade, buyer

KEY = b"k" * 32
URL = "https://plant.example/hook"
ADMIN = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("e" * 32))
HOOKS = Subscription(
    "hooks",
    frozenset({BuildOrderReleased.kind, BuildOrderWithdrawn.kind}),
    lambda work, letters: service.tell_plants(work, letters, write_id=lambda kind, raw: f"{kind}/{raw}"),
)


@dataclass(slots=True)
class PlantSystem:
    """A plant's own system: believes what is signed for it, and answers as it is told to."""

    secret: str
    answer: Callable[[dict[str, Any]], int] = lambda _: 204
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tried: int = 0

    def send(self, trade: Trade) -> Callable[[str, Mapping[str, str], bytes], Answer]:
        def receive(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
            assert url == URL
            self.tried += 1
            genuine = verify((self.secret,), headers, body, now=trade.clock.now())
            if genuine is None:
                return Answer(401)
            message = orjson.loads(body)
            status = self.answer(message)
            if 200 <= status < 300:
                self.got.append((genuine.message_id, message))
            return Answer(status)

        return receive

    def kinds(self, build_order_id: str) -> list[str]:
        return [told["type"] for _, told in self.got if told["data"]["buildOrderId"] == f"BuildOrder/{build_order_id}"]


def connect(trade: Trade, *, plant_id: str = NORTH_PLANT) -> HookSecret:
    with trade.works.change(ADMIN) as work:
        return service.add_hook(work, KEY, plant_id=plant_id, url=URL)


def run(trade: Trade, plant: PlantSystem, *, turns: int = 12) -> None:
    """Deliver the news and send what is due."""
    deliver(trade.works, [HOOKS])
    for _ in range(turns):
        service.send_messages(trade.works, key=KEY, send=plant.send(trade))


def cancel(trade: Trade, order_id: str) -> None:
    """End an order whose earnest money never came."""
    with trade.works.change(SYSTEM) as work:
        lose_earnest(work, order_id)


def test_a_plants_system_hears_once_what_it_is_to_build_and_what_not_any_more(trade: Trade) -> None:
    plant = PlantSystem(connect(trade).secret)
    (order_id,) = trade.lock()
    order = trade.build_order_of(order_id)

    run(trade, plant)
    cancel(trade, order_id)
    run(trade, plant)

    ((_, released), (_, withdrawn)) = plant.got
    assert released["type"] == "build_order.released"
    assert released["data"] == {
        "buildOrderId": f"BuildOrder/{order.id}",
        "plantId": f"Plant/{NORTH_PLANT}",
        "week": order.week.isoformat(),
        "day": order.day.isoformat(),
        "position": order.position,
        "model": "A1",
        "options": list(order.options),
    }
    assert (withdrawn["type"], withdrawn["data"]) == (
        "build_order.withdrawn",
        {"buildOrderId": f"BuildOrder/{order.id}"},
    )
    assert plant.tried == 2


def test_another_plants_system_hears_nothing(trade: Trade) -> None:
    plant = PlantSystem(connect(trade, plant_id=SOUTH_PLANT).secret)
    trade.lock(3)

    run(trade, plant)

    assert plant.tried == 0


def test_a_message_that_is_not_taken_keeps_those_of_its_order_waiting_and_comes_again_under_the_same_id(
    trade: Trade,
) -> None:
    plant = PlantSystem(connect(trade).secret, answer=lambda _: 503)
    (order_id,) = trade.lock()
    build_order_id = trade.build_order_of(order_id).id
    run(trade, plant)
    cancel(trade, order_id)

    run(trade, plant)
    refused = plant.tried
    plant.answer = lambda _: 200
    for pause in PAUSES[:3]:
        trade.clock.advance(pause)
        run(trade, plant)

    assert refused == 1
    assert plant.kinds(build_order_id) == ["build_order.released", "build_order.withdrawn"]
    assert len({message_id for message_id, _ in plant.got}) == 2


def test_what_was_given_up_is_sent_once_more_in_its_order_when_it_is_asked_for(trade: Trade) -> None:
    hook = connect(trade)
    plant = PlantSystem(hook.secret, answer=lambda _: 500)
    (order_id,) = trade.lock()
    build_order_id = trade.build_order_of(order_id).id
    began = trade.clock.now() - timedelta(seconds=1)
    run(trade, plant)
    cancel(trade, order_id)
    for _ in range(60):
        trade.clock.advance(timedelta(days=1))
        run(trade, plant, turns=1)
    with trade.works.read(ADMIN) as work:
        (view,) = queries.list_hooks(work)
        messages = queries.messages_of_hook(work, hook.hook.id, PageRequest(10)).items

    plant.answer = lambda _: 204
    run(trade, plant)
    before = list(plant.got)
    with trade.works.change(ADMIN) as work:
        of_today = service.replay_hook(work, hook.hook.id, since=trade.clock.now())
    run(trade, plant)
    with trade.works.change(ADMIN) as work:
        replayed = service.replay_hook(work, hook.hook.id, since=began)
    run(trade, plant)

    assert (view.given_up, view.waiting) == (1, 1)
    assert [one.state for one in messages] == [MessageState.WAITING, MessageState.GIVEN_UP]
    assert messages[1].attempts == len(PAUSES) + 1
    assert before == []
    assert (of_today, replayed) == (1, 2)  # what was given up comes first, though it is older
    assert plant.kinds(build_order_id) == ["build_order.released", "build_order.withdrawn"] * 2
    assert plant.got[:2] == plant.got[2:]


def test_after_a_new_secret_both_sign_until_the_overlap_is_over(trade: Trade) -> None:
    hook = connect(trade)
    old = PlantSystem(hook.secret)
    with trade.works.change(ADMIN) as work:
        turned = service.rotate_secret(work, KEY, hook.hook.id, overlap=timedelta(hours=1))
    new = PlantSystem(turned.secret)
    trade.lock(1)
    run(trade, old)
    trade.clock.advance(timedelta(hours=2))
    trade.lock(2, first_buyer=5)

    run(trade, old)
    trade.clock.advance(PAUSES[0])
    run(trade, new)

    assert turned.secret != hook.secret
    assert len(old.got) == 1
    assert len(new.got) == 2


def test_what_waits_for_a_hook_that_is_revoked_keeps_no_worker_busy(trade: Trade) -> None:
    hook = connect(trade)
    trade.lock(1)
    deliver(trade.works, [HOOKS])
    with trade.works.change(ADMIN) as work:
        was_due = something_is_due(work)
        service.revoke_hook(work, hook.hook.id)

    with trade.works.read(SYSTEM) as work:
        assert (was_due, something_is_due(work)) == (True, False)


def test_a_receiver_that_is_gone_and_a_revoked_hook_hear_nothing_more(trade: Trade) -> None:
    gone = PlantSystem(connect(trade).secret, answer=lambda _: 410)
    trade.lock(1)
    run(trade, gone)
    revoked = connect(trade)
    with trade.works.change(ADMIN) as work:
        service.revoke_hook(work, revoked.hook.id)
    trade.lock(1, first_buyer=5)
    trade.clock.advance(timedelta(days=1))

    run(trade, gone)

    assert gone.tried == 1
    with trade.works.change(ADMIN) as work, pytest.raises(NotFound):
        service.replay_hook(work, revoked.hook.id, since=trade.clock.now())


def test_a_worker_that_dies_while_sending_has_lost_nothing(trade: Trade) -> None:
    plant = PlantSystem(connect(trade).secret)
    trade.lock(1)
    deliver(trade.works, [HOOKS])

    def die(_url: str, _headers: Mapping[str, str], _body: bytes) -> Answer:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        service.send_messages(trade.works, key=KEY, send=die)
    run(trade, plant)
    at_once = len(plant.got)
    trade.clock.advance(LEASE)
    run(trade, plant)

    assert (at_once, len(plant.got)) == (0, 1)


def test_one_receiver_that_fails_holds_up_no_other(trade: Trade) -> None:
    dead, well = PlantSystem(connect(trade).secret, answer=lambda _: 500), PlantSystem(connect(trade).secret)
    trade.lock(30)
    deliver(trade.works, [HOOKS])

    def send(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        genuine = verify((well.secret,), headers, body, now=trade.clock.now())
        return (well if genuine is not None else dead).send(trade)(url, headers, body)

    for _ in range(20):
        service.send_messages(trade.works, key=KEY, send=send)

    assert len(well.got) == 30
    assert dead.tried < 3


def test_news_that_comes_twice_is_told_once(trade: Trade) -> None:
    connect(trade)
    trade.lock(2)
    other = Subscription("again", HOOKS.kinds, HOOKS.handle)

    deliver(trade.works, [HOOKS, other])

    with trade.works.read(ADMIN) as work:
        assert len(work.connection.execute(select(plant_messages.c.id)).all()) == 2


def test_pauses_grow_and_come_to_an_end() -> None:
    pauses = [pause_after(attempt) for attempt in range(1, len(PAUSES) + 2)]

    assert pauses[-1] is None
    assert list(PAUSES) == sorted(PAUSES)
    assert timedelta(days=3) < sum(PAUSES, timedelta()) < timedelta(days=5)


# --- bad input -------------------------------------------------------------------------------------------------------


def test_only_an_administrator_connects_a_plant(trade: Trade) -> None:
    for actor in (PLANNER, PLANT_MACHINE, buyer()):
        with pytest.raises(Forbidden), trade.works.change(actor) as work:
            service.add_hook(work, KEY, plant_id=NORTH_PLANT, url=URL)


def test_an_inner_address_an_unknown_plant_and_too_many_hooks_are_refused(trade: Trade) -> None:
    with trade.works.change(ADMIN) as work:
        with pytest.raises(InvalidInput):
            service.add_hook(work, KEY, plant_id=NORTH_PLANT, url="https://169.254.169.254/")
        with pytest.raises(NotFound):
            service.add_hook(work, KEY, plant_id="f" * 32, url=URL)
    hooks = [connect(trade) for _ in range(HOOKS_MAX)]
    with pytest.raises(Conflict):
        connect(trade)
    with trade.works.change(ADMIN) as work, pytest.raises(InvalidInput):
        service.rotate_secret(work, KEY, hooks[0].hook.id, overlap=timedelta(days=8))
    with trade.works.read(ADMIN) as work:
        assert len(queries.list_hooks(work)) == HOOKS_MAX
        with pytest.raises(NotFound):
            queries.messages_of_hook(work, "f" * 32, PageRequest(10))
