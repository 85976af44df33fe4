"""Opens pools: terms are checked against cost, those who wait for the class are taken in, earliest funded first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from demand.errors import CapTooLow, DepositAboveCeiling, TermsUnsound
from demand.pools.chain_store import chain_joined, chain_opened, pool_times
from demand.pools.events import PoolOpened, PreOrderRolled
from demand.pools.joining import admit, counts_uncleared, free_until, judge_consent
from demand.pools.model import (
    ClassLevel,
    FrozenPool,
    JoinablePool,
    OpenPool,
    Pool,
    PooledPreOrder,
    PoolHead,
    PoolId,
    ScheduledPool,
    WaitingPreOrder,
    check_terms,
    is_cleared,
    is_costlier,
)
from demand.pools.plan import PoolPlan, planned_terms
from demand.pools.plan_queries import check_tiers_pay
from demand.pools.policy import PoolPolicy
from demand.pools.pool_store import (
    OPEN_TIMER,
    WELCOME_TIMER,
    has_open_pool,
    insert_pool,
    lock_pool,
    save_pools,
    set_pool_timers,
    terms_of,
)
from demand.pools.pre_order_store import (
    began_anew,
    end_pre_orders,
    places_of,
    refund_day,
    save_pre_orders,
    stores_with_plate_quota,
)
from demand.pools.rows import StoredPool
from demand.pools.seats.clearance_store import save_after, uncleared_in
from demand.pools.seats.costlier_service import offer_terms
from demand.pools.seats.taking_back_service import take_back
from demand.pools.seats.waiting_store import Last, asked_by, may_answer_elsewhere, waiting_for
from kernel import policy
from kernel.actor import Permission, system
from kernel.errors import Refusal
from kernel.ids import BrandId
from kernel.reasons import because
from kernel.timers import set_timer
from kernel.work import Work

OPEN_AHEAD_MAX: Final = timedelta(days=366)
TAKEN_IN_AT_ONCE: Final = 500
BATCHES_AT_OPENING: Final = 20
LOOKS_AGAIN: Final = timedelta(hours=1)
NEVER_OPENED: Final = "another pool of the class was open until its freeze"


def open_pool(work: Work, plan: PoolPlan) -> ScheduledPool | JoinablePool:
    """Open a pool, or schedule one, which waits while another of its class is open; factory_orders reserves the slots.

    Refuses unsound terms, a tier below cost (the thinnest-margin legal car of the class, DOMAIN section 6.1) and a
    second open pool of the class. Members who rolled over and wait for this class join in the same change, so that they
    stand before those who come new; enough of them freeze it at once.
    """
    work.actor.require(Permission.POOL_MANAGE)
    rules = policy.current(work)
    terms = planned_terms(plan, rules.section(PoolPolicy))
    check_terms(terms)
    opens_at = plan.opens_at or work.now
    deadline = plan.deadline or _on_the_hour(opens_at + timedelta(days=rules.section(PoolPolicy).open_days))
    freeze_at = deadline - timedelta(hours=terms.freeze_hours)
    if not opens_at < freeze_at < work.now + OPEN_AHEAD_MAX:
        raise TermsUnsound(because("POOL_TIMES"))
    check_tiers_pay(work, plan.cls, terms, level=plan.level)
    head = PoolHead(
        id=PoolId(work.new_id()),
        brand_id=work.actor.brand_id,
        level=plan.level,
        class_key=plan.cls.l1_key if plan.level is ClassLevel.L1 else plan.cls.l2_key,
        plant_code=plan.cls.plant,
        terms=terms,
        policy_version=rules.version,
        opens_at=opens_at,
        freeze_at=freeze_at,
        deadline=deadline,
        members=0,
        reaching=(0,) * len(terms.tiers),
    )
    pool = ScheduledPool(head) if opens_at > work.now else OpenPool(head)
    insert_pool(work, pool)
    chain_opened(work, head)
    set_pool_timers(work, pool, notice_hours=rules.section(PoolPolicy).freeze_notice_hours)
    return _announce(work, pool.head) if isinstance(pool, OpenPool) else pool


def _on_the_hour(moment: datetime) -> datetime:
    """Return the next full hour, or the moment itself where it is one: people are told these times."""
    full = moment.replace(minute=0, second=0, microsecond=0)
    return full if full == moment else full + timedelta(hours=1)


def open_scheduled(work: Work, pool_id: str, _payload: object = None) -> None:
    """Open a scheduled pool whose time has come; the timer `demand.pool_open`.

    It waits while another pool of its class is open, and looks again within the hour. One that would open no sooner
    than its own freeze is taken back: nobody could join it freely.
    """
    work.actor.require(Permission.SYSTEM)
    stored = lock_pool(work, pool_id)
    head = stored.pool.head
    if not isinstance(stored.pool, ScheduledPool) or work.now < head.opens_at:
        return
    if work.now >= head.freeze_at:
        take_back(work, stored, reason=NEVER_OPENED)
    elif has_open_pool(work, head.class_key):
        set_timer(work, OPEN_TIMER, head.id, min(work.now + LOOKS_AGAIN, head.freeze_at))
    else:
        save_pools(work, [(stored, StoredPool(OpenPool(head), stored.joined))])
        _announce(work, head)


def _announce(work: Work, head: PoolHead) -> JoinablePool:
    """Tell that a pool is open, and take in those who wait for it before anybody can come first; returns it then.

    Up to 10,000 are looked at in this change. Who is further behind, and who rolled over in a change that was under way
    beside this one, is taken in by the timer.
    """
    work.record(PoolOpened(head.brand_id, head.id, head.class_key, head.plant_code, head.deadline))
    set_timer(work, WELCOME_TIMER, head.id, work.now)
    by_nobody = work.acting(system(BrandId(head.brand_id)))
    last: Last | None = None
    for _ in range(BATCHES_AT_OPENING):
        last = _take_in(by_nobody, head.id, after=last)
        if last is None:
            break
    opened = lock_pool(work, head.id).pool
    assert isinstance(opened, OpenPool | FrozenPool)
    return opened


def welcome_waiting(work: Work, pool_id: str, payload: object = None) -> None:
    """Take those who rolled over since into a pool that takes members; the timer `demand.pool_welcome`.

    Once more at the freeze (`demand.pool_answer`), when whoever was asked and said nothing has the money back.
    Up to 500 are looked at in a change; `payload` says who was the last one in the change before.
    """
    work.actor.require(Permission.SYSTEM)
    last = _take_in(work, pool_id, after=_read_last(payload))
    if last is not None:
        set_timer(work, WELCOME_TIMER, pool_id, work.now, payload=[last[0].isoformat(), last[1]])


def _read_last(payload: object) -> Last | None:
    match payload:
        case [str(funded_at), str(pre_order_id)]:
            return datetime.fromisoformat(funded_at), pre_order_id
        case _:
            return None


def _take_in(work: Work, pool_id: str, *, after: Last | None) -> Last | None:
    """Take in up to 500 of those who wait, earliest funded first; returns who was the last where more may wait.

    A member keeps the time of funding it came with. A place held already or a cap below every tier end in a refund, and
    so do costlier terms that they were asked about and did not accept until the freeze; but nobody is sent away who may
    still answer another pool. Where the pool is full or closed, or frozen and they have not agreed to that or could not
    be asked any more, people go on waiting.
    """
    stored = lock_pool(work, pool_id)
    head = stored.pool.head
    time = pool_times(work, [pool_id])[pool_id]
    stays = judge_consent(stored.pool, accepts_frozen=False, now=time) is not None
    frozen_id = pool_id if stays else None
    waiting = waiting_for(work, class_key=head.class_key, frozen_id=frozen_id, limit=TAKEN_IN_AT_ONCE, after=after)
    if not waiting:
        return None
    holders = {
        person_id for own, person_id in places_of(work, [one.head.person_id for one in waiting]) if own == pool_id
    }
    rationed = stores_with_plate_quota(work, [one.head.store_id for one in waiting])
    uncleared = uncleared_in(work, [stored.pool], newcomers=len(waiting)).get(pool_id, 0)
    now, taken, refused, asked = stored, list[tuple[WaitingPreOrder, int]](), _nobody(), _nobody()
    becomes = {"asked": asked, "refused": refused, "waits": _nobody()}
    costlier = _judge_costlier(work, stored.pool, waiting, now=time)
    for one in waiting:
        if one.head.person_id in holders:
            refused.append(one)
            continue
        if one.head.id in costlier:
            becomes[costlier[one.head.id]].append(one)
            continue
        cleared = is_cleared(one.head, needs_plate=one.head.store_id in rationed)
        # Whoever is taken in may fill the pool: then those behind have to have agreed to stay.
        joined = admit(
            now.pool,
            one.head.offer,
            accepts_frozen=one.head.accepts_frozen,
            cleared=cleared,
            uncleared=uncleared,
            now=time,
        )
        match joined:
            case CapTooLow() | DepositAboveCeiling():
                refused.append(one)
            case Refusal():
                continue
            case OpenPool() | FrozenPool():
                now = StoredPool(joined, now.joined + 1)
                uncleared += counts_uncleared(joined, one.head.offer, cleared=cleared)
                holders.add(one.head.person_id)
                taken.append((one, now.joined))
    _write_taken(work, stored, now, taken)
    _send_away(work, head, refused, now=time)
    offer_terms(work, head, asked)
    return (waiting[-1].funded_at, waiting[-1].head.id) if len(waiting) == TAKEN_IN_AT_ONCE else None


def _nobody() -> list[WaitingPreOrder]:
    return []


def _judge_costlier(
    work: Work, pool: Pool, waiting: Sequence[WaitingPreOrder], *, now: datetime
) -> dict[str, Literal["asked", "refused", "waits"]]:
    """Say by pre-order what becomes of those for whom this pool costs more; the others are left out.

    They are asked once, before the freeze; a larger deposit is nothing to ask about. Refused is who was asked and
    waited for the freeze without an answer; who was in another pool then, or could not be asked, waits.
    """
    head, may_accept = pool.head, free_until(pool, now=now) is not None
    terms_before = terms_of(work, [one.pool_id for one in waiting])
    costlier = [one for one in waiting if is_costlier(one.head, old=terms_before[one.pool_id], new=head.terms)]
    asked_before = asked_by(work, [one.head.id for one in costlier], head.id)

    def judge(one: WaitingPreOrder) -> Literal["asked", "refused", "waits"]:
        waits_since = asked_before.get(one.head.id)
        if waits_since is None and may_accept:
            return "refused" if head.terms.deposit_minor > one.head.deposit_minor else "asked"
        return "refused" if waits_since is not None and not may_accept and waits_since <= head.freeze_at else "waits"

    return {one.head.id: judge(one) for one in costlier}


def _send_away(work: Work, head: PoolHead, refused: Sequence[WaitingPreOrder], *, now: datetime) -> None:
    """Give those back their money who cannot go on into this pool, unless another one waits for their answer."""
    others = may_answer_elsewhere(work, [one.head.id for one in refused], head.id, now=now)
    gone = [one for one in refused if one.head.id not in others]
    end_pre_orders(work, gone, ending="refunded", reason="roll_not_possible", refund_by=refund_day(work))


def _write_taken(
    work: Work, before: StoredPool, after: StoredPool, taken: Sequence[tuple[WaitingPreOrder, int]]
) -> None:
    if not taken:
        return
    pool_id = after.pool.head.id
    pooled = [
        (PooledPreOrder(one.head, pool_id, one.payment_id, one.funded_at), number, "rolled_in") for one, number in taken
    ]
    save_pre_orders(work, pooled)
    chain_joined(work, [(one, number) for one, number, _ in pooled])
    save_after(work, [(before, after)])
    anew = began_anew(work, [one.head.id for one, _ in taken])
    work.record(
        *(
            PreOrderRolled(
                one.head.brand_id,
                one.head.id,
                one.head.account_id,
                one.pool_id,
                pool_id,
                keeps_time=one.head.id not in anew,
            )
            for one, _ in taken
        )
    )
