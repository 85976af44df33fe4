"""The maker's side of a backing: asked by the bound, answers in time, keeps or breaks what was promised (DOMAIN 6.2).

The maker's yes is a decision of people; when to ask for it, what is late, and what the catalogue makes of it are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from configurator.events import CataloguePublished
from configurator.model import VersionId
from configurator.queries import list_options, option_prices
from demand.backing.bound import lower_bound
from demand.backing.deciding import LATE, break_commitment, commit, enter_catalogue, finish, hold_price, pull_trigger
from demand.backing.events import (
    AnswerOverdue,
    AnswerReminded,
    AnswerWanted,
    BackingHeld,
    BackingLeft,
    BackingOpened,
    CommitmentBroken,
    ConcernedAccount,
    ProposalCommitted,
    ProposalConverted,
    ProposalInCatalogue,
)
from demand.backing.model import Backing, BackingHead, Commitment, ConvertedBacking, HeldBacking, OrderWindow, Outcome
from demand.backing.policy import BackingPolicy
from demand.backing.store import (
    DUE_TIMER,
    PROMISE_TIMER,
    REMIND_TIMER,
    WINDOW_TIMER,
    backers_of,
    count_backers,
    end_backings,
    give_back,
    held_by_persons,
    insert_commitment,
    load_market,
    lock_backing,
    lock_open_backings,
    note_fulfilments,
    persons_since_shown,
    save_backings,
    save_commitment,
    save_trigger,
    show_figures,
)
from demand.cubes.model import round_count
from demand.cubes.policy import CubePolicy
from demand.pools.events import DepositsHeld
from demand.pools.model import PreOrderHead
from demand.pools.placed_queries import placed_by_persons
from demand.pools.queries import pre_orders_seen
from demand.votes.chain import chain_of
from demand.votes.model import (
    BackingProposal,
    CommittedProposal,
    ConvertedProposal,
    InCatalogueProposal,
    Proposal,
)
from demand.votes.store import known_proposals, lock_proposals, merged_into, save_proposal
from kernel import policy, record, registry
from kernel.actor import Permission, Role
from kernel.errors import InvalidInput, Refusal
from kernel.identity.queries import accounts_with_role
from kernel.outbox import Letter, Subscription
from kernel.reasons import because
from kernel.timers import cancel_timer, set_timer
from kernel.work import Work

YEARS_MAX: Final = 5


# --- when the maker is asked -----------------------------------------------------------------------------------------


def watch_bounds(work: Work, letters: Sequence[Letter]) -> None:
    """Work the lower bounds out anew that backings moved, and ask for an answer where one reaches its threshold."""
    moved = set()
    for letter in letters:
        assert isinstance(letter.event, BackingOpened | BackingHeld | BackingLeft)
        moved.add(letter.event.proposal_id)
    for proposal in lock_proposals(work, *sorted(moved)):
        if isinstance(proposal, BackingProposal):
            _watch(work, proposal)


def _watch(work: Work, proposal: BackingProposal) -> None:
    proposal_id, terms = proposal.head.id, proposal.terms
    rules = policy.pinned(work, terms.policy_version)
    numbers = rules.section(BackingPolicy)
    sizes, draws = load_market(work, terms)
    backers = count_backers(work, proposal_id, price_minor=terms.price_minor)
    prior = (numbers.prior_ordered, numbers.prior_lapsed)
    bound = lower_bound(sizes, draws, backers, prior=prior, seed=proposal_id)
    _show(work, proposal_id, bound, sum(backers.by_model.values()), rules.section(CubePolicy))
    asked = pull_trigger(proposal, bound, now=work.now, answer_days=numbers.answer_days)
    if asked.trigger is None or proposal.trigger is not None:
        return
    due_at = asked.trigger.answer_due_at
    save_trigger(work, proposal_id, asked.trigger)
    set_timer(work, REMIND_TIMER, proposal_id, due_at - timedelta(days=numbers.reminder_days_before))
    set_timer(work, DUE_TIMER, proposal_id, due_at)
    facts = {"threshold": terms.threshold, "due_at": due_at.isoformat()}
    record.append(work, chain_of(proposal_id), "proposal.answer_wanted", facts)
    work.record(AnswerWanted(work.actor.brand_id, proposal_id, proposal.head.title, due_at, _planners(work)))


def _show(work: Work, proposal_id: str, bound: int, backers: int, rules: CubePolicy) -> None:
    """Publish the bound, rounded down, and the backers: at first without any, then only when k persons moved them.

    So no difference between two published figures is about fewer than k persons.
    """
    persons, serial = persons_since_shown(work, proposal_id)
    if persons == 0 and serial == 0:
        show_figures(work, proposal_id, bound=_floor(bound, rules.rounding), backers=None, serial=0)
    elif persons >= rules.k and backers >= rules.k:
        shown = round_count(backers, to=rules.rounding)
        show_figures(work, proposal_id, bound=_floor(bound, rules.rounding), backers=shown, serial=serial)


def _floor(count: int, step: int) -> int:
    return count // step * step


def _planners(work: Work) -> tuple[ConcernedAccount, ...]:
    return tuple(ConcernedAccount(account_id) for account_id in accounts_with_role(work, Role.PLANNER))


def remind_of_answer(work: Work, proposal_id: str, _payload: object = None) -> None:
    """Tell planners that an answer is due soon; the timer `demand.answer_reminder`."""
    proposal = _unanswered(work, proposal_id)
    if proposal is not None and proposal.trigger is not None:
        due_at = proposal.trigger.answer_due_at
        work.record(AnswerReminded(work.actor.brand_id, proposal_id, proposal.head.title, due_at, _planners(work)))


def note_overdue(work: Work, proposal_id: str, _payload: object = None) -> None:
    """Put into the record that no answer came in time; the timer `demand.answer_due`. It is still owed."""
    proposal = _unanswered(work, proposal_id)
    if proposal is not None:
        record.append(work, chain_of(proposal_id), "proposal.answer_overdue", {})
        work.record(AnswerOverdue(work.actor.brand_id, proposal_id, proposal.head.title, _planners(work)))


def _unanswered(work: Work, proposal_id: str) -> BackingProposal | None:
    work.actor.require(Permission.SYSTEM)
    (proposal,) = lock_proposals(work, proposal_id)
    return proposal if isinstance(proposal, BackingProposal) else None


# --- the answer ------------------------------------------------------------------------------------------------------


def commit_to_proposal(work: Work, proposal_id: str, *, available_by: date, ceiling_minor: int) -> CommittedProposal:
    """Say yes: in the catalogue by a day, for at most a price. Its no is `decline_proposal`.

    Refuses ProposalClosed for what takes no backings, and CeilingAbovePrice.
    """
    work.actor.require(Permission.POOL_MANAGE)
    brand = registry.own_brand(work)
    today = work.now.astimezone(brand.zone).date()
    if not today <= available_by <= today + timedelta(days=366 * YEARS_MAX):
        raise InvalidInput("availableBy", because("DAY_WITHIN", most=YEARS_MAX))
    if ceiling_minor <= 0:
        raise InvalidInput("priceCeiling", because("PRICE_ABOVE_ZERO"))
    (proposal,) = lock_proposals(work, proposal_id)
    committed = commit(proposal, available_by=available_by, ceiling_minor=ceiling_minor, now=work.now)
    if isinstance(committed, Refusal):
        raise committed
    _promise(work, committed, _day_after(brand, available_by))
    return committed


def _promise(work: Work, committed: CommittedProposal, due_at: datetime) -> None:
    head, made = committed.head, committed.commitment
    insert_commitment(work, head.id, made)
    save_proposal(work, committed)
    for timer in (REMIND_TIMER, DUE_TIMER):
        cancel_timer(work, timer, head.id)
    set_timer(work, PROMISE_TIMER, head.id, due_at)
    facts = {"available_by": made.available_by.isoformat(), "ceiling_minor": made.ceiling_minor}
    record.append(work, chain_of(head.id), "proposal.committed", facts)
    backers = _concerned(lock_open_backings(work, head.id))
    work.record(ProposalCommitted(head.brand_id, head.id, head.title, made.available_by, made.ceiling_minor, backers))


def _concerned(open_ones: Sequence[Backing]) -> tuple[ConcernedAccount, ...]:
    return tuple(ConcernedAccount(account_id) for account_id in backers_of(open_ones))


def _day_after(brand: registry.Brand, day: date) -> datetime:
    return _start_of(brand, day + timedelta(days=1))


def _start_of(brand: registry.Brand, day: date) -> datetime:
    return datetime.combine(day, time.min, brand.zone).astimezone(UTC)


def note_broken(work: Work, proposal_id: str, _payload: object = None) -> None:
    """Note that the promised day has passed; the timer `demand.promise_due`. The promise is broken for all to see."""
    work.actor.require(Permission.SYSTEM)
    (proposal,) = lock_proposals(work, proposal_id)
    if isinstance(proposal, CommittedProposal):
        _tell_broken(work, proposal, break_commitment(proposal.commitment, LATE, now=work.now))


def _tell_broken(
    work: Work, proposal: CommittedProposal | InCatalogueProposal, broken: Commitment, window: OrderWindow | None = None
) -> None:
    """Save a promise; where it is broken now and was not before, everybody who backed it is told."""
    head = proposal.head
    save_commitment(work, head.id, broken, window)
    if broken.outcome is Outcome.BROKEN and proposal.commitment.outcome is not Outcome.BROKEN:
        assert broken.why is not None
        record.append(work, chain_of(head.id), "proposal.promise_broken", {"why": broken.why})
        backers = _concerned(lock_open_backings(work, head.id))
        work.record(CommitmentBroken(head.brand_id, head.id, head.title, broken.why, backers))


# --- the catalogue ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Published:
    """A catalogue version as far as wishes go: the options that name each proposal, and the highest prices."""

    version_id: str
    first_day: date
    options: Mapping[str, Sequence[str]]
    prices: Mapping[str, int]


def on_catalogue_published(work: Work, letters: Sequence[Letter]) -> None:
    """Move promises that a new version fulfils into the catalogue, and look whether it still keeps earlier ones."""
    for letter in letters:
        assert isinstance(letter.event, CataloguePublished)
        version_id = VersionId(letter.event.version_id)
        named = [one for one in list_options(work, version_id) if one.fulfils_proposal]
        # Whoever wrote the file may know the wish by the name of a duplicate.
        went_to = merged_into(work, [one.fulfils_proposal for one in named])
        options: dict[str, list[str]] = {}
        for one in named:
            proposal_id = went_to.get(one.fulfils_proposal, one.fulfils_proposal)
            options.setdefault(proposal_id, []).append(one.code)
        prices = option_prices(work, version_id)
        published = _Published(version_id, letter.event.effective_from, options, prices)
        concerned = known_proposals(work, list(options))
        for proposal in lock_proposals(work, *concerned):
            _fulfil(work, proposal, published)


def _fulfil(work: Work, proposal: Proposal, published: _Published) -> None:
    named = published.options.get(proposal.head.id, ())
    option = named[0] if named else None
    price = None if option is None else published.prices.get(option, 0)
    opens_at = _start_of(registry.own_brand(work), published.first_day)
    note_fulfilments(work, proposal.head.id, named, published.version_id)
    match proposal:
        case BackingProposal() if option is not None:
            # It is offered before anybody asked for an answer: that is a yes for this day and the published price.
            yes = commit(
                proposal, available_by=published.first_day, ceiling_minor=proposal.terms.price_minor, now=work.now
            )
            assert isinstance(yes, CommittedProposal)
            _promise(work, yes, _day_after(registry.own_brand(work), published.first_day))
            _enter(work, yes, published, option)
        case CommittedProposal() if option is not None:
            _enter(work, proposal, published, option)
        # Ids rise with time: an older version that is told of once more says nothing of what is on sale now.
        case InCatalogueProposal() if published.version_id > proposal.window.version_id:
            kept = hold_price(proposal, first_day_at=opens_at, price_minor=price, now=work.now)
            _tell_broken(work, proposal, kept.commitment)
        case _:
            pass


def _enter(work: Work, proposal: CommittedProposal, published: _Published, option: str) -> None:
    head = proposal.head
    opens_at = max(work.now, _start_of(registry.own_brand(work), published.first_day))
    days = policy.pinned(work, proposal.terms.policy_version).section(BackingPolicy).order_window_days
    window = OrderWindow(option, published.version_id, opens_at, opens_at + timedelta(days=days))
    price_minor = published.prices.get(option, 0)
    entered = enter_catalogue(proposal, window, first_day=published.first_day, price_minor=price_minor, now=work.now)
    _tell_broken(work, proposal, entered.commitment, window)
    save_proposal(work, entered)
    cancel_timer(work, PROMISE_TIMER, head.id)
    set_timer(work, WINDOW_TIMER, head.id, window.ends_at)
    facts = {
        "option": option,
        "price_minor": price_minor,
        "first_day": published.first_day.isoformat(),
        "window_ends_at": window.ends_at.isoformat(),
    }
    record.append(work, chain_of(head.id), "proposal.in_catalogue", facts)
    work.record(
        ProposalInCatalogue(
            head.brand_id,
            head.id,
            head.title,
            option,
            proposal.commitment.ceiling_minor,
            window.opens_at,
            window.ends_at,
            _concerned(lock_open_backings(work, head.id)),
        )
    )


# --- what backers do then --------------------------------------------------------------------------------------------


def on_deposits_held(work: Work, letters: Sequence[Letter]) -> None:
    """Convert the backings of persons who pre-ordered, with money, a car that has what they backed, in time."""
    placed = [
        deposit.pre_order_id
        for letter in letters
        for held in (letter.event,)
        if isinstance(held, DepositsHeld)
        for deposit in held.deposits
    ]
    orders = [one.head for one in pre_orders_seen(work, placed).values()]
    heads = held_by_persons(work, [order.person_id for order in orders])
    wanted = sorted({head.proposal_id for head in heads})
    on_sale = {str(one.head.id): one for one in lock_proposals(work, *wanted) if isinstance(one, InCatalogueProposal)}
    for head in heads:
        proposal = on_sale.get(head.proposal_id)
        own = [order for order in orders if order.person_id == head.person_id]
        fitting = [] if proposal is None else [order for order in own if _takes_up(proposal, order)]
        if proposal is not None and fitting and isinstance(lock_backing(work, head.id), HeldBacking):
            _convert(work, head, fitting[0].id)


def _takes_up(proposal: InCatalogueProposal, order: PreOrderHead) -> bool:
    window = proposal.window
    return window.option in order.options and window.opens_at <= order.placed_at < window.ends_at


def _convert(work: Work, head: BackingHead, pre_order_id: str) -> None:
    """Note that a backer has ordered, and give the money back; the backing is locked."""
    save_backings(work, [ConvertedBacking(head, pre_order_id, work.now)], reason="ordered")
    give_back(work, [(head, head.payment_id)], reason="ordered")
    chain = chain_of(head.proposal_id)
    name = record.pseudonyms(work, chain, [head.person_id])[head.person_id]
    record.append(work, chain, "backing.converted", {"backer": name})


def close_window(work: Work, proposal_id: str, _payload: object = None) -> None:
    """End the time in which backers order; the timer `demand.order_window`. What is still held lapses and goes back.

    The pre-orders themselves say who ordered in time, as the news of their money may be on its way still. Where one of
    them waits for its money the end waits with it, for the minutes in which that may come.
    """
    work.actor.require(Permission.SYSTEM)
    (proposal,) = lock_proposals(work, proposal_id)
    if not isinstance(proposal, InCatalogueProposal) or work.now < proposal.window.ends_at:
        return
    open_ones = lock_open_backings(work, proposal_id)
    ordered, waits_until = _ordered_in_time(work, proposal, open_ones)
    if waits_until is not None:
        set_timer(work, WINDOW_TIMER, proposal_id, waits_until)
        return
    for one in open_ones:
        if one.head.person_id in ordered:
            _convert(work, one.head, ordered[one.head.person_id])
    lapsed = [one for one in open_ones if one.head.person_id not in ordered]
    converted: ConvertedProposal = finish(proposal)
    end_backings(work, lapsed, ending="lapsed", reason="not_ordered")
    save_proposal(work, converted)
    record.append(work, chain_of(proposal_id), "proposal.converted", {})
    work.record(ProposalConverted(work.actor.brand_id, proposal_id))


def _ordered_in_time(
    work: Work, proposal: InCatalogueProposal, open_ones: Sequence[Backing]
) -> tuple[dict[str, str], datetime | None]:
    """Return the pre-order of each backer who took the option up in time, and until when another one may be paid."""
    window = proposal.window
    backers = [one.head.person_id for one in open_ones if isinstance(one, HeldBacking)]
    placed = placed_by_persons(work, backers, first_at=window.opens_at, before=window.ends_at)
    fitting = [order for order in placed if window.option in order.options]
    # The first one counts, as it would have when its news came.
    ordered = {order.person_id: order.id for order in reversed(fitting) if order.had_money}
    waiting = [
        order.payable_until
        for order in fitting
        if order.person_id not in ordered and order.payable_until is not None and order.payable_until > work.now
    ]
    return ordered, max(waiting, default=None)


SUBSCRIPTIONS: Final = (
    Subscription("demand.bounds", frozenset({BackingOpened.kind, BackingHeld.kind, BackingLeft.kind}), watch_bounds),
    Subscription("demand.fulfilments", frozenset({CataloguePublished.kind}), on_catalogue_published),
    Subscription("demand.conversions", frozenset({DepositsHeld.kind}), on_deposits_held),
)
"""What the worker hands news to."""
