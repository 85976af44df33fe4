"""Who issues which paper; a brand may change it."""

from __future__ import annotations

from dataclasses import dataclass

from factory_orders.papers.model import PaperKind
from factory_orders.papers.sandbox import NAME
from kernel.policy import policy_section


@policy_section("papers")
@dataclass(frozen=True, slots=True)
class PaperPolicy:
    """The names of the providers; a brand that sells real cars names those that its installation has wired."""

    invoice_provider: str = NAME
    insurance_provider: str = NAME
    plate_provider: str = NAME

    def provider_of(self, kind: PaperKind) -> str:
        """Return who issues a kind of paper."""
        match kind:
            case PaperKind.VEHICLE_INVOICE:
                return self.invoice_provider
            case PaperKind.INSURANCE:
                return self.insurance_provider
            case PaperKind.PLATE:
                return self.plate_provider
