"""What a buyer wrote of a car that was not taken stays with that buyer: who buys it next is told the fact alone."""

from __future__ import annotations

from dataclasses import replace

from factory_orders import queries, service
from factory_orders.model import Disclosure
from kernel.actor import Actor
from kernel.ids import AccountId
from tests.factory_orders.purchasing import bought, cancel, stock_car
from tests.factory_orders.trade import SYSTEM, Trade, buyer

WORDS = "my wife did not like the smell"


def told_to(trade: Trade, who: Actor, vin: str) -> list[Disclosure]:
    with trade.works.read(who) as work:
        return queries.disclosures_of(work, [vin])[vin]


def rejected(trade: Trade) -> str:
    """Let the first buyer of a damaged stock car not take it, in words, and leave; returns its number."""
    vin = stock_car(trade, damage=service.Damage("scratch", 30_000))
    made = bought(trade, vin)
    handover = trade.inspect(trade.book(made.id, who=buyer(7)))
    with trade.works.change(buyer(7)) as work:
        service.reject_handover(work, handover.id, WORDS)
    cancel(trade, made)
    return vin


def test_whoever_buys_a_rejected_car_is_told_that_and_when_but_not_in_the_other_buyers_words(trade: Trade) -> None:
    vin = rejected(trade)
    scratched, left = told_to(trade, SYSTEM, vin)

    bought(trade, vin, buyer(8))
    told = told_to(trade, buyer(8), vin)

    assert told == [scratched, replace(left, detail="")]
    assert (scratched.detail, left.detail, left.reason.value) == ("scratch", WORDS, "rejected_handover")


def test_the_one_who_wrote_them_and_who_reads_every_order_read_the_words(trade: Trade) -> None:
    vin = rejected(trade)
    auditor = replace(SYSTEM, account_id=AccountId("auditor"))

    told = [told_to(trade, who, vin)[1].detail for who in (buyer(7), auditor, Actor(SYSTEM.brand_id))]

    assert told == [WORDS, WORDS, ""]
