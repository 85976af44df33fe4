"""What an audit looks at in what plants reported: counted without a gap, and the car stands where the last one says."""

from __future__ import annotations

from typing import Final

from kernel.soundness import Check, rows_violating

_GAPS: Final = """
    SELECT build_orders.id, build_orders.events, COUNT(plant_events.id) AS reports
    FROM build_orders LEFT JOIN plant_events ON plant_events.build_order_id = build_orders.id
    WHERE build_orders.brand_id = :brand_id
    GROUP BY build_orders.id, build_orders.events
    HAVING COUNT(plant_events.id) <> build_orders.events
        OR COALESCE(MAX(plant_events.number), 0) <> build_orders.events
"""
# A withdrawn one keeps what was reported before.
_STAGES: Final = """
    SELECT build_orders.id, build_orders.stage, plant_events.stage AS reported
    FROM build_orders JOIN plant_events ON plant_events.build_order_id = build_orders.id
        AND plant_events.number = build_orders.events
    WHERE build_orders.brand_id = :brand_id AND build_orders.stage NOT IN ('withdrawn', plant_events.stage)
"""
CHECKS: Final = (
    Check(
        "what a plant reported of a car is counted without a gap",
        4,
        rows_violating(_GAPS, shape="build order {id}: {events} events are counted, {reports} are there"),
    ),
    Check(
        "a car on the line stands where its plant's last report says",
        4,
        rows_violating(_STAGES, shape="build order {id} stands at {stage}, reported was {reported}"),
    ),
)
