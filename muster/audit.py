"""`muster audit`: every invariant of DOMAIN section 4 examined on a live database, brand by brand, changing nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from configurator import configuration_service, quote_service
from demand import audit_service as demand_audit
from factory_orders import audit_service as factory_audit
from factory_orders.plant import audit_service as plant_audit
from kernel import registry, soundness
from kernel.actor import system
from kernel.ids import BrandId
from kernel.registry import Brand
from kernel.soundness import Check, Finding, examine
from kernel.work import Works

CHECKS: Final[tuple[Check, ...]] = (
    *soundness.CHECKS,
    *quote_service.CHECKS,
    *configuration_service.CHECKS,
    *demand_audit.CHECKS,
    *factory_audit.CHECKS,
    *plant_audit.CHECKS,
)


@dataclass(frozen=True, slots=True)
class BrandAudit:
    """What the checks found for one brand."""

    brand: Brand
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Say whether nothing was found."""
        return not any(finding.violations for finding in self.findings)


def audit(works: Works, checks: tuple[Check, ...]) -> Iterator[BrandAudit]:
    """Yield what was found, a brand at a time; each brand is read in one transaction."""
    with works.read(system(BrandId("platform"))) as work:
        brands = registry.all_brands(work)
    for brand in brands:
        with works.read(system(brand.id)) as work:
            yield BrandAudit(brand, tuple(examine(work, checks)))
