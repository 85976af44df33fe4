"""What is planted for the audit to find: by the name of each check, one violation of it in the sound brand."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, insert, select, update

from configurator.tables import configurations, quotes
from demand.backing.tables import backing_terms, backings, commitments, proposal_cars
from demand.circles.tables import circle_figures, circle_invitations, circle_members
from demand.compare.tables import comparison_participants, item_outcomes, price_answers
from demand.cubes.tables import cube_blocks, cube_cells
from demand.pools.tables import early_bonuses, pool_changes, pools, pre_order_changes, pre_orders
from demand.votes.tables import held_votes, proposals
from factory_orders.conditions.tables import condition_checks, damage_cases
from factory_orders.deliveries.tables import handovers, late_credits, order_balances
from factory_orders.papers.tables import papers
from factory_orders.parts.tables import part_stocks
from factory_orders.planning.tables import batches, capacity_weeks, line_days, orders, pool_plans, pool_reservations
from factory_orders.plant.tables import build_orders
from factory_orders.promises.tables import promise_holds, promise_outcomes
from factory_orders.vehicles.tables import allocations, vehicle_disclosures, vehicles
from kernel.idempotency import idempotency_keys
from kernel.ledger import ledger_transfers
from kernel.money_by_hand import money_by_hand
from kernel.payments.tables import payments
from kernel.record import record_days, record_entries
from tests.configurator.small_brand import BRAND
from tests.conftest import MONDAY_MORNING
from tests.muster import planted_offers, planted_stock
from tests.muster.planting import Plant, book, change, change_all, drop, edit_entry, without_index


def credit_a_day(connection: Connection) -> None:
    """Write a late credit that nobody booked."""
    order_id = connection.execute(select(orders.c.id).limit(1)).scalar_one()
    row = {"order_id": order_id, "day": MONDAY_MORNING.date(), "brand_id": BRAND, "at": MONDAY_MORNING}
    connection.execute(insert(late_credits).values(**row, amount_minor=10_000))


def bind_twice(connection: Connection) -> None:
    """Bind a car to a second order."""
    found = connection.execute(select(allocations).order_by(allocations.c.id).limit(1)).mappings().one()
    other = connection.execute(select(orders.c.id).where(orders.c.state == "scheduled").limit(1)).scalar_one()
    connection.execute(insert(allocations).values(**{**found, "id": "f" * 32, "order_id": other}))


def double_share(connection: Connection) -> None:
    """Let two orders be built as one."""
    first = connection.execute(select(build_orders.c.order_id).order_by(build_orders.c.id).limit(1)).scalar_one()
    connection.execute(update(build_orders).values(order_id=first))


def one_order_two_cars(connection: Connection) -> None:
    """Give two cars to one order."""
    first = connection.execute(select(allocations.c.order_id).order_by(allocations.c.id).limit(1)).scalar_one()
    connection.execute(update(allocations).values(order_id=first, made_at=MONDAY_MORNING))


def alter_quote(connection: Connection) -> None:
    """Alter the document of an accepted quote."""
    found = select(quotes.c.id, quotes.c.document).join(pre_orders, pre_orders.c.quote_id == quotes.c.id)
    row = connection.execute(found.limit(1)).one()
    document = row.document | {"total_minor": row.document["total_minor"] + 100}
    connection.execute(update(quotes).where(quotes.c.id == row.id).values(document=document))


def misname_key(connection: Connection) -> None:
    """Let a key name a pre-order that is not there."""
    token = connection.execute(select(idempotency_keys.c.token).limit(1)).scalar_one()
    wrong = {"pre_order_id": "0" * 32}
    connection.execute(update(idempotency_keys).where(idempotency_keys.c.token == token).values(outcome=wrong))


def leave_late(connection: Connection) -> None:
    """Date a withdrawal after the pool's freeze."""
    later = select(pools.c.deadline).order_by(pools.c.id.desc()).limit(1).scalar_subquery()
    where = (pre_order_changes.c.state == "withdrawn") & (pre_order_changes.c.reason == "withdrawn")
    connection.execute(update(pre_order_changes).where(where).values(at=later))


def promise_without_order(connection: Connection) -> None:
    """Let a backing convert by an order that is not there."""
    found = connection.execute(select(backings.c.id, backings.c.proposal_id).where(backings.c.state == "held")).one()
    promise = {"available_by": MONDAY_MORNING.date(), "ceiling_minor": 1, "made_at": MONDAY_MORNING}
    connection.execute(insert(commitments).values(**promise, proposal_id=found.proposal_id, outcome="pending"))
    converted = {"state": "converted", "pre_order_id": "0" * 32}
    connection.execute(update(backings).where(backings.c.id == found.id).values(**converted))


def turn_back(connection: Connection) -> None:
    """Let a car's odometer show less at its arrival than when it was loaded."""
    first = connection.execute(select(condition_checks)).mappings().first()
    assert first is not None
    later = {"id": "f" * 32, "at_hand_over": "inspected", "odometer_km": 0, "at": first["at"] + timedelta(hours=1)}
    connection.execute(insert(condition_checks).values(**(dict(first) | later)))


CLOSED_CASE: Final = {"state": "closed", "closed_at": MONDAY_MORNING, "borne_by": "carrier"}
transfer, pool, pre_order, order, car = ledger_transfers.c, pools.c, pre_orders.c, orders.c, vehicles.c
LOCKED: Final = pre_order.state == "locked"
OVER: Final = select(pool_plans.c.pool_id).where(pool_plans.c.closed_at.is_not(None))


def _join_after_the_freeze(connection: Connection) -> None:
    """Let a pool have frozen before its members joined, who never agreed to that."""
    connection.execute(update(pre_orders).values(accepts_frozen=False))
    done = connection.execute(update(pool_changes).where(pool_changes.c.state == "frozen").values(at=MONDAY_MORNING))
    assert done.rowcount >= 1


PLANTED: Final[dict[str, Plant]] = {
    **planted_offers.PLANTED,
    "who is in a pool of every trim has agreed to that": change(pools, pools.c.state == "locked", level="L2"),
    "who is in a frozen or locked pool pays cash, or has finance and plate": change(
        pre_orders, pre_orders.c.state == "locked", method="instalments"
    ),
    "who joined a frozen pool has agreed to stay": _join_after_the_freeze,
    "nothing is shown of a circle that speaks of fewer than ten persons": change(
        circle_figures, circle_figures.c.figure == "members", shown=7
    ),
    "an invitation let in no more persons than it was used for, and into its circle alone": change(
        circle_invitations, circle_invitations.c.uses > 0, uses=1
    ),
    "nobody but its founder is in an invited circle without an invitation": change_all(
        circle_members, circle_members.c.invitation_id.is_not(None), invitation_id=None
    ),
    # money
    "every transfer moves an amount above zero between two accounts": change(
        ledger_transfers, transfer.kind == "earnest", amount_minor=0
    ),
    "no account that holds other people's money is below zero": book(
        kind="planted", debit="deposit:nobody", credit="sales:nobody"
    ),
    "every payment that was received is booked exactly once": drop(ledger_transfers, transfer.kind == "deposit_held"),
    "nothing is booked as received that no payment brought": book(
        kind="planted", debit="provider:sandbox", credit="sales:nobody"
    ),
    "a payment is sent back once, when and only when it is said to be": change(
        payments, payments.c.state == "received", state="refunded"
    ),
    "money that a provider declined for good, or that was charged back, is booked back whole, and no other": drop(
        ledger_transfers, transfer.kind == "declined"
    ),
    "what is on its way back is what was asked back": change(
        ledger_transfers, transfer.kind == "deposit_returned", amount_minor=1
    ),
    "money that came too late, or did not fit, stays nowhere but on its way back": drop(
        ledger_transfers, transfer.kind == "late_returned"
    ),
    "money moved by hand was approved by a second operator and booked": change(
        money_by_hand, money_by_hand.c.state == "approved", decided_by=money_by_hand.c.proposed_by
    ),
    "a deposit account holds the deposit exactly while a place or a wait is funded": change(
        ledger_transfers, transfer.kind == "deposit_held", amount_minor=transfer.amount_minor + 1
    ),
    "no deposit or earnest money lies on an account of no pre-order": book(
        kind="planted", debit="provider:sandbox", credit="earnest:nobody"
    ),
    "a deposit became earnest money once, at the lock and only there": drop(
        ledger_transfers, transfer.kind == "earnest"
    ),
    "a pre-order and the payment of its deposit say the same": change(
        payments,
        payments.c.subject_id.in_(select(pre_order.id).where(pre_order.state == "pooled")),
        state="failed",
    ),
    "a bonus that was granted is booked": change(
        early_bonuses, early_bonuses.c.amount_minor > 0, amount_minor=early_bonuses.c.amount_minor + 1
    ),
    "an order owes what was asked for at its handover, and nothing once it is paid": change(
        ledger_transfers, transfer.kind == "balance_received", amount_minor=transfer.amount_minor - 1
    ),
    "earnest money lies on its account until it is set off": drop(ledger_transfers, transfer.kind == "earnest_applied"),
    "late credits are booked day by day and stay below their cap": credit_a_day,
    # cars
    "a car is bound to one order": without_index("uq_allocations_active_vin", bind_twice),
    "an order has one car": without_index("uq_allocations_active_order", one_order_two_cars),
    "an order that has a car is bound to that car, and no other order is bound": change(
        orders, order.state == "delivered", vin=None
    ),
    "a car's state is that of its allocation and its order": change(
        vehicles, car.state == "delivered", state="allocated"
    ),
    "a car's number has the structure and the check digit of the standard": change(
        vehicles, car.state == "delivered", vin="LZZA10PT1TA000009"
    ),
    "newness only descends, and a car is as new as its passport says": edit_entry("delivered", newness="used"),
    "a car that is not new is bound to nobody but who agreed to take it": change(
        vehicles, car.state == "allocated", newness=2
    ),
    "what happened to a car is disclosed, and accepted before it is delivered": drop(
        vehicle_disclosures, vehicle_disclosures.c.reason == "rework"
    ),
    "what is found on a car's way is disclosed": change(
        damage_cases, damage_cases.c.id != "", opened_at=MONDAY_MORNING + timedelta(days=9_000)
    ),
    "what a car's damage costs is disclosed": change(
        damage_cases, damage_cases.c.id != "", **CLOSED_CASE, repair_minor=10**9
    ),
    # places and weeks
    "a pool counts the places that are held in it, and who agrees to which tier": change(
        pools, pool.state == "open", reaching=[3, 3, 2]
    ),
    "members never exceed the member limit, those locked never the capacity": change(
        pools, pool.state == "open", members=pool.member_limit + 1
    ),
    "reserved and used are what pools hold and cars took, week by week and option by option": change(
        capacity_weeks, capacity_weeks.c.used > 0, used=capacity_weeks.c.used + 1
    ),
    "a delivered car has its vehicle invoice over its price": change(
        papers, papers.c.kind == "vehicle_invoice", amount_minor=1
    ),
    "a day's cars that have not begun stand behind those that have, without a hole": change(
        build_orders, build_orders.c.stage == "queued", position=build_orders.c.position + 50
    ),
    "a day of the line has the cars and the figures that its build orders give": change(
        line_days, line_days.c.cars > 0, cars=line_days.c.cars + 1
    ),
    "a stock car that somebody holds is bound to no order": planted_stock.hold_bound_car,
    "a stock car that was bought has one order, at its quote's price and for its buyer": (
        planted_stock.buy_without_order
    ),
    "a purchase is open exactly as long as its car is held": planted_stock.leave_open,
    "a sharing out of stock cars is proven, and has the moves that it says": planted_stock.share_without_proof,
    "a stock car that was sent goes its way to that store": planted_stock.send_nowhere,
    "what stores are owed of stock cars replays from its lines and adds up to nothing": (
        planted_stock.owe_out_of_nothing
    ),
    "a stock order has as many cars as it says, and was within what its store may have": (
        planted_stock.order_without_cars
    ),
    "a car that was ordered for stock is bound to nobody and promised to nobody": planted_stock.promise_a_stock_car,
    "a round of swaps is proven, and has the swaps that it says": planted_stock.swap_nothing,
    "a car that an order gave away went to another one, for an equal car, and made nobody more days late": (
        planted_stock.give_away
    ),
    "a store's fee for a car is that of its buyer's quote": planted_stock.halve_a_fee,
    "a store has its part of each car that was signed for, as the ledger has it": planted_stock.owe_a_store_more,
    "a round of offers of free cars is proven, and has the offers that it says": planted_stock.offer_nothing,
    "a free car that is offered is bound to nobody, and one that was taken was bound to its buyer": (
        planted_stock.offer_bound_car
    ),
    "an order's car goes to the store that its buyer picked last": planted_stock.send_elsewhere,
    "the deposit for a stock car lies on its account until it is set off": planted_stock.put_down_twice,
    "no odometer runs backwards": turn_back,
    "what a plant has of a part is what moved of it": change(part_stocks, part_stocks.c.on_hand > 0, on_hand=999),
    "what a car took of a part comes back where it leaves before its body": planted_stock.give_back_parts,
    "what pools have promised is what holds and members take of it": change(
        promise_holds, promise_holds.c.state == "kept", state="ended", ended_at=MONDAY_MORNING
    ),
    "a member's place is kept in the pool that they are in": change(
        promise_holds, promise_holds.c.state == "kept", pool_id="9" * 32
    ),
    "a pool that is over holds nothing but for its orders that wait for a week": change(
        pool_reservations, pool_reservations.c.pool_id.in_(OVER), held=1
    ),
    "each order with a contract's date counts towards the calibration of promises by that date": drop(
        promise_outcomes, promise_outcomes.c.order_id != ""
    ),
    "no week is taken beyond its capacity": change(
        capacity_weeks, capacity_weeks.c.reserved > 0, reserved=capacity_weeks.c.capacity + 1
    ),
    "a batch has as many orders as it says, within the plant's limits": change(
        batches, batches.c.size > 0, size=batches.c.size + 1
    ),
    "what a plant reported of a car is counted without a gap": change(
        build_orders, build_orders.c.stage == "passed", events=9
    ),
    "a car on the line stands where its plant's last report says": change(
        build_orders, build_orders.c.stage == "passed", stage="rework"
    ),
    "an order is being built once at a time": without_index("uq_build_orders_order", double_share),
    "one person holds one place in a pool": without_index(
        "uq_pre_orders_one_place", change_all(pre_orders, LOCKED, person_id="1" * 32)
    ),
    # votes, keys, histories
    "one person has one vote on a proposal, and votes cast and revoked add up to those held": drop(
        held_votes, held_votes.c.budget_place == 1
    ),
    "no place of a quarter's votes is used twice": without_index(
        "uq_held_votes_budget", change_all(held_votes, held_votes.c.budget_place > 0, budget_place=1)
    ),
    "a comparison's answers are to what was dealt, each once": change(
        comparison_participants, comparison_participants.c.completed_at.isnot(None), version=1
    ),
    "a comparison's chain tells the sheets that were completed": change(
        price_answers, price_answers.c.took, took=False
    ),
    "what a comparison released speaks of k persons at least": change(
        item_outcomes, item_outcomes.c.number == 0, take_rate=5_000, take_rate_low=4_000, take_rate_high=6_000
    ),
    # backings and promises
    "a backing's account holds its money exactly while it is held": change(
        ledger_transfers, transfer.kind == "backing_held", amount_minor=transfer.amount_minor + 1
    ),
    "no money of backers lies on an account of no backing": book(
        kind="planted", debit="provider:sandbox", credit="backing:nobody"
    ),
    "one person backs a proposal once": without_index(
        "uq_backings_one_each",
        change_all(backings, backings.c.state.in_(("held", "acknowledged")), person_id="1" * 32),
    ),
    "a backing's last noted change is its state": change(backings, backings.c.state == "withdrawn", state="refunded"),
    "money is held only behind proposals under way": change(proposals, proposals.c.state == "backing", state="expired"),
    "a published threshold is what its terms make": change(
        backing_terms, backing_terms.c.threshold > 0, threshold=backing_terms.c.threshold + 1
    ),
    "a proposal has the terms and the promise that its state asks for, and no promise is dearer than published": (
        change(proposals, proposals.c.state == "backing", state="committed")
    ),
    "who converted has ordered within the window": promise_without_order,
    "a car that carries a wish was ordered with the option that names it": change(
        proposal_cars, proposal_cars.c.option == "RED", option="GOLD"
    ),
    "a proposal's chain tells its backers": change(
        record_entries, record_entries.c.kind == "backing.withdrawn", kind="backing.forgotten"
    ),
    "what is shown of backers speaks of ten at least and is rounded": change(
        backing_terms, backing_terms.c.threshold > 0, shown_backers=7
    ),
    "a key names one pre-order of its account, and each pre-order has one while keys are kept": misname_key,
    "a pre-order's last noted change is its state": change(
        pre_orders, pre_order.state == "withdrawn", state="refunded"
    ),
    # prices
    "a locked price is the quoted one less the pool's discount, and within the cap": change(
        pre_orders, LOCKED, price_minor=pre_order.price_minor + 100
    ),
    "a locked pool gives the discount of the tier it cleared at": change(pools, pool.state == "locked", discount_bp=1),
    "a pre-order stands on the quote that was accepted for it, at its price": change(
        pre_orders, LOCKED, vehicle_price_minor=pre_order.vehicle_price_minor + 100
    ),
    "accepted quotes recompute from their pinned versions": alter_quote,
    "a kept car's last noted change is its state, and it moved on within its account": change(
        configurations, configurations.c.state == "saved", state="deleted"
    ),
    "an order costs what was locked, and no more than its quote's guaranteed lines": change(
        orders, order.state == "scheduled", guaranteed_other_minor=order.guaranteed_other_minor + 10_000_000
    ),
    "what an order changed to, and what it costs more or less, is what its buyer agreed to": change(
        orders, order.state == "scheduled", fees_minor=1
    ),
    "a plant builds the car that is ordered by now": change(
        build_orders, build_orders.c.stage == "passed", options=["GOLD"]
    ),
    "a car that is said to carry a wish has the option": change(
        vehicles, vehicles.c.vin.in_(select(proposal_cars.c.vin)), options=["GOLD"]
    ),
    "a balance asks for the car and the store's part as they were locked": change(
        order_balances, order_balances.c.vehicle_minor > 0, vehicle_minor=order_balances.c.vehicle_minor + 1
    ),
    "third-party lines are those of the day, less what the maker's lateness caused": change(
        order_balances, order_balances.c.vehicle_minor > 0, third_party_minor=order_balances.c.third_party_minor + 1
    ),
    "no balance was asked for before the car had its number and the buyer had inspected it": change(
        handovers, handovers.c.state == "inspected", inspected_at=handovers.c.appointment_at
    ),
    # what cannot be taken back
    "nobody left a pool after its freeze": leave_late,
    "a member was removed only for a returned payment or, by an operator, a proven fraud": change(
        payments, payments.c.state == "declined", state="refunded"
    ),
    "every chain of the record verifies from its first entry to its head": edit_entry("pool.opened", minimum=1),
    "the latest sealed days' roots are those of their chains": change(
        record_days, record_days.c.chains > 0, root="0" * 64
    ),
    "a proposal's chain replays to its state and to the votes that are held": change(
        record_entries, record_entries.c.kind == "vote.cast", kind="vote.forgotten"
    ),
    "a pool's chain replays to the members it holds and to the clearing that was made": edit_entry(
        "pool.cap_raised", price_cap_minor=1
    ),
    "no published cell is about fewer than k persons, and every count is rounded": change(
        cube_cells, cube_cells.c.chosen > 0, chosen=5
    ),
    "the counts of the cubes are those of the people behind them": change(
        cube_blocks, cube_blocks.c.cube == "take_rates", counts={"": [1, 1]}
    ),
    "the latest releases are what their log gives": change(cube_cells, cube_cells.c.first == "RED", offered=95),
}
