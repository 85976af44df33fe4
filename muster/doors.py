"""Doors that gather: requests that arrive together are decided in one change, whatever brand they are for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from demand.service import Outcome, Placed, PreOrderRequest, place_pre_orders
from kernel.actor import system
from kernel.errors import Refusal
from kernel.group import QUEUE_MAX, Group
from kernel.ids import BrandId
from kernel.payments import PaymentProvider
from kernel.work import Work, Works

PLATFORM = system(BrandId("platform"))


def pre_order_door(
    works: Works,
    providers: Mapping[str, PaymentProvider],
    *,
    watch: Callable[[int], None] | None = None,
    queue_max: int = QUEUE_MAX,
) -> Group[PreOrderRequest, Placed]:
    """Return the door that pre-orders come in by; one per process. `watch` is told the size of every group."""

    def decide(requests: Sequence[PreOrderRequest]) -> Sequence[Placed | Refusal]:
        if watch is not None:
            watch(len(requests))
        by_brand: dict[BrandId, list[int]] = {}
        for index, request in enumerate(requests):
            by_brand.setdefault(request.actor.brand_id, []).append(index)

        def place(work: Work) -> list[Outcome]:
            outcomes: dict[int, Outcome] = {}
            for brand_id, indices in sorted(by_brand.items()):
                own = work.acting(system(brand_id))
                placed = place_pre_orders(own, providers, [requests[index] for index in indices])
                outcomes.update(zip(indices, placed, strict=True))
            return [outcomes[index] for index in range(len(requests))]

        return works.run(PLATFORM, place, ahead=True)

    return Group(decide, name="pre-orders", queue_max=queue_max, owner_of=lambda request: request.actor.account_id)
