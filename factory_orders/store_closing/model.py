"""Which orders a store's closing concerns: those whose car is still to come to it."""

from __future__ import annotations

from typing import Final

UNDER_WAY: Final = ("scheduled", "built", "in_transit")
