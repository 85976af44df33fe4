"""Who is told what: every change that concerns a person becomes a notice to them, once, in their language.

One-time tokens are derived when a message leaves; neither the outbox nor the notices hold one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import muster.notice_texts as _texts  # noqa: F401 - every kind of notice has its words
from configurator.events import ConfigurationBroken
from demand.pools.events import (
    CostlierTermsOffered,
    DepositRefundRequested,
    DepositsHeld,
    EarlyBonusGranted,
    MemberRemoved,
    MemberUncleared,
    PoolCancelled,
    PoolFailed,
    PoolFreezeNear,
    PoolFroze,
    PreOrderExpired,
    PreOrderLocked,
    PreOrderRolled,
)
from demand.pools.queries import member_accounts
from factory_orders.events import (
    BalanceDeclined,
    BalanceReminded,
    BalanceRequested,
    EarnestMissing,
    HandoverBooked,
    HandoverRejected,
    LateCreditBooked,
    OrderBuiltAgain,
    OrderCancelled,
    OrderScheduled,
    VehicleArrived,
    VehicleBuilt,
    VehicleDelivered,
    VehicleDisclosed,
)
from factory_orders.model import DisclosureReason, Newness
from factory_orders.papers.events import PaperAnswered
from kernel.events import Event
from kernel.identity.events import (
    ConfirmationRequested,
    PasswordChanged,
    RecoveryRequested,
    SignUpRepeated,
    StaffInvited,
)
from kernel.identity.model import Contact, TokenPurpose
from kernel.identity.queries import contacts, invited_contact
from kernel.identity.tokens import one_time_token
from kernel.money import Money
from kernel.notices import Address, Channel, Fact, Message, NewNotice, TokenPlace, notify_many
from kernel.outbox import Letter, Subscription
from kernel.work import Work
from muster import agreement_telling, circle_telling, plant_telling, waiting_telling
from muster.digest_telling import DIGEST_TELLER
from muster.exchange_telling import TELLER as EXCHANGE_TELLER
from muster.proposal_telling import TELLER
from muster.stock_telling import TELLER as STOCK_TELLER
from muster.store_telling import TELLER as STORE_TELLER

TAKEN_AWAY: Final = {
    (Newness.REPAIRED.word, reason.value) for reason in (DisclosureReason.REWORK, DisclosureReason.TRANSPORT_DAMAGE)
}
"""What makes a car no new one any more, and its order one whose car is built again."""
PAPERS: Final = {"vehicle_invoice": "invoice_issued", "insurance": "insurance_issued", "plate": "plate_issued"}
WITHHELD: Final = {
    "zh-CN": "（口令未显示：请设置MUSTER_MAIL_HOST）",
    "en": "(token withheld: set MUSTER_MAIL_HOST)",
}
TOKEN_PLACE: Final = re.compile(r"⟦(confirmation|recovery|invitation):([0-9a-f]{32})⟧")


@dataclass(frozen=True, slots=True)
class IdentityAddresses:
    """Where accounts are reached; an invitation's id stands for who is invited."""

    def lookup(self, work: Work, account_ids: Sequence[str]) -> Mapping[str, Address]:
        """Return address and language by account, those that are gone left out."""
        found: dict[str, Contact] = {str(one): contact for one, contact in contacts(work, account_ids).items()}
        for one in dict.fromkeys(account_ids):
            invited = None if one in found else invited_contact(work, one)
            if invited is not None:
                found[one] = invited
        return {one: Address(contact.email, contact.locale) for one, contact in found.items()}


@dataclass(frozen=True, slots=True)
class WithTokens:
    """A channel that writes one-time tokens into messages as they leave."""

    channel: Channel
    identity_key: bytes

    @property
    def name(self) -> str:
        """Return the inner channel's name."""
        return self.channel.name

    def reaches(self, address: Address) -> bool:
        """Ask the inner channel."""
        return self.channel.reaches(address)

    def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
        """Send with tokens filled in."""
        return self.channel.send([replace(one, body=TOKEN_PLACE.sub(self._token, one.body)) for one in messages])

    def _token(self, found: re.Match[str]) -> str:
        return one_time_token(self.identity_key, TokenPurpose(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class WithoutTokens:
    """A channel that says in a token's place that it is withheld: for a log, which others read too."""

    channel: Channel

    @property
    def name(self) -> str:
        """Return the inner channel's name."""
        return self.channel.name

    def reaches(self, address: Address) -> bool:
        """Ask the inner channel."""
        return self.channel.reaches(address)

    def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
        """Send with tokens withheld."""
        withheld = [replace(one, body=TOKEN_PLACE.sub(WITHHELD[one.locale], one.body)) for one in messages]
        return self.channel.send(withheld)


@dataclass(frozen=True, slots=True)
class WithAddress:
    """A channel that ends every message with where this platform is reached."""

    channel: Channel
    address: str

    @property
    def name(self) -> str:
        """Return the inner channel's name."""
        return self.channel.name

    def reaches(self, address: Address) -> bool:
        """Ask the inner channel."""
        return self.channel.reaches(address)

    def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
        """Send with the address in a line of its own."""
        return self.channel.send([replace(one, body=f"{one.body.rstrip()}\n\n{self.address}\n") for one in messages])


def _place(purpose: TokenPurpose, token_id: str) -> dict[str, Fact]:
    return {"token": TokenPlace(purpose.value, token_id)}


def tell_of_accounts(work: Work, letters: Sequence[Letter]) -> None:
    """Tell owners of accounts what happened to them."""
    new: list[NewNotice] = []
    for letter in letters:
        match letter.event:
            case ConfirmationRequested(account_id=account_id, token_id=token_id):
                place = _place(TokenPurpose.CONFIRMATION, token_id)
                new.append(NewNotice(account_id, "confirm_address", place, letter.event_id))
            case RecoveryRequested(account_id=account_id, token_id=token_id):
                place = _place(TokenPurpose.RECOVERY, token_id)
                new.append(NewNotice(account_id, "recover_password", place, letter.event_id))
            case StaffInvited(invitation_id=invitation_id):
                place = _place(TokenPurpose.INVITATION, invitation_id)
                new.append(NewNotice(invitation_id, "staff_invited", place, letter.event_id))
            case SignUpRepeated(account_id=account_id):
                new.append(NewNotice(account_id, "sign_up_repeated", {}, letter.event_id))
            case PasswordChanged(account_id=account_id):
                new.append(NewNotice(account_id, "password_changed", {}, letter.event_id))
            case other:
                raise AssertionError(f"nobody is told of {other.kind}")
    notify_many(work, new)


def tell_of_configurations(work: Work, letters: Sequence[Letter]) -> None:
    """Tell owners of kept cars what a newer catalogue makes of them."""
    notify_many(work, [_of_configuration(letter) for letter in letters])


def _of_configuration(letter: Letter) -> NewNotice:
    car = letter.event
    assert isinstance(car, ConfigurationBroken)
    facts: dict[str, Fact] = {"day": car.effective_from, "model": car.model}
    if car.changes is None or car.price_difference_minor is None:
        return NewNotice(car.account_id, "configuration_gone", facts, letter.event_id)
    facts |= {"changes": car.changes, "difference": Money(car.price_difference_minor)}
    return NewNotice(car.account_id, "configuration_broken", facts, letter.event_id)


def tell_of_pools(work: Work, letters: Sequence[Letter]) -> None:
    """Tell members what happened to their pre-orders and their money."""
    new: list[NewNotice] = []
    for letter in letters:
        single = _of_pre_order(letter)
        new += _of_pool(work, letter) if single is None else [single]
    notify_many(work, new)


def _of_pool(work: Work, letter: Letter) -> Iterator[NewNotice]:
    """Return what every member is told of a pool's news."""
    match letter.event:
        case DepositsHeld(members=members, deposits=deposits, frozen_until=frozen_until):
            kind = "deposit_in" if frozen_until is None else "deposit_in_frozen"
            for one in deposits:
                facts: dict[str, Fact] = {"amount": Money(one.amount_minor), "members": members}
                if frozen_until is not None:
                    facts["deadline"] = frozen_until
                yield NewNotice(one.account_id, kind, facts, letter.event_id)
        case PoolFreezeNear(pool_id=pool_id, members=members, freeze_at=freeze_at):
            told: dict[str, Fact] = {"members": members, "freeze_at": freeze_at}
            for account_id in member_accounts(work, pool_id):
                yield NewNotice(account_id, "pool_freeze_near", told, letter.event_id)
        case PoolFroze(pool_id=pool_id, members=members, deadline=deadline):
            for account_id in member_accounts(work, pool_id):
                yield NewNotice(account_id, "pool_frozen", {"members": members, "deadline": deadline}, letter.event_id)
        case PoolFailed(members=members_of_it):
            # How many caps reached the first tier stays untold: who rolls on together would learn a newcomer's cap
            # from the numbers of two pools, however many there are in each.
            for member in members_of_it:
                yield NewNotice(member.account_id, "pool_failed", {}, letter.event_id)
        case PoolCancelled(members=members_of_it):
            for member in members_of_it:
                yield NewNotice(member.account_id, "pool_cancelled", {}, letter.event_id)
        case other:
            raise AssertionError(f"nobody is told of {other.kind}")


def _of_pre_order(letter: Letter) -> NewNotice | None:
    """Return what one member is told of the own pre-order; None where the news is a whole pool's."""
    match letter.event:
        case PreOrderLocked(account_id=account_id, price_minor=price_minor):
            return NewNotice(account_id, "order_locked", {"price": Money(price_minor)}, letter.event_id)
        case PreOrderRolled(account_id=account_id, keeps_time=keeps_time):
            return NewNotice(
                account_id, "pre_order_rolled" if keeps_time else "pre_order_begins_anew", {}, letter.event_id
            )
        case CostlierTermsOffered(account_id=account_id, answer_by=answer_by, model=model, any_trim=any_trim):
            kind = "costlier_terms_any_trim" if any_trim else "costlier_terms"
            return NewNotice(account_id, kind, {"model": model, "deadline": answer_by}, letter.event_id)
        case MemberRemoved(account_id=account_id, reason=reason):
            kind = "member_removed_for_fraud" if reason == "fraud" else "member_removed"
            return NewNotice(account_id, kind, {}, letter.event_id)
        case MemberUncleared(account_id=account_id):
            return NewNotice(account_id, "member_uncleared", {}, letter.event_id)
        case PreOrderExpired(account_id=account_id):
            return NewNotice(account_id, "pre_order_expired", {}, letter.event_id)
        case DepositRefundRequested(account_id=account_id, amount_minor=amount_minor, refund_by=refund_by):
            facts: dict[str, Fact] = {"amount": Money(amount_minor), "refund_by": refund_by}
            return NewNotice(account_id, "deposit_refund", facts, letter.event_id)
        case EarlyBonusGranted(account_id=account_id, amount_minor=amount_minor):
            return NewNotice(account_id, "early_bonus", {"amount": Money(amount_minor)}, letter.event_id)
        case _:
            return None


def tell_of_orders(work: Work, letters: Sequence[Letter]) -> None:
    """Tell buyers how their cars come along."""
    notify_many(work, [one for letter in letters if (one := _of_ending(letter) or _of_order(letter))])


def _of_ending(letter: Letter) -> NewNotice | None:
    """Return what a buyer is told where an order or a handover ends otherwise; None where the car comes along."""
    match letter.event:
        case HandoverRejected(account_id=account_id):
            return NewNotice(account_id, "handover_rejected", {}, letter.event_id)
        case OrderCancelled(account_id=account_id, by="maker", returned_minor=returned_minor):
            return NewNotice(
                account_id, "order_cancelled_by_maker", {"returned": Money(returned_minor)}, letter.event_id
            )
        case OrderCancelled(account_id=account_id, by="not_new", returned_minor=returned_minor):
            return NewNotice(account_id, "stock_car_not_new", {"returned": Money(returned_minor)}, letter.event_id)
        case OrderCancelled(account_id=account_id, by="payment"):
            return NewNotice(account_id, "order_cancelled_unpaid", {}, letter.event_id)
        case OrderCancelled(account_id=account_id, by="late", returned_minor=returned_minor):
            return NewNotice(account_id, "order_rescinded", {"returned": Money(returned_minor)}, letter.event_id)
        case OrderCancelled(account_id=account_id, by="default", forfeit_minor=forfeit_minor):
            return NewNotice(account_id, "order_defaulted", {"forfeit": Money(forfeit_minor)}, letter.event_id)
        case BalanceReminded(account_id=account_id, last_day=last_day):
            return NewNotice(account_id, "balance_reminder", {"last_day": last_day}, letter.event_id)
        case EarnestMissing(account_id=account_id, is_claim=is_claim):
            return NewNotice(account_id, "earnest_owed" if is_claim else "earnest_missing", {}, letter.event_id)
        case BalanceDeclined(account_id=account_id, amount_minor=amount_minor, is_claim=is_claim):
            kind = "balance_owed" if is_claim else "balance_declined"
            return NewNotice(account_id, kind, {"amount": Money(amount_minor)}, letter.event_id)
        case OrderCancelled(account_id=account_id, forfeit_minor=forfeit_minor, returned_minor=returned_minor):
            facts: dict[str, Fact] = {"forfeit": Money(forfeit_minor), "returned": Money(returned_minor)}
            return NewNotice(account_id, "order_cancelled", facts, letter.event_id)
        case _:
            return None


def _of_order(letter: Letter) -> NewNotice | None:
    match letter.event:
        case OrderScheduled(account_id=account_id, expected_on=expected_on, promised_by=promised_by):
            facts: dict[str, Fact] = {"expected": expected_on, "promised": promised_by}
            kind = "order_scheduled" if expected_on <= promised_by else "order_scheduled_late"
            return NewNotice(account_id, kind, facts, letter.event_id)
        case VehicleBuilt(account_id=account_id, vin=vin):
            return NewNotice(account_id, "vehicle_built", {"vin": vin}, letter.event_id)
        case PaperAnswered():
            return _of_paper(letter.event, letter.event_id)
        case VehicleDisclosed(account_id=account_id, vin=vin) as told:
            # Nobody has to agree to a car that repairs took away: another one, or an offer of this one, is told.
            taken_away = (told.newness, told.reason) in TAKEN_AWAY
            return None if taken_away else NewNotice(account_id, "vehicle_disclosed", {"vin": vin}, letter.event_id)
        case OrderBuiltAgain(account_id=account_id, week=week):
            return NewNotice(account_id, "built_again", {"week": week}, letter.event_id)
        case VehicleArrived(account_id=account_id, vin=vin):
            return NewNotice(account_id, "vehicle_arrived", {"vin": vin}, letter.event_id)
        case HandoverBooked(account_id=account_id, appointment_at=appointment_at):
            return NewNotice(account_id, "handover_booked", {"appointment": appointment_at}, letter.event_id)
        case BalanceRequested(account_id=account_id, due_minor=due_minor):
            return NewNotice(account_id, "balance_requested", {"amount": Money(due_minor)}, letter.event_id)
        case VehicleDelivered(account_id=account_id, vin=vin):
            return NewNotice(account_id, "vehicle_delivered", {"vin": vin}, letter.event_id)
        case LateCreditBooked(account_id=account_id, days=days, amount_minor=amount_minor):
            facts = {"days": days, "amount": Money(amount_minor)}
            return NewNotice(account_id, "late_credit", facts, letter.event_id)
        case other:
            raise AssertionError(f"nobody is told of {other.kind}")


def _of_paper(told: PaperAnswered, event_id: str) -> NewNotice:
    if told.state == "issued":
        return NewNotice(told.account_id, PAPERS[told.paper], {"number": told.number}, event_id)
    return NewNotice(told.account_id, "paper_refused", {}, event_id)


def _kinds(*classes: type[Event]) -> frozenset[str]:
    return frozenset(cls.kind for cls in classes)


TELLERS: Final = (
    Subscription("telling.configurations", _kinds(ConfigurationBroken), tell_of_configurations),
    Subscription(
        "telling.accounts",
        _kinds(ConfirmationRequested, RecoveryRequested, StaffInvited, SignUpRepeated, PasswordChanged),
        tell_of_accounts,
    ),
    Subscription(
        "telling.pools",
        _kinds(
            DepositsHeld,
            PoolFreezeNear,
            PoolFroze,
            PreOrderLocked,
            PoolFailed,
            PoolCancelled,
            PreOrderRolled,
            CostlierTermsOffered,
            PreOrderExpired,
            MemberRemoved,
            MemberUncleared,
            DepositRefundRequested,
            EarlyBonusGranted,
        ),
        tell_of_pools,
    ),
    Subscription(
        "telling.orders",
        _kinds(
            OrderScheduled,
            PaperAnswered,
            VehicleBuilt,
            VehicleDisclosed,
            OrderBuiltAgain,
            VehicleArrived,
            HandoverBooked,
            BalanceRequested,
            VehicleDelivered,
            LateCreditBooked,
            HandoverRejected,
            OrderCancelled,
            EarnestMissing,
            BalanceDeclined,
            BalanceReminded,
        ),
        tell_of_orders,
    ),
    STOCK_TELLER,
    EXCHANGE_TELLER,
    STORE_TELLER,
    TELLER,
    DIGEST_TELLER,
    circle_telling.TELLER,
    circle_telling.OWNERS_TELLER,
    agreement_telling.TELLER,
    waiting_telling.TELLER,
    plant_telling.TELLER,
)
