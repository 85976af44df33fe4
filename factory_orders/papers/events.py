"""What happened to papers, as other rooms may hear it."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event, event


@event("factory_orders.paper_answered")
@dataclass(frozen=True, slots=True)
class PaperAnswered(Event):
    """A provider has issued or refused a paper."""

    order_id: str
    account_id: str
    paper: str
    state: str
    number: str
