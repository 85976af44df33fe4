"""A provider of papers that issues none: it answers at once, and its numbers say what they are.

It needs nobody outside, so it answers inside the change that asks; a real one is asked by the worker.
"""

from __future__ import annotations

import hashlib
from typing import Final

from factory_orders.papers.model import Issued, PaperKind, PaperRequest

NAME: Final = "sandbox"
_DIGITS: Final = {PaperKind.VEHICLE_INVOICE: 20, PaperKind.INSURANCE: 16, PaperKind.PLATE: 6}


class SandboxPapers:
    """Issues every paper under a number that follows from its id."""

    name = NAME

    def issue(self, request: PaperRequest) -> Issued:
        """Issue a paper."""
        digest = int(hashlib.sha256(request.paper_id.encode()).hexdigest(), 16)
        return Issued(f"SANDBOX-{str(digest)[: _DIGITS[request.kind]]}")

    def void(self, request: PaperRequest, number: str | None) -> bool:
        """Take a paper back."""
        return True
