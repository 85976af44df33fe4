"""The room's reads, gathered."""

from factory_orders.agreements.queries import agreements_of_orders
from factory_orders.conditions.queries import conditions_of_shipment, list_damage_cases
from factory_orders.consents.queries import repair_offers_of_orders
from factory_orders.deliveries.queries import (
    Delivery,
    balances_of_handovers,
    carrier_shipments,
    handovers_of_orders,
    order_code,
    orders_by_id,
    shipments_of_orders,
    store_deliveries,
)
from factory_orders.early_cars.queries import early_rounds_made, my_early_offers
from factory_orders.exchanges.queries import (
    car_swaps_made,
    my_swap_offers,
    swap_rounds_made,
    swap_times_of_orders,
)
from factory_orders.footfall.queries import visitors_reported
from factory_orders.hooks.queries import HookView, list_hooks, messages_of_hook
from factory_orders.hours.queries import free_appointments, store_arrivals, store_calendar
from factory_orders.light_stock.queries import (
    allocation_rounds_made,
    arrivals_of,
    fairness_ledger,
    moves_made,
    store_levels,
)
from factory_orders.papers.queries import papers_of_order
from factory_orders.parts.queries import list_call_offs, part_shortages, supplier_call_offs
from factory_orders.planning.batching.model import BatchPlanView
from factory_orders.planning.queries import (
    BatchView,
    WeekView,
    batch_plans_of,
    batches_by_id,
    line_of_days,
    list_batches,
    plant_weeks,
    rebuilds_of_orders,
    waiting_count,
)
from factory_orders.planning.weekly.kept_queries import week_plans_of
from factory_orders.plant.queries import (
    StageView,
    build_orders_for_plant,
    build_orders_of_orders,
    build_orders_of_plant,
    build_queues,
    stages_of_orders,
)
from factory_orders.promises.queries import PlantCalibration, calibrations, my_hold
from factory_orders.stock.queries import (
    my_stock_hold,
    own_stock,
    own_stock_purchases,
    purchases_by_id,
    quotes_standing,
    stock_cars,
    stock_quote,
)
from factory_orders.stock_orders.queries import stock_orders_made
from factory_orders.store_closing.queries import StoreOutlook, store_outlook
from factory_orders.store_shares.queries import store_balances, store_statement
from factory_orders.vehicles.queries import disclosures_of, passport, passport_document, vehicles_by_vin
from factory_orders.waiting.queries import my_wait_offers

__all__ = [
    "BatchPlanView",
    "BatchView",
    "Delivery",
    "HookView",
    "PlantCalibration",
    "StageView",
    "StoreOutlook",
    "WeekView",
    "agreements_of_orders",
    "allocation_rounds_made",
    "arrivals_of",
    "balances_of_handovers",
    "batch_plans_of",
    "batches_by_id",
    "build_orders_for_plant",
    "build_orders_of_orders",
    "build_orders_of_plant",
    "build_queues",
    "calibrations",
    "car_swaps_made",
    "carrier_shipments",
    "conditions_of_shipment",
    "disclosures_of",
    "early_rounds_made",
    "fairness_ledger",
    "free_appointments",
    "handovers_of_orders",
    "line_of_days",
    "list_batches",
    "list_call_offs",
    "list_damage_cases",
    "list_hooks",
    "messages_of_hook",
    "moves_made",
    "my_early_offers",
    "my_hold",
    "my_stock_hold",
    "my_swap_offers",
    "my_wait_offers",
    "order_code",
    "orders_by_id",
    "own_stock",
    "own_stock_purchases",
    "papers_of_order",
    "part_shortages",
    "passport",
    "passport_document",
    "plant_weeks",
    "purchases_by_id",
    "quotes_standing",
    "rebuilds_of_orders",
    "repair_offers_of_orders",
    "shipments_of_orders",
    "stages_of_orders",
    "stock_cars",
    "stock_orders_made",
    "stock_quote",
    "store_arrivals",
    "store_balances",
    "store_calendar",
    "store_deliveries",
    "store_levels",
    "store_outlook",
    "store_statement",
    "supplier_call_offs",
    "swap_rounds_made",
    "swap_times_of_orders",
    "vehicles_by_vin",
    "visitors_reported",
    "waiting_count",
    "week_plans_of",
]
