"""A pool that does not tip does what each member chose beforehand, and no fen is lost on the way."""

from __future__ import annotations

from datetime import timedelta

from kernel.money import format_money, yuan
from muster.audit import audit
from tests.journeys import documents as ask
from tests.journeys.town import DEPOSIT_MINOR, Town, deposit_of

BONUS_MINOR = 20_000


def test_members_of_a_pool_that_fails_are_refunded_or_roll_on_and_the_early_ones_get_a_bonus(borealis: Town) -> None:
    house = borealis.house
    first, second = borealis.buyer("zh-CN"), borealis.buyer()
    key = first.quote()["poolingClass"]["key"]
    pool = borealis.open_pool(key)
    refunded = first.place(first.quote(), failureChoice="REFUND")
    rolling = second.place(second.quote(), failureChoice="ROLL")
    bonus, owed = f"bonus:{borealis.brand.id}", f"payable:{first.account_id}"

    house.pass_until(pool["freezeAt"])
    house.pass_until(pool["deadline"])

    assert borealis.guest().ask(ask.POOL, id=pool["id"])["pool"]["state"] == "rolled"
    gone, waiting = first.pre_order(refunded["id"]), second.pre_order(rolling["id"])
    assert (gone["state"], [one["state"] for one in gone["payments"]]) == ("refunded", ["REFUNDED"])
    assert gone["refundBy"] == "2026-12-17T16:00:00Z"
    assert (waiting["state"], waiting["rolls"], waiting["fundedAt"]) == ("rolled_over", 1, rolling["fundedAt"])
    money = borealis.balance(deposit_of(refunded), deposit_of(rolling), "provider:sandbox", bonus, owed)
    assert money == [0, DEPOSIT_MINOR, -DEPOSIT_MINOR, -BONUS_MINOR, BONUS_MINOR]
    assert sorted(first.notices()) == ["deposit_in", "deposit_refund", "early_bonus", "pool_failed", "pool_frozen"]
    assert second.notices() == ["deposit_in", "pool_frozen", "pre_order_rolled", "pool_failed"]
    bodies = [one.body for one in house.mailbox.messages if one.to.startswith("buyer1@")]
    assert any(format_money(yuan(200)) in body and "感谢您早早加入" in body for body in bodies)

    house.pass_time(timedelta(days=1))
    borealis.open_pool(key)
    house.work_off()

    assert second.pre_order(rolling["id"])["state"] == "pooled"
    assert second.pre_order(rolling["id"])["fundedAt"] == rolling["fundedAt"]
    (found,) = audit(house.works, house.runtime.checks)
    assert found.is_sound, [one for one in found.findings if one.violations]


def test_whoever_leaves_before_the_freeze_has_the_money_back_and_may_come_again(borealis: Town) -> None:
    house, buyer = borealis.house, borealis.buyer()
    pool = borealis.open_pool(buyer.quote()["poolingClass"]["key"])
    placed = buyer.place(buyer.quote())
    house.work_off()

    left = buyer.at.do(ask.WITHDRAW, input={"preOrderId": placed["id"]})
    house.work_off()
    again = buyer.place(buyer.quote())
    house.work_off()

    assert left["state"] == "withdrawn"
    assert [one["state"] for one in buyer.pre_order(placed["id"])["payments"]] == ["REFUNDED"]
    assert (again["state"], again["pool"]["members"]) == ("pooled", 1)
    money = borealis.balance(deposit_of(placed), deposit_of(again), "provider:sandbox")
    assert money == [0, DEPOSIT_MINOR, -DEPOSIT_MINOR]
    assert buyer.notices() == ["deposit_in", "deposit_refund", "deposit_in"]
    assert borealis.guest().ask(ask.POOL, id=pool["id"])["pool"]["members"] == 1


def test_a_pool_that_the_maker_takes_back_returns_every_deposit(borealis: Town) -> None:
    house, buyer = borealis.house, borealis.buyer()
    pool = borealis.open_pool(buyer.quote()["poolingClass"]["key"])
    funded = buyer.place(buyer.quote())
    other = borealis.buyer()
    unpaid = other.place(other.quote(), authorisation=None)

    cancelled = borealis.staff("planner").do(ask.CANCEL_POOL, input={"poolId": pool["id"], "reason": "no parts"})
    house.work_off()

    assert cancelled["state"] == "cancelled"
    assert buyer.pre_order(funded["id"])["state"] == "refunded"
    assert other.pre_order(unpaid["id"])["state"] == "withdrawn"
    assert borealis.balance(deposit_of(funded), "provider:sandbox") == [0, 0]
    assert buyer.notices() == ["deposit_in", "deposit_refund", "pool_cancelled"]


def test_whoever_chose_to_widen_joins_the_pool_of_all_trims_and_others_do_not(borealis: Town) -> None:
    house, widening, rolling = borealis.house, borealis.buyer(), borealis.buyer()
    cls = widening.quote()["poolingClass"]
    pool = borealis.open_pool(cls["key"])
    wide = widening.place(widening.quote(), failureChoice="WIDEN", acceptsWiderClass=True)
    narrow = rolling.place(rolling.quote(), failureChoice="ROLL")
    house.pass_until(pool["deadline"])

    borealis.open_pool(cls["key"], level="L2")
    house.work_off()

    assert widening.pre_order(wide["id"])["state"] == "pooled"
    assert rolling.pre_order(narrow["id"])["state"] == "rolled_over"
    money = borealis.balance(deposit_of(wide), deposit_of(narrow), "provider:sandbox")
    assert money == [DEPOSIT_MINOR, DEPOSIT_MINOR, -2 * DEPOSIT_MINOR]
    (found,) = audit(house.works, house.runtime.checks)
    assert found.is_sound, [one for one in found.findings if one.violations]


def test_a_tier_that_one_trim_bears_is_refused_for_all_trims_where_another_would_lose(borealis: Town) -> None:
    cls = borealis.buyer().quote(wanted=("PT_BEV_90", "T_NORDIC"))["poolingClass"]
    tiers = [{"members": 3, "discountBasisPoints": 0}, {"members": 5, "discountBasisPoints": 2000}]
    asked = {"classKey": cls["key"], "capacity": 6, "minimum": 3, "tiers": tiers}
    planner = borealis.staff("planner")

    with borealis.house.unchanged():
        assert planner.refusal(ask.OPEN_POOL, input=asked | {"level": "L2"}) == "TIER_BELOW_COST"

    assert planner.do(ask.OPEN_POOL, input=asked)["state"] == "open"
