"""A deposit that is paid after the pre-order: the provider's signed callbacks, in time, late, twice, out of order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from graph.identifiers import raw_id
from kernel.money import Money
from kernel.sandbox import SignedMessage
from tests.journeys import documents as ask
from tests.journeys.town import DEPOSIT_MINOR, Buyer, Town, deposit_of


@pytest.fixture
def buyer(borealis: Town) -> Buyer:
    """Return somebody in a town with an open pool of the cheapest car."""
    buyer = borealis.buyer()
    borealis.open_pool(buyer.quote()["poolingClass"]["key"])
    return buyer


def ordered(buyer: Buyer) -> dict[str, Any]:
    """Place a pre-order without money."""
    placed = buyer.place(buyer.quote(), authorisation=None)
    assert (placed["state"], placed["pool"]["members"]) == ("acknowledged", 0)
    return placed


def paid(buyer: Buyer, placed: dict[str, Any], *, minor: int = DEPOSIT_MINOR, reference: str = "w1") -> SignedMessage:
    """Pay with the wallet; returns what the provider then sends."""
    return buyer.town.house.runtime.sandbox.pay(
        brand_id=buyer.town.brand.id,
        payment_id=raw_id(placed["payments"][0]["id"], "Payment"),
        amount=Money(minor),
        reference=reference,
        wallet="wallet",
    )


def failed(buyer: Buyer, placed: dict[str, Any]) -> SignedMessage:
    """Return what the provider sends of an attempt that failed."""
    payment_id = raw_id(placed["payments"][0]["id"], "Payment")
    return buyer.town.house.runtime.sandbox.message(
        "failed", payment_id=payment_id, amount=Money(DEPOSIT_MINOR), reference="w0", wallet="wallet"
    )


def test_a_deposit_that_the_wallet_never_gives_takes_the_place_with_it(buyer: Buyer) -> None:
    quote = buyer.quote()
    empty = {"amount": {"minor": DEPOSIT_MINOR}, "wallet": "empty"}
    token = buyer.at.do(ask.AUTHORISE, input=empty)["token"]
    placed = buyer.place(quote, authorisation=token)
    assert (placed["state"], placed["pool"]["members"]) == ("pooled", 1)

    buyer.town.house.work_off()

    assert state_of(buyer, placed) == ("removed", ["DECLINED"])
    assert buyer.pre_order(placed["id"])["pool"]["members"] == 0
    assert buyer.notices()[-1] == "member_removed"
    again = buyer.place(buyer.quote())
    assert (again["state"], again["pool"]["members"]) == ("pooled", 1)


def state_of(buyer: Buyer, placed: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the states of a pre-order and of its payments."""
    found = buyer.pre_order(placed["id"])
    return found["state"], [one["state"] for one in found["payments"]]


def test_money_in_time_takes_the_place_and_a_second_callback_changes_nothing(buyer: Buyer) -> None:
    house = buyer.town.house
    placed = ordered(buyer)
    message = paid(buyer, placed)

    first = house.call_back(message)
    with house.unchanged():
        again = house.call_back(message)

    assert (first, again) == ((200, {"outcome": "received"}), (200, {"outcome": "repeated"}))
    assert state_of(buyer, placed) == ("pooled", ["RECEIVED"])
    assert buyer.town.balance(deposit_of(placed), "provider:sandbox") == [DEPOSIT_MINOR, -DEPOSIT_MINOR]
    house.work_off()
    assert buyer.notices() == ["deposit_in"]


def test_money_after_fifteen_minutes_goes_back_and_the_place_is_free(buyer: Buyer) -> None:
    house, town = buyer.town.house, buyer.town
    placed = ordered(buyer)
    house.pass_time(timedelta(minutes=15))
    assert state_of(buyer, placed)[0] == "expired_unpaid"

    answer = house.call_back(paid(buyer, placed))
    house.work_off()

    assert answer == (200, {"outcome": "late"})
    assert state_of(buyer, placed) == ("expired_unpaid", ["REFUNDED"])
    payment = raw_id(placed["payments"][0]["id"], "Payment")
    accounts = (deposit_of(placed), f"late:{payment}", f"refund:{payment}", "provider:sandbox")
    assert town.balance(*accounts) == [0, 0, 0, 0]
    assert buyer.notices() == ["pre_order_expired"]
    assert town.guest().ask(ask.POOL, id=placed["pool"]["id"])["pool"]["members"] == 0


def test_two_payments_for_one_deposit_are_one_deposit_and_the_second_goes_back(buyer: Buyer) -> None:
    house, town = buyer.town.house, buyer.town
    placed = ordered(buyer)

    first = house.call_back(paid(buyer, placed, reference="w1"))
    status, second = house.call_back(paid(buyer, placed, reference="w2"))
    house.work_off()

    assert first == (200, {"outcome": "received"})
    assert (status, second["outcome"], second["code"]) == (200, "returned", "PAYMENT_ALREADY_MADE")
    assert state_of(buyer, placed) == ("pooled", ["RECEIVED"])
    assert town.balance(deposit_of(placed), "provider:sandbox") == [DEPOSIT_MINOR, -DEPOSIT_MINOR]


@pytest.mark.parametrize("minor", [DEPOSIT_MINOR - 1, DEPOSIT_MINOR + 1])
def test_another_amount_than_asked_for_goes_back_in_full(buyer: Buyer, minor: int) -> None:
    house, town = buyer.town.house, buyer.town
    placed = ordered(buyer)

    status, answer = house.call_back(paid(buyer, placed, minor=minor))
    house.work_off()

    assert (status, answer["outcome"], answer["code"]) == (200, "returned", "PAYMENT_AMOUNT_MISMATCH")
    assert state_of(buyer, placed) == ("acknowledged", ["PENDING"])
    assert town.balance(deposit_of(placed), "provider:sandbox") == [0, 0]
    assert house.call_back(paid(buyer, placed, reference="w2")) == (200, {"outcome": "received"})
    assert state_of(buyer, placed)[0] == "pooled"


def test_a_failure_that_arrives_after_the_money_changes_nothing(buyer: Buyer) -> None:
    house = buyer.town.house
    placed = ordered(buyer)
    failure = failed(buyer, placed)

    outcomes = [house.call_back(one)[1]["outcome"] for one in (paid(buyer, placed), failure)]

    assert outcomes == ["received", "ignored"]
    assert state_of(buyer, placed) == ("pooled", ["RECEIVED"])


def test_money_that_arrives_after_a_failure_still_counts(buyer: Buyer) -> None:
    house = buyer.town.house
    placed = ordered(buyer)

    outcomes = [house.call_back(one)[1]["outcome"] for one in (failed(buyer, placed), paid(buyer, placed))]

    assert outcomes == ["failed", "received"]
    assert state_of(buyer, placed) == ("pooled", ["RECEIVED"])


def test_a_wrong_signature_an_altered_body_and_an_old_message_change_nothing(buyer: Buyer) -> None:
    house = buyer.town.house
    placed = ordered(buyer)
    message = paid(buyer, placed)
    signed_otherwise = replace(message, headers=message.headers | {"webhook-signature": "v1,AAAA"})
    altered = replace(message, body=message.body.replace(b"500000", b"500001"))

    with house.unchanged():
        answers = [house.call_back(one) for one in (signed_otherwise, altered)]
        house.clock.advance(timedelta(minutes=5, seconds=1))
        answers.append(house.call_back(message))

    assert [(status, answer["code"]) for status, answer in answers] == [(401, "PAYMENT_SIGNATURE_INVALID")] * 3
    assert state_of(buyer, placed) == ("acknowledged", ["PENDING"])


def test_money_for_a_payment_that_nobody_asked_for_is_not_taken(buyer: Buyer) -> None:
    house = buyer.town.house
    placed = ordered(buyer)
    unknown = {"payments": [{"id": "no such payment"}]} | {"id": placed["id"]}
    message = paid(buyer, unknown)

    with house.unchanged():
        status, answer = house.call_back(message)

    assert (status, answer["code"]) == (404, "NOT_FOUND")
