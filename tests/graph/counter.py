"""A counter at which buyers, planners and stores ask the API about orders that were made below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from demand.service import PoolPlan
from factory_orders.pools_service import SUBSCRIPTIONS, open_pool
from graph.identifiers import write_id
from kernel import outbox
from kernel.actor import Actor
from tests.configurator.small_brand import PLANNER
from tests.demand.pool_room import TIERS, PoolRoom
from tests.factory_orders.trade import Trade
from tests.graph.client import Http
from tests.graph.support import Passes, data

ORDER: Final = "query($id: ID!) { order(id: $id) { state handovers { id state reason } } }"
TIMELINE: Final = "query($id: ID!) { preOrder(id: $id) { timeline { concerns state } } }"
AUTHORISE: Final = """mutation($minor: Long!) { authoriseInSandbox(input: {amount: {minor: $minor}}) {
  ... on SandboxAuthorisation { token } } }"""


@dataclass
class Counter:
    """The server over a small brand whose orders are made below it, and whoever asks there."""

    http: Http
    room: PoolRoom
    trade: Trade
    passes: Passes

    def ask(self, who: Actor, document: str, **variables: Any) -> dict[str, Any]:
        """Send one operation with one root field and return what that answers."""
        (found,) = data(self.http, document, variables, token=self.passes.hand_out(who)).values()
        answer: dict[str, Any] = found
        return answer

    def locked_orders(self) -> list[str]:
        """Take a pool of three buyers to its lock; returns their orders' ids."""
        with self.room.works.change(PLANNER) as work:
            open_pool(work, PoolPlan(self.room.cls, 8, minimum=3, tiers=TIERS))
        placed = self.room.join(1, 2, 3)
        self.room.pass_time(days=21)
        while outbox.deliver(self.room.works, SUBSCRIPTIONS):
            pass
        return [one.pre_order_id for one in placed]

    def order_at_store(self) -> str:
        """Return the id of buyer 1's order whose car is at the store."""
        (order_id,) = self.trade.lock()
        self.trade.bring_to_store(order_id)
        return order_id

    def authorise(self, who: Actor, minor: int) -> str:
        """Let the wallet authorise an amount."""
        token: str = self.ask(who, AUTHORISE, minor=minor)["token"]
        return token

    def state(self, who: Actor, order_id: str) -> str:
        """Return an order's state as the API tells it."""
        found: str = self.ask(who, ORDER, id=write_id("Order", order_id))["state"]
        return found
