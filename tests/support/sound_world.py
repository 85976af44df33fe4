"""A small brand in which everything that an audit looks at has happened: pools, money back, votes, cars, a handover."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from configurator.configuration_service import (
    delete_configuration,
    migrate_configuration,
    rename_configuration,
    save_configuration,
)
from demand.backing.lineage_service import NumberedCar, note_cars
from demand.backing.store import note_fulfilments
from demand.circles.model import CircleAccess, CircleKind
from demand.pools.model import FailureChoice
from demand.service import (
    TIMERS,
    PoolPlan,
    found_circle,
    invite_to_circle,
    join_circle,
    raise_cap,
    release_circles,
    withdraw,
)
from demand.votes.service import cast_vote, publish_proposal, revoke_vote, submit_proposal
from factory_orders import service as factory
from factory_orders.cancellation.service import cancel_order
from factory_orders.conditions.model import Flaw, HandOver, Mark, Place, read_condition
from factory_orders.model import Stage
from factory_orders.plant.tables import build_orders
from factory_orders.pools_service import SUBSCRIPTIONS, open_pool
from factory_orders.vehicles.tables import vehicles
from kernel import outbox, policy, record, registry
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.ids import AccountId
from kernel.money import yuan
from kernel.money_by_hand import approve_movement, propose_movement
from kernel.timers import fire_due
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER
from tests.demand.backing.backing_room import open_to_backers
from tests.demand.compare.studies import open_study
from tests.demand.pool_room import ANY_PRICE, TIERS, PoolRoom, make_pool_room, placed
from tests.demand.wishing_room import release, save
from tests.factory_orders.trade import BUILD, CARRIER, NORTH_PLANT, PLANT_MACHINE, Trade

LAST_WORD: Final = (*BUILD[:-1], Stage.REWORK, Stage.PASSED)


@dataclass(frozen=True, slots=True)
class SoundWorld:
    """The brand's databases and what moves it on."""

    works: Works
    room: PoolRoom
    trade: Trade

    def open_pool(self) -> str:
        """Open a pool with its slots reserved."""
        with self.works.change(PLANNER) as work:
            plan = PoolPlan(
                self.room.cls, 8, minimum=3, tiers=TIERS, deadline=self.works.clock.now() + timedelta(days=21)
            )
            return open_pool(work, plan).pool.head.id

    def work_off(self) -> None:
        """Do what the worker does until nothing is due."""
        while outbox.deliver(self.works, (*SUBSCRIPTIONS, *factory.SUBSCRIPTIONS)) + fire_due(
            self.works, {**TIMERS, **factory.TIMERS}
        ):
            pass
        self.room.settle()

    def pass_days(self, days: int) -> None:
        """Let days pass."""
        self.room.clock.advance(timedelta(days=days))
        self.work_off()


def make_sound_world(works: Works, clock: FixedClock) -> SoundWorld:
    """Let it all happen, by the rooms' own use cases."""
    room = make_pool_room(works, clock)
    with works.read(PLANNER) as work:
        version_id = work.connection.exec_driver_sql("SELECT id FROM catalogue_versions").scalar_one()
    world = SoundWorld(works, room, Trade(works, clock, room.sandbox, version_id))
    _fail_a_pool(world)
    ids = _lock_a_pool(world)
    _count_parts(world)
    _build(world, ids)
    _fill_another(world)
    world.work_off()
    _vote(world)
    _compare(world)
    _back(world)
    _move_by_hand(world)
    _gather(world)
    _publish_cells(world)
    _keep_cars(world)
    with works.change(system(BRAND)) as work:
        brand = registry.own_brand(work)
        record.seal_day(work, brand, (clock.now() - timedelta(days=2)).date())
    world.work_off()
    return world


def _gather(world: SoundWorld) -> None:
    """Twelve are in a circle, eleven of them by invitation, and what it brings was released."""
    with world.works.change(world.room.buyer(2)) as work:
        circle = found_circle(
            work,
            kind=CircleKind.CITY,
            subject="Shanghai",
            title="On the Bund",
            text="",
            access=CircleAccess.INVITED,
        )
    world.room.clock.advance(timedelta(minutes=1))
    with world.works.change(world.room.buyer(2)) as work:
        code = invite_to_circle(work, circle.id).code
    for name in range(3, 14):
        with world.works.change(world.room.buyer(name)) as work:
            join_circle(work, circle.id, code=code)
    with world.works.change(system(BRAND)) as work:
        assert release_circles(work) > 0


def _fail_a_pool(world: SoundWorld) -> None:
    """Two are too few: one gets the money back, one rolls on; both are early."""
    world.open_pool()
    world.room.join(1, choice=FailureChoice.ROLL)
    world.room.join(30)
    world.pass_days(21)


def _lock_a_pool(world: SoundWorld) -> list[str]:
    """Six lock; one left before, one never paid, one paid by a callback; returns the orders, earliest first."""
    room = world.room
    world.open_pool()
    world.work_off()
    room.join(2, 3, 4, 5)
    (leaver,) = room.join(6)
    with world.works.change(room.buyer(6)) as work:
        withdraw(work, leaver.pre_order_id)
    unpaid, later = room.place(*(room.request(room.buyer(name), funded=False) for name in (7, 8)))
    (payment,) = room.payments_of(placed(later).pre_order_id)
    room.hear(room.pay(payment, reference="paid-later"))
    assert placed(unpaid).state == "acknowledged"
    (too_late,) = room.payments_of(placed(unpaid).pre_order_id)
    world.pass_days(22)
    room.hear(room.pay(too_late, reference="paid too late"))
    states = room.states()
    return sorted(order_id for order_id, state in states.items() if state == "locked")


def _build(world: SoundWorld, ids: list[str]) -> None:
    """The first is delivered, the second asked for its balance, the third is disclosed, the fourth ended."""
    trade, works = world.trade, world.works
    with works.read(system(BRAND)) as work:
        found = work.connection.exec_driver_sql("SELECT id, account_id FROM orders")
        who = {order_id: world.room.buyer(int(account_id, 16)) for order_id, account_id in found}
    first, second, third, fourth = ids[:4]
    trade.bring_to_store(first)
    trade.hand_over(first, who=who[first])
    trade.build(second)
    second_car = trade.ship(second)
    with works.change(CARRIER) as work:
        scratched = read_condition(odometer_km=9, photos=["a" * 64], marks=[Mark(Place.LEFT, Flaw.SCRATCH)])
        factory.check_condition(work, second_car.id, HandOver.ARRIVED, vin=second_car.vin, seen=scratched)
    trade.receive(second, damage=factory.Damage("scratched", 20_000))
    with works.change(who[second]) as work:
        factory.accept_disclosures(work, second)
    trade.ask_balance(trade.inspect(trade.book(second, who=who[second], hour=14)), who=who[second])
    trade.build(third, stages=LAST_WORD, repair_minor=100_000)
    with works.change(who[fourth]) as work:
        cancel_order(work, fourth)


def _count_parts(world: SoundWorld) -> None:
    """The plant counts a part, and what its cars lack of the others is called off."""
    with world.works.change(PLANT_MACHINE) as work:
        factory.count_part(work, "FIR-BODY-A", on_hand=40)
    with world.works.change(PLANNER) as work:
        factory.call_off_parts(work, NORTH_PLANT)


def _fill_another(world: SoundWorld) -> None:
    """A pool that is open now: three members, one of whom raised the cap, one who waits for money, one without any."""
    world.open_pool()
    room = world.room
    room.join(20, 21)
    room.wallet_is_empty = True
    room.join(25)
    room.wallet_is_empty = False
    low = room.quote(room.buyer(22))
    (outcome,) = room.place(room.request(room.buyer(22), quote_id=low, cap=ANY_PRICE // 2))
    with world.works.change(room.buyer(22)) as work:
        raise_cap(work, placed(outcome).pre_order_id, price_cap_minor=ANY_PRICE)
    (leaver,) = room.join(23)
    with world.works.change(room.buyer(23)) as work:
        withdraw(work, leaver.pre_order_id)
    room.place(room.request(room.buyer(24), funded=False))


def _vote(world: SoundWorld) -> None:
    """One gives two votes, another takes the vote back."""
    ids = []
    for title in ("Heated seats", "A sunroof"):
        with world.works.change(world.room.buyer(40)) as work:
            ids.append(submit_proposal(work, title=title, text="").head.id)
        with world.works.change(PLANNER) as work:
            publish_proposal(work, ids[-1])
        with world.works.change(world.room.buyer(40)) as work:
            cast_vote(work, ids[-1])
    with world.works.change(world.room.buyer(41)) as work:
        cast_vote(work, ids[0])
    with world.works.change(world.room.buyer(41)) as work:
        revoke_vote(work, ids[0])


def _compare(world: SoundWorld) -> None:
    """Ten compare twelve proposals and an outcome is released; another comparison has a sheet half filled in."""
    with world.works.change(system(BRAND)) as work:
        version = policy.current(work).version
        policy.change_policy(work, base_version=version, changes={"compare": {"draws": 100}}, reason="quick tests")
    study = open_study(world.works)
    for number in range(50, 60):
        study.fill_in(number)
    study.close()
    study.work_out()
    again = open_study(world.works, study.proposal_ids)
    again.join(50)
    shown = again.sheet(50).sets[0].proposal_ids
    again.answer(50, 1, best=shown[0], worst=shown[1])


def _back(world: SoundWorld) -> None:
    """Three back a proposal: one holds, one took the money back, one never paid."""
    study = open_study(world.works)
    study.fill_in_many(240)
    study.close()
    study.work_out()
    place = open_to_backers(world.room, study)
    place.back(60)
    place.withdraw(61, place.back(61).head.id)
    place.back(62, place.request(62, funded=False))
    table = build_orders.c
    built = (
        select(vehicles.c.vin, table.order_id, table.catalogue_version_id, vehicles.c.options)
        .join(build_orders, table.id == vehicles.c.build_order_id)
        .order_by(vehicles.c.vin)
    )
    with world.works.change(system(BRAND)) as work:
        note_fulfilments(work, place.proposal_id, ["RED"], world.trade.version_id)
        rows = work.connection.execute(built).all()
        note_cars(work, [NumberedCar(vin, order_id, version, tuple(own)) for vin, order_id, version, own in rows])


def _move_by_hand(world: SoundWorld) -> None:
    """One operator proposes a movement, another approves it."""
    first, second = (Actor(BRAND, frozenset({Role.OPERATOR}), AccountId(letter * 32)) for letter in "ef")
    with world.works.change(first) as work:
        proposed = propose_movement(
            work, debit=f"bonus:{BRAND}", credit=f"payable:{'5' * 32}", amount=yuan(1), reason="goodwill"
        )
    with world.works.change(second) as work:
        approve_movement(work, proposed.id)


def _keep_cars(world: SoundWorld) -> None:
    """One keeps three cars: takes one out, and moves one on."""
    kept = []
    for name in ("first", "second", "third"):
        with world.works.change(world.room.buyer(40)) as work:
            kept.append(save_configuration(work, model="A1", options=PLAIN_CAR, region="east", name=name).id)
    with world.works.change(world.room.buyer(40)) as work:
        rename_configuration(work, kept[0], name="the one")
        delete_configuration(work, kept[1])
        migrate_configuration(work, kept[2])


def _publish_cells(world: SoundWorld) -> None:
    """Let people keep cars of two paints, and release what they want."""
    for number in range(0x1000, 0x1028):
        save(world.works, number, paint="RED" if number % 2 else "BLUE")
    release(world.works)
