"""Which orders a store's closing concerns: those whose car is still to come to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

UNDER_WAY: Final = ("scheduled", "built", "in_transit")

PICK_TIMER: Final = "factory_orders.store_to_pick"
"""When a buyer whose store has closed is told again to pick another one."""

PICK_AGAIN_AFTER: Final = timedelta(days=7)
