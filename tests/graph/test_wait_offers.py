"""Offers for a long wait through the API: who stays and who leaves, and that nobody else sees or answers them."""

from __future__ import annotations

from typing import Any

from factory_orders.audit_service import CHECKS
from factory_orders.waiting import service
from kernel import ledger, policy
from kernel.actor import Actor, Role
from kernel.ids import AccountId
from kernel.ledger import account
from tests.configurator.small_brand import BRAND
from tests.factory_orders.trade import SYSTEM, buyer
from tests.graph.counter import Counter

ADMIN = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("e" * 32))
OFFERS = "{ myWaitOffers { id orderId state waitsDays builtOn credit { minor } answeredAt } }"
OFFER = "__typename ... on Refusal { code } ... on WaitOffer { state credit { minor } }"
ACCEPT = f"mutation($id: ID!) {{ acceptWaitOffer(input: {{offerId: $id}}) {{ {OFFER} }} }}"
DECLINE = f"mutation($id: ID!) {{ declineWaitOffer(input: {{offerId: $id}}) {{ {OFFER} }} }}"


def make_offers(counter: Counter) -> list[str]:
    """Lock three orders of a brand that offers after a day, and let the worker look at them; returns their ids."""
    with counter.room.works.change(ADMIN) as work:
        base = policy.current(work).version
        changes = {"batches": {"wait_days_max": 1}}
        policy.change_policy(work, base_version=base, changes=changes, reason="nobody waits")
    orders = counter.locked_orders()
    with counter.room.works.change(SYSTEM) as work:
        assert len(service.offer_long_waits(work)) == len(orders)
    return orders


def offers_of(counter: Counter, who: Actor) -> list[dict[str, Any]]:
    found: Any = counter.ask(who, OFFERS)
    return list(found)


def test_who_declines_leaves_free_with_all_the_money_and_once(counter: Counter) -> None:
    order_id, *_ = make_offers(counter)
    (offer,) = offers_of(counter, buyer())

    stranger = counter.ask(buyer(2), DECLINE, id=offer["id"])
    declined = counter.ask(buyer(), DECLINE, id=offer["id"])
    again = counter.ask(buyer(), DECLINE, id=offer["id"])
    too_late = counter.ask(buyer(), ACCEPT, id=offer["id"])

    assert (stranger["__typename"], too_late["code"]) == ("NotFound", "WAIT_OFFER_OVER")
    assert declined == again
    assert declined["state"] == "DECLINED"
    with counter.room.works.read(SYSTEM) as work:
        assert ledger.balance(work, account("earnest", order_id)) == 0
        assert ledger.balance(work, account("forfeit", BRAND)) == 0
        assert [line for check in CHECKS for line in check.look(work)] == []


def test_who_accepts_has_a_credit_promised_and_keeps_the_order(counter: Counter) -> None:
    make_offers(counter)
    (offer,) = offers_of(counter, buyer(2))

    accepted = counter.ask(buyer(2), ACCEPT, id=offer["id"])

    assert accepted == {"__typename": "WaitOffer", "state": "ACCEPTED", "credit": offer["credit"]}
    assert offer["credit"]["minor"] == (offer["waitsDays"] - 1) * 6_000
    assert offers_of(counter, buyer(2))[0]["state"] == "ACCEPTED"
