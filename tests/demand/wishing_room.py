"""People of the small brand who keep cars, week after week, and the releases that tell of them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from configurator.configuration_service import save_configuration
from demand.cubes.model import Audience, PublishedCell
from demand.queries import CellFilter, take_rates
from demand.service import SUBSCRIPTIONS, release_cubes
from kernel import db
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.identity.model import AccountState
from kernel.identity.tables import accounts, persons
from kernel.ids import AccountId, PersonId
from kernel.news import outbox
from kernel.outbox import deliver
from kernel.work import Work, Works
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER

K = 10
PAINTS = ("RED", "BLUE", "GOLD")
DEALER = Actor(BRAND, frozenset({Role.DEALER}), AccountId("d" * 32))


def save(works: Works, number: int, *, paint: str = "RED", region: str = "east", person: int | None = None) -> None:
    """Let an account keep a car: that of a verified person, by default one of its own, or of nobody known (-1)."""
    account_id = AccountId(f"{number:032x}")
    with works.change(Actor(BRAND, frozenset({Role.CONSUMER}), account_id)) as work:
        if person != -1:
            know(work, account_id, PersonId(f"{number if person is None else person:032x}"))
        save_configuration(work, model="A1", options=(paint, *PLAIN_CAR[1:]), region=region)


def know(work: Work, account_id: AccountId, person_id: PersonId) -> None:
    """Write an account with the person behind it, where there is none yet."""
    person = {"id": person_id, "brand_id": BRAND, "identity_hash": person_id, "verified_at": work.now}
    db.insert_new(work.connection, persons, [person], returning="id")
    account = {
        "id": account_id,
        "brand_id": BRAND,
        "email": f"{account_id}@fir.test",
        "email_key": account_id,
        "name": "",
        "locale": "en",
        "state": AccountState.ACTIVE.value,
        "created_at": work.now,
        "changed_at": work.now,
        "person_id": person_id,
    }
    db.insert_new(work.connection, accounts, [account], returning="id")


def hear(works: Works) -> None:
    """Let the cubes hear all news."""
    while deliver(works, SUBSCRIPTIONS):
        pass
    with works.read(system(BRAND)) as work:
        failed = work.connection.execute(select(outbox.c.last_error).where(outbox.c.last_error.isnot(None))).all()
    assert not failed


def release(works: Works) -> int:
    """Let the cubes hear all news, and release them."""
    hear(works)
    with works.change(system(BRAND)) as work:
        return release_cubes(work)


def end_week(clock: FixedClock) -> None:
    """Go on to the next week, so that this one's tables get their last release."""
    clock.advance(timedelta(days=7))


def cells(
    works: Works, options: tuple[str, ...] = (), *, audience: Audience = Audience.MAKER
) -> dict[tuple[str, str], PublishedCell]:
    """Return the released take rates by option and region."""
    reader = PLANNER if audience is Audience.MAKER else DEALER
    with works.read(reader) as work:
        found = take_rates(work, CellFilter(options), cells_max=5_000, audience=audience).cells
    return {(cell.key.option, cell.key.region): cell for cell in found}
