"""Internal cubes follow the news, one change at a time, and come to what all rows together give."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from demand.cubes.intake_service import write_saying
from demand.cubes.intake_store import Book, load_blocks, lock_book
from demand.cubes.model import NOBODY, Count, Counts, CubeName, Offering, Step, Voice
from demand.cubes.rebuild_service import mend_blocks, rebuild_blocks, wrong_blocks
from demand.cubes.tables import SAYING_LENGTH_MAX, cube_blocks, demand_voices
from demand.cubes.tally import (
    Deltas,
    codes_of,
    discount_waited_for,
    funnel_block,
    pairs_of,
    steps_in,
    steps_with,
    take_block,
)
from demand.service import (
    DemandData,
    Ended,
    cast_vote,
    change_car,
    note_cancelled,
    note_delivered,
    publish_proposal,
    raise_cap,
    submit_proposal,
    withdraw,
)
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.ids import AccountId
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER, open_small_brand
from tests.demand.pool_room import PoolRoom, make_pool_room
from tests.demand.wishing_room import PAINTS, hear, know, release, save

WEEK: Final = date(2026, 11, 23)
MENU: Final = {"Paint": ("BLUE", "GOLD", "RED"), "Wheels": ("W17", "W19")}


def blocks(works: Works, cube: CubeName) -> dict[tuple[str, str], Counts]:
    """Return a cube's counts by model and region."""
    with works.read(system(BRAND)) as work:
        found = load_blocks(work, cubes=[cube])
    return {(key.table.model, key.region): counts for key, counts in found.items()}


def wrong(works: Works) -> list[object]:
    with works.read(system(BRAND)) as work:
        return list(wrong_blocks(work))


def people(room: PoolRoom, numbers: range) -> None:
    with room.works.change(system(BRAND)) as work:
        for number in numbers:
            buyer = room.buyer(number)
            assert buyer.account_id is not None
            assert buyer.person_id is not None
            know(work, buyer.account_id, buyer.person_id)


def test_cubes_that_followed_the_news_are_those_that_all_rows_give(works: Works, clock: FixedClock) -> None:
    room = make_pool_room(works, clock)
    room.open(capacity=60)
    people(room, range(1, 13))
    room.join(*range(1, 13))
    hear(works)
    for number in range(30):
        save(
            works,
            number,
            paint=PAINTS[number % 2],
            region="south" if number % 3 else "east",
            person=-1 if number % 7 == 0 else None,
        )
        if number % 4 == 0:
            hear(works)
    for number in range(10, 20):
        save(works, number, paint="BLUE")
    clock.advance(timedelta(days=7))
    for number in range(5, 15):
        save(works, number)

    hear(works)

    assert wrong(works) == []
    assert len(blocks(works, CubeName.TAKE_RATES)) >= 2
    assert blocks(works, CubeName.PAIRS)["A1", ""]


def test_a_broken_count_is_found_and_mended_from_the_rows(works: Works) -> None:
    open_small_brand(works)
    for number in range(5):
        save(works, number)
    hear(works)
    with works.change(system(BRAND)) as work:
        work.connection.execute(
            update(cube_blocks).where(cube_blocks.c.cube == "take_rates").values(counts={"": [9, 9]})
        )

    found = wrong(works)
    with works.change(system(BRAND)) as work:
        mended = mend_blocks(work)

    assert found == mended
    assert len(found) == 1
    assert wrong(works) == []
    assert blocks(works, CubeName.TAKE_RATES)["A1", "east"]["RED"] == Count(5, 5)


def test_a_pre_order_outweighs_what_is_only_kept(works: Works, clock: FixedClock) -> None:
    room = make_pool_room(works, clock)
    room.open(capacity=60)
    people(room, range(1, 2))
    room.join(1)
    hear(works)

    save(works, 1, paint="BLUE")
    hear(works)

    assert blocks(works, CubeName.TAKE_RATES)["A1", "east"]["RED"] == Count(1, 1)
    assert "BLUE" not in blocks(works, CubeName.TAKE_RATES)["A1", "east"]


def test_a_person_counts_in_one_region_a_week(works: Works) -> None:
    open_small_brand(works)
    save(works, 1)
    hear(works)

    save(works, 1, region="south")
    hear(works)

    assert blocks(works, CubeName.TAKE_RATES)["A1", "east"] == {}
    assert blocks(works, CubeName.TAKE_RATES)["A1", "south"][""] == Count(1, 1)
    assert wrong(works) == []


def test_the_funnel_follows_persons_from_the_first_step_to_the_car(works: Works, clock: FixedClock) -> None:
    room = make_pool_room(works, clock)
    pool_id = room.open(capacity=8)
    people(room, range(1, 5))
    save(works, 1)
    save(works, 50)
    with works.change(room.buyer(2)) as work:
        proposal = submit_proposal(work, title="A tow bar", text="For boats.")
    with works.change(PLANNER) as work:
        publish_proposal(work, proposal.head.id)
    with works.change(room.buyer(2)) as work:
        cast_vote(work, proposal.head.id)
    joined = room.join(1, 2, 3, 4)
    room.pass_time(days=21, minutes=1)
    hear(works)

    with works.change(system(BRAND)) as work:
        note_delivered(work, {joined[0].pre_order.head.id: clock.now()})

    counts = next(iter(blocks(works, CubeName.FUNNEL).values()))
    assert counts == {
        Step.SEEN: Count(5, 5),
        Step.VOTED: Count(1, 1),
        Step.CONFIGURED: Count(5, 5),
        Step.PRE_ORDERED: Count(4, 4),
        Step.LOCKED: Count(4, 4),
        Step.DELIVERED: Count(1, 1),
    }
    assert room.pool(pool_id).head.members == 4
    assert wrong(works) == []


def test_caps_count_the_discount_that_a_person_waits_for_now(works: Works, clock: FixedClock) -> None:
    room = make_pool_room(works, clock)
    room.open(capacity=60)
    price = room.join(1)[0].pre_order.head.offer.vehicle_price_minor
    room.join(2, cap=price * 97 // 100)
    hear(works)

    assert blocks(works, CubeName.CAPS)["A1", ""] == {"0": Count(1, 1), "3": Count(1, 1)}
    assert wrong(works) == []


def test_a_change_of_car_is_heard_also_together_with_a_cap_that_was_raised_before_it(
    works: Works, clock: FixedClock
) -> None:
    room = make_pool_room(works, clock)
    room.open(capacity=60)
    buyer = room.buyer(1)
    joined = room.join(1, cap=10**8)[0]
    hear(works)
    quote_id = room.quote(buyer, options=("BLUE", *PLAIN_CAR[1:]))
    with works.change(buyer) as work:
        raise_cap(work, joined.pre_order_id, price_cap_minor=2 * 10**8)
        change_car(work, joined.pre_order_id, quote_id=quote_id, price_cap_minor=2 * 10**8)

    hear(works)

    counted = blocks(works, CubeName.TAKE_RATES)["A1", "east"]
    assert (counted.get("RED"), counted.get("BLUE")) == (None, Count(1, 1))


def test_what_somebody_said_is_as_short_for_thousands_of_options() -> None:
    book = Book({f"O{number}": number for number in range(5_000)}, 0)
    voice = Voice("p", True, True, Offering("v" * 32, "r" * 40, "A1", WEEK), ("O1", "O4999"))

    said = [write_saying(book, one, take_block(one.offering).table) for one in (voice, replace(voice, options=("O1",)))]

    assert said[0] != said[1]
    assert all(len(one) <= SAYING_LENGTH_MAX for one in said)


def test_whoever_leaves_twice_in_a_quarter_counts_once(works: Works, clock: FixedClock) -> None:
    room = make_pool_room(works, clock)
    room.open(capacity=60)
    first, second = room.join(1, 2)
    with works.change(room.buyer(1)) as work:
        withdraw(work, first.pre_order.head.id)
    hear(works)

    with works.change(system(BRAND)) as work:
        note_cancelled(work, [Ended(second.pre_order.head.id, clock.now(), "order_buyer")] * 2)

    assert blocks(works, CubeName.CANCELLATIONS)["", ""] == {"withdrawn": Count(1, 1), "order_buyer": Count(1, 1)}
    assert wrong(works) == []


def test_an_erased_person_stays_counted_under_no_name(works: Works) -> None:
    open_small_brand(works)
    for number in range(1, 4):
        save(works, number)
    hear(works)
    before = blocks(works, CubeName.TAKE_RATES)

    with works.change(system(BRAND)) as work:
        DemandData().erase(work, AccountId(f"{1:032x}"))
        left = set(work.connection.execute(select(demand_voices.c.person)).scalars())

    assert blocks(works, CubeName.TAKE_RATES) == before
    assert wrong(works) == []
    assert f"{1:032x}" not in left
    assert len(left) == 3


def test_a_book_remembers_its_options(works: Works) -> None:
    open_small_brand(works)
    save(works, 1)
    hear(works)

    with works.change(system(BRAND)) as work:
        book = lock_book(work)

    assert book.options_of(book.choice_of(["RED", "W17"])) == ("RED", "W17")
    assert {"RED", "BLUE", "W19", "HOOK"} <= book.bits.keys()


voices = st.builds(
    Voice,
    person=st.sampled_from("abcd"),
    verified=st.just(True),
    ordered=st.booleans(),
    offering=st.builds(
        Offering, st.just("v"), st.sampled_from(["east", "south"]), st.sampled_from(["A1", "B2"]), st.just(WEEK)
    ),
    options=st.sets(st.sampled_from(["RED", "BLUE", "W17", "W19", "OLD"])).map(lambda some: tuple(sorted(some))),
)


@given(st.lists(voices, max_size=30))
def test_one_change_at_a_time_comes_to_the_same_as_counting_who_is_left(said: list[Voice]) -> None:
    menus = {voice.offering: MENU for voice in said}
    current: dict[str, Voice] = {}
    moved, counted = Deltas(), Deltas()
    for voice in said:
        before = current.get(voice.person)
        if before is None or voice.outweighs(before):
            moved.replace([(before, voice)], menus)
            current[voice.person] = voice

    counted.replace([(None, voice) for voice in current.values()], menus)

    left = {key: {code: one for code, one in counts.items() if one != NOBODY} for key, counts in moved.blocks.items()}
    assert {key: counts for key, counts in left.items() if counts} == {
        key: counts for key, counts in counted.blocks.items() if counts
    }
    for voice in current.values():
        assert moved.blocks[take_block(voice.offering)][""].all >= 1


def test_a_pair_is_of_two_categories_and_only_of_what_could_be_had() -> None:
    voice = Voice("a", True, True, Offering("v", "east", "A1", WEEK), ("BLUE", "OLD", "RED", "W17"))

    assert codes_of(voice, MENU) == ("", "BLUE", "RED", "W17", "@pre_order")
    assert pairs_of(voice, MENU) == ["BLUE\tW17", "RED\tW17"]


def test_the_ladder_is_climbed_whole() -> None:
    assert steps_in(steps_with(0, Step.LOCKED)) == (Step.SEEN, Step.CONFIGURED, Step.PRE_ORDERED, Step.LOCKED)
    assert steps_in(steps_with(0, Step.VOTED)) == (Step.SEEN, Step.VOTED)
    assert funnel_block(WEEK).table.week == WEEK


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_a_discount_waited_for_is_the_smallest_that_will_do(price: int, cap: int) -> None:
    percent = discount_waited_for(price_minor=price, cap_minor=cap)

    if percent < 30:
        assert price * (100 - percent) <= cap * 100
    if percent > 0:
        assert price * (100 - (percent - 1)) > cap * 100


def test_rebuilding_needs_no_release(works: Works) -> None:
    open_small_brand(works)
    save(works, 1)
    release(works)

    with works.read(system(BRAND)) as work:
        rebuilt = rebuild_blocks(work)

    assert len(rebuilt) == 3
