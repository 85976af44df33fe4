"""What must hold of cars that changed places: a round only exchanges, is proven, and makes nobody more days late."""

from __future__ import annotations

from typing import Final

from kernel.soundness import Check, rows_violating

_ROUNDS: Final = """
    SELECT swap_rounds.id, swap_rounds.swapped, COUNT(car_swaps.id) AS swaps FROM swap_rounds
    LEFT JOIN car_swaps ON car_swaps.round_id = swap_rounds.id
    WHERE swap_rounds.brand_id = :brand_id
    GROUP BY swap_rounds.id, swap_rounds.swapped, swap_rounds.saved_minor, swap_rounds.saved_at_most_minor
    HAVING COUNT(car_swaps.id) <> swap_rounds.swapped OR swap_rounds.saved_minor <> swap_rounds.saved_at_most_minor
"""
_EXCHANGED: Final = """
    SELECT given.id FROM car_swaps AS given
    JOIN build_orders AS old_car ON old_car.id = given.from_build_order_id
    JOIN build_orders AS new_car ON new_car.id = given.to_build_order_id
    WHERE given.brand_id = :brand_id AND (
        NOT EXISTS (SELECT 1 FROM car_swaps AS taken WHERE taken.round_id = given.round_id
            AND taken.to_build_order_id = given.from_build_order_id)
        OR old_car.plant_id <> new_car.plant_id OR old_car.model <> new_car.model
        OR old_car.catalogue_version_id <> new_car.catalogue_version_id
        OR given.days_late_after > given.days_late_before
    )
"""
_ACCEPTED: Final = """
    SELECT swap_offers.id FROM swap_offers
    JOIN orders ON orders.id = swap_offers.order_id
    WHERE swap_offers.brand_id = :brand_id AND (orders.account_id <> swap_offers.account_id
        OR (swap_offers.state = 'accepted' AND NOT EXISTS (SELECT 1 FROM car_swaps
            WHERE car_swaps.order_id = swap_offers.order_id
            AND car_swaps.from_build_order_id = swap_offers.build_order_id
            AND car_swaps.to_build_order_id = swap_offers.with_build_order_id
            AND car_swaps.days_late_after < car_swaps.days_late_before)))
"""

CHECKS: Final = (
    Check(
        "a round of swaps is proven, and has the swaps that it says",
        2,
        rows_violating(_ROUNDS, shape="round {id} says {swapped}, there are {swaps}"),
    ),
    Check(
        "a car that an order gave away went to another one, for an equal car, and made nobody more days late",
        2,
        rows_violating(_EXCHANGED, shape="swap {id}"),
    ),
    Check(
        "who said yes to another order's car has it and comes sooner by it, and only the order's buyer was asked",
        2,
        rows_violating(_ACCEPTED, shape="offer {id}"),
    ),
)
