"""What must hold of damage that was found on a car's way, and of cars that are not new any more."""

from __future__ import annotations

from typing import Final

from kernel.soundness import Check, rows_violating

_NOT_NEW: Final = """
    SELECT vehicles.vin, vehicles.newness FROM vehicles
    JOIN allocations ON allocations.vin = vehicles.vin AND allocations.ended_at IS NULL
    LEFT JOIN repair_offers ON repair_offers.vin = vehicles.vin AND repair_offers.order_id = allocations.order_id
        AND repair_offers.state = 'accepted' AND vehicles.consented_for = allocations.order_id
    LEFT JOIN stock_purchases ON stock_purchases.id = allocations.order_id
    LEFT JOIN stock_quotes ON stock_quotes.id = stock_purchases.quote_id
        AND vehicles.consented_for = allocations.order_id AND NOT EXISTS (
            SELECT 1 FROM vehicle_disclosures WHERE vehicle_disclosures.vin = vehicles.vin
                AND vehicle_disclosures.repair_minor > 0 AND vehicle_disclosures.number > stock_quotes.told)
    WHERE vehicles.brand_id = :brand_id AND (vehicles.newness > 2
        OR (vehicles.newness = 2 AND repair_offers.id IS NULL AND stock_quotes.id IS NULL))
"""
_UNTOLD: Final = """
    SELECT damage_cases.vin FROM damage_cases
    WHERE damage_cases.brand_id = :brand_id AND NOT EXISTS (
        SELECT 1 FROM vehicle_disclosures WHERE vehicle_disclosures.vin = damage_cases.vin
            AND vehicle_disclosures.shipment_id = damage_cases.shipment_id
            AND vehicle_disclosures.at >= damage_cases.opened_at)
"""
_CHEAPER: Final = """
    SELECT vehicles.vin, SUM(damage_cases.repair_minor) AS costs FROM damage_cases
    JOIN vehicles ON vehicles.vin = damage_cases.vin
    WHERE damage_cases.brand_id = :brand_id AND damage_cases.state = 'closed' AND vehicles.state <> 'gone'
        AND (vehicles.delivered_at IS NULL OR vehicles.delivered_at > damage_cases.closed_at)
    GROUP BY vehicles.vin, damage_cases.shipment_id
    HAVING SUM(damage_cases.repair_minor) > (
        SELECT COALESCE(SUM(vehicle_disclosures.repair_minor), 0) FROM vehicle_disclosures
        WHERE vehicle_disclosures.vin = vehicles.vin
            AND vehicle_disclosures.shipment_id = damage_cases.shipment_id)
"""

CHECKS: Final = (
    Check(
        "a car that is not new is bound to nobody but who agreed to take it",
        4,
        rows_violating(_NOT_NEW, shape="{vin} is at {newness}"),
    ),
    Check("what is found on a car's way is disclosed", 4, rows_violating(_UNTOLD, shape="{vin}")),
    Check(
        "what a car's damage costs is disclosed",
        4,
        rows_violating(_CHEAPER, shape="{vin}: closed cases say {costs} in minor units"),
    ),
)
