"""What must hold in demand on a live database (DOMAIN section 4), each check derived anew from the rows themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final, assert_never

from sqlalchemy import Executable, bindparam, case, func, literal, select

from configurator.model import member_price_minor
from configurator.quote_queries import load_quotes
from demand.backing import audit_service as backing_audit
from demand.circles import audit_service as circles_audit
from demand.compare import audit_service as compare_audit
from demand.cubes import audit_service as cubes_audit
from demand.pools.chain_store import chain_of
from demand.pools.clearing import count_reaching
from demand.pools.model import (
    CancelledPool,
    FailedPool,
    FrozenPool,
    LockedPool,
    Offer,
    OpenPool,
    RolledPool,
    ScheduledPool,
    state_of,
)
from demand.pools.replay import replay_pool
from demand.pools.rows import StoredPool, pool_from
from demand.pools.tables import pool_clearings, pools, pre_orders
from demand.votes.chain import chain_of as proposal_chain
from demand.votes.replay import replay_proposal
from demand.votes.tables import held_votes, proposals
from kernel import record
from kernel.idempotency import KEPT_FOR, idempotency_keys
from kernel.soundness import Check, account_balances, rows_violating
from kernel.work import Work

AT_ONCE: Final = 200


# --- places ----------------------------------------------------------------------------------------------------------


def _own_pools(work: Work) -> Iterator[StoredPool]:
    found = select(pools).where(pools.c.brand_id == work.actor.brand_id).order_by(pools.c.id)
    for row in work.connection.execute(found).mappings().all():
        yield pool_from(row)


def _wrong_counts(work: Work) -> Iterator[str]:
    table = pre_orders.c
    held: dict[tuple[str, str], list[Offer]] = defaultdict(list)
    last: Counter[str] = Counter()
    found = select(
        table.pool_id, table.state, table.vehicle_price_minor, table.price_cap_minor, table.place_number
    ).where(table.brand_id == work.actor.brand_id, table.state.in_(("pooled", "locked")))
    for row in work.connection.execute(found):
        held[row.pool_id, row.state].append(Offer(row.vehicle_price_minor, row.price_cap_minor))
        last[row.pool_id] = max(last[row.pool_id], row.place_number or 0)
    for stored in _own_pools(work):
        head = stored.pool.head
        pooled, locked = held[head.id, "pooled"], held[head.id, "locked"]
        if not _fits(stored, pooled, locked) or stored.joined < last[head.id]:
            found_now = f"{len(pooled)} pooled and {len(locked)} locked"
            yield f"{state_of(stored.pool)} pool {head.id} counts {head.members}, there are {found_now}"


def _fits(stored: StoredPool, pooled: list[Offer], locked: list[Offer]) -> bool:
    head = stored.pool.head
    match stored.pool:
        case OpenPool() | FrozenPool():
            counted = count_reaching(pooled, head.terms)
            return not locked and head.members == len(pooled) and head.reaching == counted
        case LockedPool():
            return not pooled and head.members == stored.pool.cleared == len(locked)
        case ScheduledPool() | FailedPool() | RolledPool() | CancelledPool():
            return head.members == 0 and not pooled and not locked


# --- prices ----------------------------------------------------------------------------------------------------------


def _wrong_prices(work: Work) -> Iterator[str]:
    table = pre_orders.c
    locked = {one.pool.head.id: one.pool for one in _own_pools(work) if isinstance(one.pool, LockedPool)}
    found = select(table.id, table.pool_id, table.vehicle_price_minor, table.price_cap_minor, table.price_minor).where(
        table.brand_id == work.actor.brand_id, table.state == "locked"
    )
    for row in work.connection.execute(found):
        pool = locked.get(row.pool_id)
        price = None if pool is None else member_price_minor(row.vehicle_price_minor, pool.discount_bp)
        if price != row.price_minor or row.price_minor > row.price_cap_minor:
            yield f"pre-order {row.id} is locked at {row.price_minor} instead of {price}, cap {row.price_cap_minor}"


def _wrong_discounts(work: Work) -> Iterator[str]:
    for stored in _own_pools(work):
        if isinstance(stored.pool, LockedPool):
            reached = [tier for tier in stored.pool.head.terms.tiers if tier.members <= stored.pool.cleared]
            if not reached or reached[-1].discount_bp != stored.pool.discount_bp:
                yield f"pool {stored.pool.head.id} cleared {stored.pool.cleared} at {stored.pool.discount_bp} bp"


def _wrong_quotes(work: Work) -> Iterator[str]:
    table = pre_orders.c
    after = ""
    while True:
        found = (
            select(table.id, table.quote_id, table.vehicle_price_minor)
            .where(table.brand_id == work.actor.brand_id, table.id > after)
            .order_by(table.id)
            .limit(AT_ONCE)
        )
        rows = work.connection.execute(found).all()
        if not rows:
            return
        quotes = load_quotes(work, [row.quote_id for row in rows])
        for row in rows:
            known = quotes.get(row.quote_id)
            if (
                known is None
                or (known.ending, known.reference) != ("accepted", row.id)
                or known.signed.quote.vehicle_price_minor != row.vehicle_price_minor
            ):
                yield f"pre-order {row.id} is not what its quote {row.quote_id} says"
        after = rows[-1].id


# --- money -----------------------------------------------------------------------------------------------------------


def _deposit_accounts() -> Executable:
    """Select pre-orders whose deposit account is not what their state says."""
    balances, table = account_balances(), pre_orders.c
    held = func.coalesce(balances.c.balance, 0)
    expected = case((table.state.in_(("pooled", "rolled_over")), table.deposit_minor), else_=0)
    return (
        select(table.id, table.state, held.label("held"))
        .select_from(pre_orders.outerjoin(balances, balances.c.account == literal("deposit:") + table.id))
        .where(table.brand_id == bindparam("brand_id"), held != expected)
    )


def _orphan_accounts() -> Executable:
    """Select accounts of deposits and earnest money that hold something for no pre-order."""
    balances = account_balances()
    kinds = [literal(f"{kind}:") + pre_orders.c.id for kind in ("deposit", "earnest")]
    return select(balances.c.account, balances.c.balance).where(
        balances.c.account.like("deposit:%") | balances.c.account.like("earnest:%"),
        balances.c.balance != 0,
        ~select(pre_orders.c.id).where(balances.c.account.in_(kinds)).exists(),
    )


_EARNEST: Final = """
    SELECT pre_orders.id, COUNT(ledger_transfers.id) AS times FROM pre_orders
    LEFT JOIN ledger_transfers ON ledger_transfers.kind = 'earnest' AND ledger_transfers.reference = pre_orders.id
        AND ledger_transfers.amount_minor = pre_orders.deposit_minor
    WHERE pre_orders.brand_id = :brand_id
    GROUP BY pre_orders.id, pre_orders.state
    HAVING COUNT(ledger_transfers.id) <> CASE WHEN pre_orders.state = 'locked' THEN 1 ELSE 0 END
"""
_DEPOSITS: Final = """
    SELECT pre_orders.id, pre_orders.state, payments.state AS payment FROM pre_orders
    JOIN payments ON payments.id = pre_orders.payment_id
    WHERE pre_orders.brand_id = :brand_id AND (
        payments.subject_id <> pre_orders.id OR payments.amount_minor <> pre_orders.deposit_minor
        OR payments.account_id <> pre_orders.account_id
        OR (pre_orders.state IN ('pooled', 'rolled_over') AND payments.state <> 'received')
        OR (pre_orders.state = 'locked' AND payments.state NOT IN ('received', 'declined', 'charged_back')
            AND NOT EXISTS (SELECT 1 FROM ledger_transfers
            WHERE ledger_transfers.kind = 'earnest_returned' AND ledger_transfers.reference = pre_orders.id))
        OR (pre_orders.state = 'refunded'
            AND payments.state NOT IN ('refunding', 'refunded', 'declined', 'charged_back'))
        OR (pre_orders.state = 'removed' AND payments.state = 'received')
        OR (pre_orders.state IN ('acknowledged', 'withdrawn', 'expired_unpaid') AND payments.state = 'received')
    )
"""
_BONUSES: Final = """
    SELECT early_bonuses.pre_order_id AS id FROM early_bonuses
    LEFT JOIN ledger_transfers ON ledger_transfers.kind = 'early_bonus'
        AND ledger_transfers.reference = early_bonuses.pre_order_id || ':' || early_bonuses.year
        AND ledger_transfers.amount_minor = early_bonuses.amount_minor
    WHERE early_bonuses.brand_id = :brand_id AND ledger_transfers.id IS NULL
"""


# --- one each --------------------------------------------------------------------------------------------------------

_ONE_PLACE: Final = """
    SELECT pool_id, person_id, COUNT(*) AS places FROM pre_orders
    WHERE brand_id = :brand_id AND state IN ('pooled', 'locked')
    GROUP BY pool_id, person_id HAVING COUNT(*) > 1
"""
# A pool that fills freezes in that moment, in which somebody may have left just before; its record has the order.
_FROZEN: Final = """
    SELECT pre_orders.id, pools.id AS pool_id FROM pre_order_changes AS gone
    JOIN pre_orders ON pre_orders.id = gone.pre_order_id
    JOIN pools ON pools.id = pre_orders.pool_id
    JOIN pre_order_changes AS before ON before.serial = (
        SELECT MAX(earlier.serial) FROM pre_order_changes AS earlier
        WHERE earlier.pre_order_id = gone.pre_order_id AND earlier.serial < gone.serial
    )
    WHERE pre_orders.brand_id = :brand_id AND gone.state = 'withdrawn' AND before.state = 'pooled'
        AND gone.at > pools.freeze_at
"""
_NO_CONSENT: Final = """
    SELECT pre_orders.id, pools.id AS pool_id FROM pre_orders JOIN pools ON pools.id = pre_orders.pool_id
    WHERE pre_orders.brand_id = :brand_id AND pre_orders.state IN ('pooled', 'locked')
        AND pools.level = 'L2' AND NOT pre_orders.accepts_wider_class AND pre_orders.failure_choice <> 'widen'
"""
_JOINED_FROZEN: Final = """
    SELECT pre_orders.id, froze.pool_id FROM pre_orders
    JOIN pool_changes AS froze ON froze.pool_id = pre_orders.pool_id AND froze.state = 'frozen'
    JOIN pre_order_changes AS joined ON joined.pre_order_id = pre_orders.id AND joined.state = 'pooled'
        AND joined.reason IN ('placed', 'funded', 'rolled_in') AND joined.at > froze.at
    WHERE pre_orders.brand_id = :brand_id AND pre_orders.state IN ('pooled', 'locked')
        AND NOT pre_orders.accepts_frozen
"""
_UNCLEARED: Final = """
    SELECT pre_orders.id, pools.id AS pool_id FROM pre_orders
    JOIN pools ON pools.id = pre_orders.pool_id JOIN stores ON stores.id = pre_orders.store_id
    WHERE pre_orders.brand_id = :brand_id AND pre_orders.method = 'instalments'
        AND (pre_orders.state = 'locked' OR (pre_orders.state = 'pooled' AND pools.state = 'frozen'))
        AND (pre_orders.finance_approved_at IS NULL OR (stores.plate_quota AND pre_orders.plate_confirmed_at IS NULL))
"""
_REMOVED: Final = """
    SELECT pre_orders.id, pre_orders.pool_id FROM pre_orders
    JOIN payments ON payments.id = pre_orders.payment_id
    JOIN pre_order_changes AS gone ON gone.pre_order_id = pre_orders.id AND gone.state = 'removed'
    WHERE pre_orders.brand_id = :brand_id
        AND NOT (gone.reason = 'payment_declined' AND payments.state = 'declined')
        AND NOT (gone.reason = 'payment_returned' AND payments.state = 'charged_back')
        AND NOT (gone.reason = 'fraud' AND gone.by IS NOT NULL
            AND payments.state IN ('refunding', 'refunded', 'charged_back'))
"""
_ONE_VOTE: Final = """
    SELECT votes.proposal_id, COUNT(*) AS entries FROM votes
    JOIN proposals ON proposals.id = votes.proposal_id
    LEFT JOIN held_votes ON held_votes.proposal_id = votes.proposal_id AND held_votes.person_id = votes.person_id
    WHERE proposals.brand_id = :brand_id
    GROUP BY votes.proposal_id, votes.person_id, held_votes.vote_id
    HAVING SUM(CASE WHEN votes.kind IN ('cast', 'taken_over') THEN 1 ELSE -1 END)
        <> CASE WHEN held_votes.vote_id IS NULL THEN 0 ELSE 1 END
"""
_VOTE_BUDGET: Final = """
    SELECT quarter, budget_place, COUNT(*) AS votes FROM held_votes
    WHERE brand_id = :brand_id
    GROUP BY person_id, quarter, budget_place HAVING COUNT(*) > 1
"""
_LAST_CHANGE: Final = """
    SELECT pre_orders.id, pre_orders.state, last.state AS noted FROM pre_orders
    LEFT JOIN pre_order_changes AS last ON last.serial = (
        SELECT MAX(serial) FROM pre_order_changes WHERE pre_order_id = pre_orders.id
    )
    WHERE pre_orders.brand_id = :brand_id AND (last.state IS NULL OR last.state <> pre_orders.state)
"""


def _wrong_keys(work: Work) -> Iterator[str]:
    """Look at the idempotency keys: each names a pre-order of its account; a pre-order has one, an old one at most."""
    table = pre_orders.c
    owners: dict[str, str] = {
        row.id: row.account_id for row in work.connection.execute(select(table.id, table.account_id))
    }
    found = select(table.id, table.placed_at).where(table.brand_id == work.actor.brand_id)
    own = {row.id: row.placed_at for row in work.connection.execute(found)}
    keys: Counter[str] = Counter()
    for account_id, outcome in work.connection.execute(
        select(idempotency_keys.c.account_id, idempotency_keys.c.outcome)
    ):
        named = outcome.get("pre_order_id") if isinstance(outcome, dict) else None
        if named is None:
            continue
        keys[named] += 1
        if named not in owners:
            yield f"a key of account {account_id} names pre-order {named}, which is not there"
        elif named in own and owners[named] != account_id:
            yield f"pre-order {named} is named by a key of another account"
    for pre_order_id in sorted(own):
        swept = keys[pre_order_id] == 0 and own[pre_order_id] < work.now - KEPT_FOR
        if keys[pre_order_id] != 1 and not swept:
            yield f"pre-order {pre_order_id} has {keys[pre_order_id]} keys"


# --- cubes ----------------------------------------------------------------------------------------------------------


def _wrong_cubes(work: Work) -> Iterator[str]:
    """Make the internal cubes anew from their rows and hold them against those that events kept up to date."""
    from demand.cubes.rebuild_service import wrong_blocks  # numpy stays out of a server

    for key in wrong_blocks(work):
        yield f"{key.table.cube} of {key.table.model or 'all'} in {key.region or 'all'}, week of {key.table.week}"


# --- the chain of a pool ---------------------------------------------------------------------------------------------


def _untold(work: Work) -> Iterator[str]:
    """Replay each pool's chain: it holds the members that the pool counts, and clears as the pool cleared."""
    table = pool_clearings.c
    found = select(table.pool_id, table.root).where(table.brand_id == work.actor.brand_id)
    published = {row.pool_id: row.root for row in work.connection.execute(found)}
    for stored in _own_pools(work):
        pool = stored.pool
        replay = replay_pool(pool.head.id, record.walk(work, chain_of(pool.head.id)))
        for fault in replay.faults:
            yield f"{chain_of(pool.head.id)} {fault}"
        match pool:
            case OpenPool() | FrozenPool():
                if len(replay.members) != pool.head.members:
                    yield f"pool {pool.head.id} has {pool.head.members} members, its chain {len(replay.members)}"
            case LockedPool():
                told = (replay.cleared, replay.discount_bp, replay.root)
                if told != (pool.cleared, pool.discount_bp, published.get(pool.head.id)):
                    yield f"pool {pool.head.id} cleared {pool.cleared} at {pool.discount_bp}, its chain says {told}"
            case ScheduledPool() | FailedPool() | RolledPool() | CancelledPool():
                pass
            case _:
                assert_never(pool)


def _untold_votes(work: Work) -> Iterator[str]:
    """Replay each proposal's chain: it goes the proposal's way, and as many hold a vote as there are."""
    counted = (
        select(proposals.c.id, proposals.c.state, func.count(held_votes.c.vote_id).label("held"))
        .outerjoin(held_votes, held_votes.c.proposal_id == proposals.c.id)
        .where(proposals.c.brand_id == work.actor.brand_id)
        .group_by(proposals.c.id, proposals.c.state)
    )
    for row in work.connection.execute(counted.order_by(proposals.c.id)).all():
        replay = replay_proposal(row.id, record.walk(work, proposal_chain(row.id)))
        for fault in replay.faults:
            yield f"{proposal_chain(row.id)} {fault}"
        if replay.state != row.state:
            yield f"proposal {row.id} is {row.state}, its chain says {replay.state}"
        if len(replay.voters) != row.held:
            yield f"proposal {row.id} has {row.held} votes, its chain tells {len(replay.voters)}"


CHECKS: Final = (
    Check("a pool counts the places that are held in it, and who agrees to which tier", 3, _wrong_counts),
    Check(
        "members never exceed the member limit, those locked never the capacity",
        3,
        rows_violating(
            "SELECT id, members, cleared FROM pools WHERE brand_id = :brand_id"
            " AND (members > member_limit OR cleared > capacity OR cleared < minimum)",
            shape="pool {id} has {members} members and cleared {cleared}",
        ),
    ),
    Check(
        "a deposit account holds the deposit exactly while a place or a wait is funded",
        1,
        rows_violating(_deposit_accounts(), shape="pre-order {id} is {state} and its deposit account holds {held}"),
    ),
    Check(
        "no deposit or earnest money lies on an account of no pre-order",
        1,
        rows_violating(_orphan_accounts(), shape="{account} holds {balance}"),
    ),
    Check(
        "a deposit became earnest money once, at the lock and only there",
        1,
        rows_violating(_EARNEST, shape="pre-order {id}: {times} times"),
    ),
    Check(
        "a pre-order and the payment of its deposit say the same",
        1,
        rows_violating(_DEPOSITS, shape="pre-order {id} is {state}, its payment {payment}"),
    ),
    Check("a bonus that was granted is booked", 1, rows_violating(_BONUSES, shape="the bonus of pre-order {id}")),
    Check(
        "one person holds one place in a pool",
        5,
        rows_violating(_ONE_PLACE, shape="{places} places of one person in pool {pool_id}"),
    ),
    Check(
        "one person has one vote on a proposal, and votes cast and revoked add up to those held",
        5,
        rows_violating(_ONE_VOTE, shape="proposal {proposal_id}: {entries} entries of one person do not add up"),
    ),
    Check(
        "no place of a quarter's votes is used twice",
        5,
        rows_violating(_VOTE_BUDGET, shape="{votes} votes of one person share place {budget_place} of {quarter}"),
    ),
    Check("a key names one pre-order of its account, and each pre-order has one while keys are kept", 6, _wrong_keys),
    Check(
        "a pre-order's last noted change is its state",
        6,
        rows_violating(_LAST_CHANGE, shape="pre-order {id} is {state}, noted last is {noted}"),
    ),
    Check("a locked price is the quoted one less the pool's discount, and within the cap", 7, _wrong_prices),
    Check("a locked pool gives the discount of the tier it cleared at", 7, _wrong_discounts),
    Check("a pre-order stands on the quote that was accepted for it, at its price", 8, _wrong_quotes),
    Check(
        "nobody left a pool after its freeze",
        10,
        rows_violating(_FROZEN, shape="pre-order {id} left pool {pool_id} after its freeze"),
    ),
    Check(
        "who is in a pool of every trim has agreed to that",
        10,
        rows_violating(_NO_CONSENT, shape="pre-order {id} is in pool {pool_id} of a wider class"),
    ),
    Check(
        "who joined a frozen pool has agreed to stay",
        10,
        rows_violating(_JOINED_FROZEN, shape="pre-order {id} joined pool {pool_id} after its freeze"),
    ),
    Check(
        "who is in a frozen or locked pool pays cash, or has finance and plate",
        10,
        rows_violating(_UNCLEARED, shape="pre-order {id} is in pool {pool_id} without approved finance or plate"),
    ),
    Check(
        "a member was removed only for a returned payment or, by an operator, a proven fraud",
        10,
        rows_violating(_REMOVED, shape="pre-order {id} was removed from pool {pool_id} without a cause"),
    ),
    Check("a proposal's chain replays to its state and to the votes that are held", 11, _untold_votes),
    Check("a pool's chain replays to the members it holds and to the clearing that was made", 11, _untold),
    *cubes_audit.CHECKS,
    Check("the counts of the cubes are those of the people behind them", 12, _wrong_cubes),
    *circles_audit.CHECKS,
    *compare_audit.CHECKS,
    *backing_audit.CHECKS,
)
