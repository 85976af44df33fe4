"""The room's values, gathered: orders, batches, build orders, cars, shipments, handovers."""

from factory_orders.agreements.model import Agreement, FreezePoint
from factory_orders.consents.model import RepairOffer
from factory_orders.deliveries.model import CheckedPoint, Handover, HandoverState, Shipment, ShipmentState
from factory_orders.hooks.model import HookMessage, MessageState, PlantHook
from factory_orders.parts.model import CallOff, CallOffState, Shortage
from factory_orders.planning.model import (
    ORDER_STATES,
    AtStoreOrder,
    Batch,
    BatchState,
    BuiltOrder,
    CancelledOrder,
    DeliveredOrder,
    InTransitOrder,
    LineDayFigures,
    Order,
    OrderTerms,
    Rebuild,
    ScheduledOrder,
    StockedOrder,
    order_state,
)
from factory_orders.planning.weekly.model import Conflict, KeptPlan, PlanOutlook, Shortfall, UnitWorth, WhatIf
from factory_orders.plant.model import BuildOrder, PlantReport, Stage
from factory_orders.vehicles.model import Allocation, Disclosure, DisclosureReason, Newness, Vehicle, VehicleState
from factory_orders.waiting.model import WaitOffer, WaitOfferState

__all__ = [
    "ORDER_STATES",
    "Agreement",
    "Allocation",
    "AtStoreOrder",
    "Batch",
    "BatchState",
    "BuildOrder",
    "BuiltOrder",
    "CallOff",
    "CallOffState",
    "CancelledOrder",
    "CheckedPoint",
    "Conflict",
    "DeliveredOrder",
    "Disclosure",
    "DisclosureReason",
    "FreezePoint",
    "Handover",
    "HandoverState",
    "HookMessage",
    "InTransitOrder",
    "KeptPlan",
    "LineDayFigures",
    "MessageState",
    "Newness",
    "Order",
    "OrderTerms",
    "PlanOutlook",
    "PlantHook",
    "PlantReport",
    "Rebuild",
    "RepairOffer",
    "ScheduledOrder",
    "Shipment",
    "ShipmentState",
    "Shortage",
    "Shortfall",
    "Stage",
    "StockedOrder",
    "UnitWorth",
    "Vehicle",
    "VehicleState",
    "WaitOffer",
    "WaitOfferState",
    "WhatIf",
    "order_state",
]
