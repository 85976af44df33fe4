"""What every room tells of a person is plain JSON, whatever the person has done here."""

from __future__ import annotations

import orjson

from kernel.actor import system
from kernel.clock import FixedClock
from kernel.work import Works
from muster.settings import read_settings
from muster.wiring import personal_data, wire
from tests.configurator.small_brand import BRAND
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
