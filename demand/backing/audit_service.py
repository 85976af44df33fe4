"""What must hold of backings and promises on a live database (DOMAIN sections 4 and 6.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Executable, bindparam, case, func, literal, select

from demand.backing.model import threshold_of
from demand.backing.tables import backing_changes, backing_terms, backings, fulfilments, proposal_cars
from demand.pools.tables import pre_orders
from demand.votes.chain import chain_of
from demand.votes.replay import replay_proposal
from demand.votes.tables import proposals
from kernel import record
from kernel.soundness import Check, account_balances, rows_violating
from kernel.work import Work


def _accounts() -> Executable:
    """Select backings whose account is not what their state says."""
    balances, table = account_balances(), backings.c
    held = func.coalesce(balances.c.balance, 0)
    expected = case((table.state == "held", table.deposit_minor), else_=0)
    return (
        select(table.id, table.state, held.label("held"))
        .select_from(backings.outerjoin(balances, balances.c.account == literal("backing:") + table.id))
        .where(table.brand_id == bindparam("brand_id"), held != expected)
    )


def _orphans() -> Executable:
    """Select accounts of backings that hold something for no backing."""
    balances = account_balances()
    return select(balances.c.account, balances.c.balance).where(
        balances.c.account.like("backing:%"),
        balances.c.balance != 0,
        ~select(backings.c.id).where(balances.c.account == literal("backing:") + backings.c.id).exists(),
    )


_ONE_EACH: Final = """
    SELECT proposal_id, COUNT(*) AS backings FROM backings
    WHERE brand_id = :brand_id AND state IN ('acknowledged', 'held', 'converted', 'lapsed')
    GROUP BY proposal_id, person_id HAVING COUNT(*) > 1
"""
_LAST_CHANGE: Final = """
    SELECT backings.id, backings.state, last.state AS noted FROM backings
    LEFT JOIN backing_changes AS last ON last.serial = (
        SELECT MAX(serial) FROM backing_changes WHERE backing_id = backings.id
    )
    WHERE backings.brand_id = :brand_id AND (last.state IS NULL OR last.state <> backings.state)
"""
# Money is held only where a proposal is under way; a proposal that is over has given everything back.
_OVER: Final = """
    SELECT backings.id, proposals.state FROM backings JOIN proposals ON proposals.id = backings.proposal_id
    WHERE backings.brand_id = :brand_id AND backings.state IN ('acknowledged', 'held')
        AND proposals.state NOT IN ('backing', 'committed', 'in_catalogue')
        AND NOT (backings.state = 'acknowledged' AND proposals.state IN ('declined', 'expired', 'converted'))
"""
_STAGES: Final = """
    SELECT proposals.id, proposals.state FROM proposals
    LEFT JOIN backing_terms ON backing_terms.proposal_id = proposals.id
    LEFT JOIN commitments ON commitments.proposal_id = proposals.id
    WHERE proposals.brand_id = :brand_id AND (
        (proposals.state IN ('backing', 'committed', 'in_catalogue', 'converted') AND backing_terms.proposal_id IS NULL)
        OR (proposals.state IN ('committed', 'in_catalogue', 'converted') AND commitments.proposal_id IS NULL)
        OR (proposals.state IN ('in_catalogue', 'converted') AND commitments.option IS NULL)
        OR (proposals.state = 'committed' AND commitments.option IS NOT NULL)
        OR (proposals.state IN ('in_catalogue', 'converted') AND commitments.outcome = 'pending')
        OR (proposals.state = 'declined' AND commitments.outcome IN ('pending', 'kept'))
        OR commitments.ceiling_minor > backing_terms.price_minor
    )
"""
_CONVERTED: Final = """
    SELECT backings.id FROM backings
    JOIN commitments ON commitments.proposal_id = backings.proposal_id
    LEFT JOIN pre_orders ON pre_orders.id = backings.pre_order_id AND pre_orders.person_id = backings.person_id
        AND pre_orders.placed_at >= commitments.window_opens_at AND pre_orders.placed_at < commitments.window_ends_at
    WHERE backings.brand_id = :brand_id AND backings.state = 'converted' AND pre_orders.id IS NULL
"""
_SMALL: Final = """
    SELECT backing_terms.proposal_id, backing_terms.shown_backers FROM backing_terms
    JOIN proposals ON proposals.id = backing_terms.proposal_id
    WHERE proposals.brand_id = :brand_id
        AND (backing_terms.shown_backers < 10 OR backing_terms.shown_backers % 5 <> 0
            OR backing_terms.shown_bound % 5 <> 0)
"""


def _wrong_thresholds(work: Work) -> Iterator[str]:
    table = backing_terms.c
    found = (
        select(backing_terms)
        .join(proposals, proposals.c.id == table.proposal_id)
        .where(proposals.c.brand_id == work.actor.brand_id)
    )
    for row in work.connection.execute(found):
        expected = threshold_of(
            tooling_minor=row.tooling_minor, price_minor=row.price_minor, unit_cost_minor=row.unit_cost_minor
        )
        if row.threshold != expected:
            yield f"proposal {row.proposal_id} published {row.threshold}, its terms make {expected}"


def _untold(work: Work) -> Iterator[str]:
    """Replay each proposal's chain: who came and has not gone is who holds a backing, or held it to the end."""
    table, changes = backings.c, backing_changes.c
    # Money that came when no backings were taken any more went back at once, and never counted.
    was_held = select(changes.serial).where(changes.backing_id == table.id, changes.state == "held").exists()
    stayed = table.state.in_(("held", "lapsed", "refunded")) & was_held
    counted = (
        select(table.proposal_id, func.sum(case((stayed, 1), else_=0)).label("backers"))
        .where(table.brand_id == work.actor.brand_id)
        .group_by(table.proposal_id)
        .order_by(table.proposal_id)
    )
    for row in work.connection.execute(counted).all():
        told = len(replay_proposal(row.proposal_id, record.walk(work, chain_of(row.proposal_id))).backers)
        if told != row.backers:
            yield f"proposal {row.proposal_id} has {row.backers} backers, its chain tells {told}"


def _strange_cars(work: Work) -> Iterator[str]:
    """Hold what cars are said to carry against what the catalogue they were ordered from named.

    What a car for stock was ordered from is held against its build order, in the room that knows those.
    """
    cars, orders = proposal_cars.c, pre_orders.c
    found = (
        select(cars.vin, cars.option, cars.proposal_id, cars.version_id, orders.version_id, fulfilments.c.version_id)
        .select_from(proposal_cars)
        .outerjoin(pre_orders, orders.id == cars.pre_order_id)
        .outerjoin(fulfilments, (fulfilments.c.proposal_id == cars.proposal_id) & (fulfilments.c.option == cars.option))
        .where(cars.brand_id == work.actor.brand_id)
    )
    for vin, option, proposal_id, noted, ordered_in, named_in in work.connection.execute(found):
        if named_in is None or noted < named_in or ordered_in not in (None, noted):
            yield f"car {vin} is said to carry {option} for proposal {proposal_id}"


CHECKS: Final = (
    Check(
        "a backing's account holds its money exactly while it is held",
        1,
        rows_violating(_accounts(), shape="backing {id} is {state} and its account holds {held}"),
    ),
    Check(
        "no money of backers lies on an account of no backing",
        1,
        rows_violating(_orphans(), shape="{account} holds {balance}"),
    ),
    Check(
        "one person backs a proposal once",
        5,
        rows_violating(_ONE_EACH, shape="{backings} backings of one person for proposal {proposal_id}"),
    ),
    Check(
        "a backing's last noted change is its state",
        6,
        rows_violating(_LAST_CHANGE, shape="backing {id} is {state}, noted last is {noted}"),
    ),
    Check(
        "money is held only behind proposals under way",
        1,
        rows_violating(_OVER, shape="backing {id} stands behind a proposal that is {state}"),
    ),
    Check("a published threshold is what its terms make", 8, _wrong_thresholds),
    Check(
        "a proposal has the terms and the promise that its state asks for, and no promise is dearer than published",
        8,
        rows_violating(_STAGES, shape="proposal {id} is {state}"),
    ),
    Check(
        "who converted has ordered within the window",
        5,
        rows_violating(_CONVERTED, shape="backing {id} has no such order"),
    ),
    Check("a car that carries a wish was ordered with the option that names it", 8, _strange_cars),
    Check("a proposal's chain tells its backers", 11, _untold),
    Check(
        "what is shown of backers speaks of ten at least and is rounded",
        12,
        rows_violating(_SMALL, shape="proposal {proposal_id} shows {shown_backers} backers"),
    ),
)
