"""What is asked of those who issue papers; the composition root fills it in."""

from __future__ import annotations

from typing import Protocol

from factory_orders.papers.model import Issued, PaperRequest, Refused


class PaperProvider(Protocol):
    """A tax office's invoice service, an insurer, a plate office.

    It is asked outside of any transaction and may be asked the same twice: the paper's id makes that harmless.
    """

    name: str

    def issue(self, request: PaperRequest) -> Issued | Refused | None:
        """Issue a paper; None where the answer comes later, then it is asked again."""
        ...

    def void(self, request: PaperRequest, number: str | None) -> bool:
        """Take a paper back; False where that comes later, then it is asked again.

        Without a number it was not issued as far as is known: afterwards nothing stands or is issued under its id.
        """
        ...
