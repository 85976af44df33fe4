"""What every room tells of a person is plain JSON, whatever the person has done here."""

from __future__ import annotations

import orjson
import pytest
from sqlalchemy import select

from kernel.actor import system
from kernel.clock import FixedClock
from kernel.ids import AccountId
from kernel.kept import KeptNotices, KeptPayments
from kernel.notices import NewNotice, notify_many
from kernel.payments.tables import payments
from kernel.work import Works
from muster.settings import read_settings
from muster.wiring import personal_data, wire
from tests.configurator.small_brand import BRAND
from tests.demand.pool_room import make_pool_room
from tests.support.databases import Database
from tests.support.site import surroundings
from tests.support.sound_world import make_sound_world


def test_what_rooms_tell_of_a_person_is_json(database: Database, works: Works, clock: FixedClock) -> None:
    world = make_sound_world(works, clock)
    rooms = {room.name: room for room in personal_data(wire(read_settings(surroundings(database.url)), works=works))}
    member = world.room.buyer(1).signed_in()

    with works.read(system(BRAND)) as work:
        told = {
            name: orjson.loads(orjson.dumps(rooms[name].export(work, member))) for name in rooms if name != "identity"
        }

    assert len(told["configurator"]["quotes"]) == 1
    assert told["factory_orders"]["orders"][0]["state"] == "delivered"
    assert [one["state"] for one in told["demand"]["preOrders"]] == ["locked"]
    assert {one["purpose"] for one in told["payments"]} == {"deposit", "balance"}
    assert {"deposit"} <= {one["purpose"] for one in told["payments"]}


def tell(works: Works, account_id: AccountId, times: int) -> None:
    """Tell somebody the same so many times."""
    with works.change(system(BRAND)) as work:
        notify_many(work, [NewNotice(account_id, "pre_order_expired", {}, work.new_id()) for _ in range(times)])


def test_what_was_told_goes_with_the_account_and_a_payment_no_longer_tells_whose_card_it_was(
    works: Works, clock: FixedClock
) -> None:
    room = make_pool_room(works, clock)
    room.open()
    room.join(1, 2)
    member, other = room.buyer(1).signed_in(), room.buyer(2).signed_in()
    for account_id in (member, other):
        tell(works, account_id, 1)

    with works.change(system(BRAND)) as work:
        for kept in (KeptNotices(), KeptPayments()):
            kept.erase(work, member)

    with works.read(system(BRAND)) as work:
        assert KeptNotices().export(work, member) == []
        assert len(KeptNotices().export(work, other)) == 1
        cards = {
            row.account_id: row.instrument
            for row in work.connection.execute(select(payments.c.account_id, payments.c.instrument))
        }
        assert [one["state"] for one in KeptPayments().export(work, member)] == ["received"]
    assert cards[member] is None
    assert cards[other] is not None


def test_an_export_leaves_nothing_out_however_much_there_is(
    works: Works, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_pool_room(works, clock)
    member = room.buyer(1).signed_in()
    tell(works, member, 5)

    monkeypatch.setattr("kernel.kept.BATCH", 2)

    with works.read(system(BRAND)) as work:
        assert len(KeptNotices().export(work, member)) == 5
