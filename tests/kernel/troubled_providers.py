"""Providers of payments in trouble: answers that get lost, mistakes of their own, banks that are away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kernel.money import Money
from kernel.payments import (
    Capture,
    ProviderUnavailable,
)
from kernel.sandbox import Sandbox


class LostAnswers:
    """A provider whose answer to a refund is lost after it was carried out, as often as told."""

    name = "sandbox"

    def __init__(self, behind: Sandbox, lost: int) -> None:
        self._behind = behind
        self._lost = lost

    def __getattr__(self, name: str) -> object:
        return getattr(self._behind, name)

    def refund(self, refund_id: str, provider_reference: str, amount: Money) -> None:
        self._behind.refund(refund_id, provider_reference, amount)
        if self._lost:
            self._lost -= 1
            raise ProviderUnavailable("the line is dead")


class Breaks(LostAnswers):
    """Makes a mistake of its own over one payment."""

    def __init__(self, behind: Sandbox, *, over: str) -> None:
        super().__init__(behind, lost=0)
        self._over = over
        self.name = behind.name

    def capture(self, captures: Sequence[Capture]) -> Mapping[str, str]:
        assert all(one.provider_reference != self._over for one in captures), "a provider's own mistake"
        return self._behind.capture(captures)

    def refund(self, refund_id: str, provider_reference: str, amount: Money) -> None:
        assert provider_reference != self._over, "a provider's own mistake"
        super().refund(refund_id, provider_reference, amount)


@dataclass
class Choosy:
    """The sandbox in front of banks of which some are away; counts how often it was asked."""

    behind: Sandbox
    away: set[str]
    asked: int = 0
    name: str = "sandbox"

    def __getattr__(self, name: str) -> object:
        return getattr(self.behind, name)

    def capture(self, captures: Sequence[Capture]) -> Mapping[str, str]:
        self.asked += 1
        if any(one.provider_reference in self.away for one in captures):
            raise ProviderUnavailable("this bank is away")
        return self.behind.capture(captures)
