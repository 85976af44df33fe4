"""What happens between the lines of the guides: others join, time passes, a plant builds, a truck drives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from factory_orders.policies import HandoverPolicy
from muster.demo import documents as demo
from tests.journeys import documents as ask
from tests.journeys.town import Caller, Town

MODEL: Final = "L5"
STORE: Final = "shanghai-pudong"
STAGES: Final = ("PARTS_READY", "BODY", "PAINT", "ASSEMBLY", "PASSED")
ORDER_STOCK: Final = ask.mutation("orderStock", "OrderStockInput", "... on StockOrder { id }")
PRICE: Final = ask.mutation("priceStockCar", "PriceStockCarInput", "... on StockCar { vin }")
ARRIVED: Final = """query($day: Date!) { storeCalendar(firstDay: $day, days: 1) {
  arrivals { code state vin shipmentId } } }"""
CONSUMER: Final = "tingyu.xiaoman@qilan.test"


class Story:
    """The demo brand as the guides find it, and the answers given so far."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.house = town.house
        self.answers: dict[str, Any] = {}
        self.events: Mapping[str, Callable[[], object]] = {
            "a pool is open": self.open_pool,
            "others join": self.others_join,
            "the pool freezes": lambda: self.pass_until("freezeAt"),
            "the pool clears": lambda: self.pass_until("deadline"),
            "the week comes": self.reach_week,
            "the plant builds": self.build,
            "the trucks drive": self.drive,
            "the store receives": self.receive,
            "the appointment comes": self.keep_appointment,
            "the store inspects": self.inspect,
            "the buyer books": self.book,
            "statistics are released": self.release,
            "a car comes for stock": self.stock,
        }

    def caller(self, who: str) -> Caller:
        """Return who a block is asked as."""
        match who:
            case "guest":
                return self.town.guest()
            case "consumer":
                return self.town.person(CONSUMER)
            case "dealer":
                return self.town.staff("dealer.pudong")
            case "newcomer":
                return self.town.with_token(self.answers["confirmEmail"]["token"])
            case "plant":
                return self.town.machine("plant-changzhou")
            case "carrier":
                return self.town.machine("carrier-yuanlu")
            case _:
                return self.town.staff(who)

    def tell(self, what: str) -> None:
        """Let something happen."""
        self.events[what]()
        self.house.work_off()

    def note(self, data: Mapping[str, Any]) -> None:
        """Keep answers, and the times that variables may name."""
        self.answers |= data
        now = self.house.clock.now()
        tomorrow = (now.astimezone(self.town.brand.zone) + timedelta(days=1)).replace(hour=10, minute=0, second=0)
        self.answers |= {
            "now": now.isoformat(),
            "tomorrow_at_ten": tomorrow.isoformat(),
            "store": self.town.store(STORE),
        }
        mailed = [word for mail in self.house.mailbox.messages for word in mail.body.split() if len(word) == 96]
        self.answers |= {"token_from_the_mail": mailed[-1]} if mailed else {}

    # --- the pool ---

    def open_pool(self) -> None:
        """Open the pool of the cheapest car's class: three members make it tip."""
        key = self.town.buyer().quote(MODEL, STORE)["poolingClass"]["key"]
        self.answers["opened"] = self.town.open_pool(key)

    def others_join(self) -> None:
        """Let three people with the cheapest car of the pool's class and the same store join."""
        key = self.answers.get("openPool", {}).get("classKey", "")
        wanted = [key.split("/")[2]] if key else []
        for _ in range(3):
            buyer = self.town.buyer()
            self.answers["other"] = buyer.place(buyer.quote(MODEL, STORE, wanted=wanted))
            self.answers["buyer"] = buyer

    def pass_until(self, name: str) -> None:
        """Let time pass up to a moment of the pool."""
        pool_id = (self.answers.get("openPool") or self.answers["opened"])["id"]
        found = self.town.guest().ask("query($id: ID!) { pool(id: $id) { freezeAt deadline } }", id=pool_id)["pool"]
        self.house.pass_until(found[name])

    # --- the plant and the road ---

    def reach_week(self) -> None:
        """Let time pass up to the evening of the last day on which a car of the batch is on the line."""
        days = [datetime.fromisoformat(one["day"]) for one in self._build_orders()]
        self.house.pass_until(max(days).replace(hour=20, tzinfo=self.town.brand.zone))

    def _build_orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.caller("plant").ask(demo.BUILD_ORDERS)["plantBuildOrders"]["nodes"]
        return found

    def build(self) -> None:
        """Let the plant report every stage of every car that is not through it yet."""
        self.reach_week()
        for order in self._build_orders():
            done = STAGES.index(order["stage"]) + 1 if order["stage"] in STAGES else 0
            for stage in STAGES[done:]:
                report = {"buildOrderId": order["id"], "eventId": f"{order['id']}-{stage}"[:80], "stage": stage}
                moment = self.house.clock.now().isoformat()
                self.caller("plant").do(demo.REPORT_BUILD, input={**report, "occurredAt": moment})

    def drive(self) -> None:
        """Let the carrier bring every car to its store."""
        carrier = self.caller("carrier")
        for shipment in carrier.ask(demo.CARRIER_SHIPMENTS)["carrierShipments"]["nodes"]:
            for leg in ("LOADED", "IN_TRANSIT", "ARRIVED"):
                moment = self.house.clock.now().isoformat()
                report = {"shipmentId": shipment["id"], "state": leg, "occurredAt": moment}
                carrier.do(demo.REPORT_SHIPMENT, input=report)

    # --- the store ---

    def receive(self) -> None:
        """Let the store look over every car that has arrived."""
        arrived = "{ storeDeliveries(first: 50) { nodes { vin shipmentId shipmentState } } }"
        for delivery in self.caller("dealer").ask(arrived)["storeDeliveries"]["nodes"]:
            if delivery["shipmentState"] != "ARRIVED":
                continue
            given = {"shipmentId": delivery["shipmentId"], "vin": delivery["vin"]}
            self.caller("dealer").do(demo.INSPECT_ARRIVAL, input=given)

    def book(self) -> None:
        """Let the buyer of the last joined car book an appointment."""
        buyer = self.answers["buyer"]
        order = buyer.at.ask(ask.ORDER, id=self.answers["other"]["id"])["preOrder"]["order"]
        self.note({"vin": order["vin"]})
        given = {"orderId": order["id"], "appointmentAt": self.answers["tomorrow_at_ten"]}
        self.answers["bookHandover"] = buyer.at.do(demo.BOOK, input=given)

    def keep_appointment(self) -> None:
        """Let time pass up to the appointment."""
        self.house.pass_until(self.answers["bookHandover"]["appointmentAt"])

    def inspect(self) -> None:
        """Let the store inspect the car with its buyer, and find it well."""
        points = [{"point": point, "fine": True} for point in HandoverPolicy().checklist]
        vin = self.answers["preOrder"]["order"]["vin"]
        given = {"handoverId": self.answers["bookHandover"]["id"], "vin": vin, "points": points}
        self.caller("dealer").do(demo.INSPECT_HANDOVER, input=given)

    def stock(self) -> None:
        """Let the store order a car for its stock, the plant build it, a truck bring it, and the store price it."""
        car = self.caller("guest").do(demo.CONFIGURE, input={"model": MODEL, "region": "east"})["cheapest"]
        given = {"idempotencyKey": "stock-of-the-guide", "model": MODEL, "options": car["options"], "cars": 1}
        dealer = self.caller("dealer")
        dealer.do(ORDER_STOCK, input=given)
        self.house.work_off()
        self.build()
        self.house.work_off()
        self.drive()
        dealer = self.caller("dealer")
        today = self.house.clock.now().astimezone(self.town.brand.zone).date().isoformat()
        for arrival in dealer.ask(ARRIVED, day=today)["storeCalendar"][0]["arrivals"]:
            if arrival["state"] == "arrived" and arrival["code"] is None:
                dealer.do(demo.INSPECT_ARRIVAL, input={"shipmentId": arrival["shipmentId"], "vin": arrival["vin"]})
                dealer.do(PRICE, input={"vin": arrival["vin"], "price": {"minor": 12_500_000}})

    def release(self) -> None:
        """Let the next morning come, in which the worker releases statistics."""
        self.house.pass_time(timedelta(days=1))
