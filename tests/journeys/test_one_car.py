"""One car from the wish to the handover, through the API, by everybody it takes: every step, every fen, every word."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

from factory_orders.policies import HandoverPolicy
from graph.identifiers import raw_id
from muster.audit import audit
from muster.demo import documents as demo
from muster.demo.people import invented_id_number
from tests.journeys import documents as ask
from tests.journeys.town import Caller, Town, deposit_of, earnest_of

RECOMPUTE: Final = "query Recompute($id: ID!) { recomputeQuote(id: $id) { agrees } }"
PASSWORD: Final = "correct horse battery staple"
EMAIL: Final = "lin.new@example.com"
ID_NUMBER: Final = invented_id_number(9_876_543)
TOLD_IN_CHINESE: Final = [
    "确认您的邮箱",
    "意向金已收到",
    "拼单池已冻结",
    "锁单成功",
    "已排产",
    "车辆已下线",
    "车辆已到店",
    "交车已预约",
    "请支付尾款",
    "机动车销售发票已开具",
    "提车愉快",
]
STAGES: Final = ("PARTS_READY", "BODY", "PAINT", "ASSEMBLY", "PASSED")
TIMELINE: Final = [
    *(f"pre_order:{state}" for state in ("acknowledged", "funded", "pooled", "locked")),
    *(f"car:{stage}" for stage in ("parts_ready", "body", "paint", "assembly", "passed")),
    *(f"shipment:{leg}" for leg in ("planned", "loaded", "arrived", "inspected")),
    *(f"handover:{step}" for step in ("booked", "inspected", "ended")),
]
PASSPORT: Final = ["identified", "built", "allocated", "loaded", "in_transit", "arrived", "inspected", "delivered"]
BALANCE_MINOR: Final = {
    "vehicle": 15_660_400,
    "guaranteedOther": 213_300,
    "thirdParty": 1_124_038,
    "earnest": 500_000,
    "lateCredit": 0,
    "due": 16_497_738,
}


def test_from_sign_up_to_handover_every_fen_is_accounted_for(qilan: Town) -> None:
    wish = Wish(qilan)
    wish.sign_up()
    quote = wish.quote()
    pre_order = wish.pre_order(quote)
    wish.lock(pre_order)
    vin = wish.build(pre_order)
    wish.ship(vin)
    wish.hand_over(pre_order, vin)

    wish.check_the_end(pre_order, vin)


class Wish:
    """Somebody new who wants an S6, and everybody who brings it about."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.house = town.house
        self.dealer = "dealer.pudong"

    @property
    def at(self) -> Caller:
        """Return the client of the new customer, signed in with the password of the sign-up."""
        if EMAIL not in self.town.callers:
            asked = {"email": EMAIL, "password": PASSWORD}
            token = self.town.guest().do(demo.SIGN_IN, input=asked)["token"]
            self.town.callers[EMAIL] = self.town.with_token(token, "zh-CN")
        return self.town.callers[EMAIL]

    def sign_up(self) -> None:
        """An account is confirmed by the token in the mail; only a verified person may order."""
        guest = self.town.guest("zh-CN")
        asked = {"email": EMAIL, "password": PASSWORD, "name": "林新", "locale": "zh-CN"}
        assert guest.do(ask.SIGN_UP, input=asked)["to"] == EMAIL
        self.house.work_off()
        assert guest.refusal(demo.SIGN_IN, input={"email": EMAIL, "password": PASSWORD}) == "SIGN_IN_FAILED"
        token = self.house.mailbox.token(EMAIL)
        session = guest.do(ask.CONFIRM, input={"token": token, "password": PASSWORD})
        new = self.town.with_token(session["token"], "zh-CN")
        assert new.ask(ask.VIEWER)["viewer"] == {
            "isSignedIn": True,
            "isVerifiedPerson": False,
            "roles": ["consumer"],
            "storeId": None,
            "locale": "zh-CN",
        }
        assert guest.refusal(ask.CONFIRM, input={"token": token, "password": PASSWORD}) == "TOKEN_INVALID"
        verified = new.do(ask.VERIFY, input={"name": "林新", "idNumber": ID_NUMBER})
        assert self.town.with_token(verified["session"]["token"]).ask(ask.VIEWER)["viewer"]["isVerifiedPerson"]

    def quote(self) -> dict[str, Any]:
        """The planner opens the pool of the car's class; the all-in quote adds up and can be recomputed to the fen."""
        asked = {"model": "S6", "region": "east", "choices": []}
        step = self.at.do(ask.CHEAPEST, input=asked)
        wanted = {"model": "S6", "options": step["cheapest"]["options"], "storeId": self.town.store("shanghai-pudong")}
        key = self.at.do(ask.QUOTE, input=wanted)["poolingClass"]["key"]
        self.town.open_pool(key)
        quote = self.at.do(ask.QUOTE, input=wanted)
        lines = quote["lines"]
        assert sum(line["amount"]["minor"] for line in lines) == quote["total"]["minor"]
        assert sum(line["amount"]["minor"] for line in lines if line["guaranteed"]) == quote["guaranteedTotal"]["minor"]
        assert quote["vehiclePrice"]["minor"] == step["cheapest"]["price"]["minor"] == 15_980_000
        assert [tier["vehiclePrice"]["minor"] for tier in quote["tiers"]] == [15_980_000, 15_660_400]
        assert self.at.ask(RECOMPUTE, id=quote["id"])["recomputeQuote"]["agrees"]
        return quote

    def pre_order(self, quote: dict[str, Any]) -> dict[str, Any]:
        """The deposit is authorised, the place is taken at once, and the same request again is the same pre-order."""
        token = self.at.do(ask.AUTHORISE, input={"amount": {"minor": 500_000}})["token"]
        asked = {
            "idempotencyKey": "the-first-car",
            "quoteId": quote["id"],
            "priceCap": quote["vehiclePrice"],
            "authorisation": token,
        }
        placed = self.at.do(ask.PLACE, input=asked)
        again = self.at.do(ask.PLACE, input=asked)
        assert (placed["state"], again["id"], placed["pool"]["members"]) == ("pooled", placed["id"], 1)
        assert self.town.balance(deposit_of(placed), earnest_of(placed), "provider:sandbox") == [500_000, 0, -500_000]
        return placed

    def lock(self, pre_order: dict[str, Any]) -> None:
        """Four more come, so five are in and everybody gets the second tier; deposits become earnest money."""
        for _ in range(4):
            other = self.town.buyer()
            assert other.place(other.quote())["state"] == "pooled"
        pool = self.at.ask(ask.POOL, id=pre_order["pool"]["id"])["pool"]
        assert (pool["members"], pool["needed"], pool["discountBasisPoints"]) == (5, 0, 200)
        self.house.work_off()
        self.house.pass_until(pool["freezeAt"])
        frozen = self.at.ask(ask.POOL, id=pre_order["pool"]["id"])["pool"]
        assert frozen["state"] == "frozen"
        assert self.at.refusal(ask.WITHDRAW, input={"preOrderId": pre_order["id"]}) == "POOL_FROZEN"
        self.house.pass_until(pool["deadline"])
        locked = self.at.ask(ask.ORDER, id=pre_order["id"])["preOrder"]
        assert (locked["state"], locked["lockedPrice"]) == ("locked", {"minor": 15_660_400})
        assert (locked["order"]["state"], locked["order"]["price"]) == ("scheduled", {"minor": 15_660_400})
        assert self.town.balance(deposit_of(pre_order), earnest_of(pre_order)) == [0, 500_000]

    def build(self, pre_order: dict[str, Any]) -> str:
        """The plant's system reports stage by stage; the VIN comes after the paint."""
        order = self.at.ask(ask.ORDER, id=pre_order["id"])["preOrder"]["order"]
        week = date.fromisoformat(order["buildWeek"])
        self.house.pass_until(datetime(week.year, week.month, week.day, 10, tzinfo=self.town.brand.zone))
        self.house.pass_time(timedelta(days=6))
        plant = self.town.machine("plant-changzhou")
        found = plant.ask(demo.BUILD_ORDERS)["plantBuildOrders"]["nodes"]
        assert len(found) == 5
        for build_order in found:
            vins = [self._report(plant, build_order["id"], stage) for stage in STAGES]
            assert [vin is None for vin in vins] == [True, True, False, False, False]
            assert self._report(plant, build_order["id"], "PASSED") == vins[-1]
        self.house.work_off()
        built = self.at.ask(ask.ORDER, id=pre_order["id"])["preOrder"]["order"]
        assert built["state"] in ("built", "in_transit")
        vin: str = built["vin"]
        assert len(vin) == 17
        return vin

    def _report(self, plant: Caller, build_order_id: str, stage: str) -> str | None:
        report = {
            "buildOrderId": build_order_id,
            "eventId": f"{build_order_id}-{stage}"[:80],
            "stage": stage,
            "occurredAt": self.house.clock.now().isoformat(),
        }
        vin: str | None = plant.do(demo.REPORT_BUILD, input=report)["vin"]
        return vin

    def ship(self, vin: str) -> None:
        """The carrier reports leg by leg; the store looks the car over."""
        carrier = self.town.machine("carrier-yuanlu")
        shipments = carrier.ask(demo.CARRIER_SHIPMENTS)["carrierShipments"]["nodes"]
        shipment = next(one for one in shipments if one["vin"] == vin)
        for leg in ("LOADED", "IN_TRANSIT", "ARRIVED"):
            moment = self.house.clock.now().isoformat()
            report = {"shipmentId": shipment["id"], "state": leg, "occurredAt": moment}
            assert carrier.do(demo.REPORT_SHIPMENT, input=report)["state"] == leg
            self.house.pass_time(timedelta(hours=12))
        received = self.town.staff(self.dealer).do(
            demo.INSPECT_ARRIVAL, input={"shipmentId": shipment["id"], "vin": vin}
        )
        assert received["state"] == "INSPECTED"
        self.house.work_off()

    def hand_over(self, pre_order: dict[str, Any], vin: str) -> None:
        """Booked, inspected together, paid to the fen, signed; in this order and in no other."""
        order = self.at.ask(ask.ORDER, id=pre_order["id"])["preOrder"]["order"]
        assert order["state"] == "at_store"
        tomorrow = self.house.clock.now().astimezone(self.town.brand.zone) + timedelta(days=1)
        wanted = tomorrow.replace(hour=10, minute=0, second=0, microsecond=0)
        booked = self.at.do(demo.BOOK, input={"orderId": order["id"], "appointmentAt": wanted.isoformat()})
        handover = {"handoverId": booked["id"]}
        self.house.pass_until(wanted)
        assert self.at.refusal(demo.REQUEST_BALANCE, input=handover) == "INSPECTION_MISSING"
        points = [{"point": point, "fine": True} for point in HandoverPolicy().checklist]
        self.town.staff(self.dealer).ask(demo.INSPECT_HANDOVER, input={**handover, "vin": vin, "points": points})
        due = self.at.do(demo.REQUEST_BALANCE, input=handover)["amount"]["minor"]
        balance = self.at.ask(ask.ORDER, id=pre_order["id"])["preOrder"]["order"]["handovers"][0]["balance"]
        assert {name: amount["minor"] for name, amount in balance.items()} == BALANCE_MINOR
        assert due == BALANCE_MINOR["due"] == 15_660_400 + 213_300 + 1_124_038 - 500_000
        receivable = f"receivable:{raw_id(pre_order['id'], 'PreOrder')}"
        assert self.town.balance(receivable, earnest_of(pre_order)) == [-due, 0]
        assert self.at.refusal(demo.SIGN, input=handover) == "BALANCE_OPEN"
        short = self.at.do(ask.AUTHORISE, input={"amount": {"minor": due - 1}})["token"]
        assert (
            self.at.refusal(demo.PAY_BALANCE, input={**handover, "authorisation": short}) == "PAYMENT_AMOUNT_MISMATCH"
        )
        exact = self.at.do(ask.AUTHORISE, input={"amount": {"minor": due}})["token"]
        assert self.at.do(demo.PAY_BALANCE, input={**handover, "authorisation": exact})["state"] == "balance_paid"
        assert self.at.do(demo.SIGN, input=handover)["state"] == "signed"
        store, brand = raw_id(self.town.store("shanghai-pudong"), "Store"), self.town.brand.id
        held = self.town.balance(receivable, f"sales:{brand}", f"store:{store}", f"third_party:{brand}")
        assert held == [0, 15_660_400 + 213_300 - 128_000, 128_000, 1_124_038]
        assert self.town.balance("provider:sandbox") == [-(5 * 500_000 + due)]
        self.house.work_off()

    def check_the_end(self, pre_order: dict[str, Any], vin: str) -> None:
        """The timeline, the passport, the notices in the buyer's language, and every invariant of the domain."""
        end = self.at.ask(ask.ORDER, id=pre_order["id"])["preOrder"]
        assert end["order"]["state"] == "delivered"
        told = [f"{one['concerns']}:{one['state']}" for one in end["timeline"]]
        assert told == TIMELINE
        passport = self.town.guest().do(ask.PASSPORT, vin=vin)
        assert (passport["newness"], passport["verified"]) == ("new", True)
        assert [one["kind"] for one in passport["entries"]] == PASSPORT
        nodes = self.at.ask(ask.NOTICES)["myNotices"]["nodes"]
        assert [one["subject"] for one in reversed(nodes)] == TOLD_IN_CHINESE
        mailed = [one.subject for one in self.house.mailbox.messages if one.to == EMAIL]
        assert mailed == TOLD_IN_CHINESE
        assert nodes[-1]["body"].endswith("（见邮件）")
        assert vin in next(one["body"] for one in nodes if one["kind"] == "vehicle_built")
        (found,) = audit(self.house.works, self.house.runtime.checks)
        assert found.is_sound, [one for one in found.findings if one.violations]
