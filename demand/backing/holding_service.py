"""Holds a backing's money still while money is moved by hand: it leaves once, and goes to who gave it."""

from __future__ import annotations

from demand.backing.model import AcknowledgedBacking, HeldBacking
from demand.backing.store import lock_backing, proposal_of
from demand.votes.store import lock_proposals
from kernel.errors import Conflict, NotFound
from kernel.reasons import because
from kernel.work import Work


def hold_backing(work: Work, backing_id: str) -> None:
    """Lock a backing and its proposal until this change has ended; then nobody withdraws or decides beside it.

    Refuses Conflict while the money stands behind the proposal. An account that belongs to no backing is held by
    nobody.
    """
    try:
        lock_proposals(work, proposal_of(work, backing_id))
    except NotFound:
        return
    if isinstance(lock_backing(work, backing_id), AcknowledgedBacking | HeldBacking):
        raise Conflict("movement", because("BACKING_BOUND"))
