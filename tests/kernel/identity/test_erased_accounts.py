"""An account that is erased answers like one that never was, also to a session that is believed a moment longer."""

from __future__ import annotations

import pytest

from kernel import personal
from kernel.errors import NotFound
from kernel.identity.account_service import change_own_account, own_account
from kernel.identity.erasure_service import IdentityData
from kernel.work import Works
from tests.kernel.identity.people import SETTINGS, make_identity, must_act, signed_up


def test_an_erased_account_cannot_be_changed_by_who_was_signed_in(works: Works) -> None:
    identity = make_identity(works)
    actor = must_act(identity, works, signed_up(identity, works).token)
    with works.change(actor) as work:
        personal.erase_own_account(work, [IdentityData(SETTINGS)])

    with works.change(actor) as work, pytest.raises(NotFound):
        change_own_account(work, name="again")

    with works.read(actor) as work, pytest.raises(NotFound):
        own_account(work)
