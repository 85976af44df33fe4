"""Keeps a fact of every configuration and pre-order, and releases the cube of take rates; the worker's use cases."""

from __future__ import annotations

from collections.abc import Sequence

from configurator.events import ConfigurationSaved
from configurator.model import VersionId
from configurator.queries import list_models
from demand.cubes.events import CubesReleased
from demand.cubes.model import Fact, Offering, publish_cell, shown_cells
from demand.cubes.policy import CubePolicy
from demand.cubes.store import (
    insert_facts,
    insert_offerings,
    insert_release,
    known_offerings,
    load_blocks,
    load_facts,
    load_offerings,
    newest_release,
    save_blocks,
)
from demand.pools.events import DepositsHeld
from demand.pools.queries import pre_orders_seen
from kernel import policy, registry
from kernel.actor import Permission
from kernel.errors import Conflict
from kernel.identity.queries import persons_of
from kernel.ids import AccountId
from kernel.outbox import Letter, Subscription
from kernel.work import Work

policy.policy_section("cubes")(CubePolicy)


def on_configurations_saved(work: Work, letters: Sequence[Letter]) -> None:
    """Keep a fact of each saved configuration."""
    brand = registry.own_brand(work)
    news = [(letter.at, letter.event) for letter in letters if isinstance(letter.event, ConfigurationSaved)]
    persons = persons_of(work, [saved.account_id for _, saved in news])
    facts = []
    for at, saved in news:
        person_id = persons.get(AccountId(saved.account_id))
        facts.append(
            Fact(
                source_id=saved.configuration_id,
                kind="configuration",
                person=person_id or saved.account_id,
                verified=person_id is not None,
                version_id=saved.version_id,
                model=saved.model,
                options=saved.options,
                region=saved.region,
                week=registry.week_of(brand, at),
            )
        )
    _keep(work, facts)


def on_deposits_held(work: Work, letters: Sequence[Letter]) -> None:
    """Keep a fact of each funded pre-order: its car is a configuration too."""
    brand = registry.own_brand(work)
    weeks = {
        deposit.pre_order_id: registry.week_of(brand, letter.at)
        for letter in letters
        for held in (letter.event,)
        if isinstance(held, DepositsHeld)
        for deposit in held.deposits
    }
    facts = [
        Fact(
            source_id=one.head.id,
            kind="pre_order",
            person=one.head.person_id,
            verified=True,
            version_id=one.head.version_id,
            model=one.head.model,
            options=one.head.options,
            region=one.head.region,
            week=weeks[one.head.id],
        )
        for one in pre_orders_seen(work, list(weeks)).values()
    ]
    _keep(work, facts)


def _keep(work: Work, facts: Sequence[Fact]) -> None:
    _keep_offerings(work, {fact.offering for fact in facts})
    insert_facts(work, facts)


def _keep_offerings(work: Work, wanted: set[Offering]) -> None:
    """Keep what could be had of each model, version, place and week that is new: an option some car there can have."""
    if not wanted:
        return
    missing = wanted - known_offerings(work, [week for _, _, _, week in wanted])
    new = {}
    for version_id, region, model, week in sorted(missing):
        for view in list_models(work, region=region, version_id=VersionId(version_id)):
            if view.code == model:
                new[version_id, region, model, week] = {
                    category.code: [option.code for option in category.options] for category in view.categories
                }
    insert_offerings(work, new)


SUBSCRIPTIONS = (
    Subscription("demand.facts_of_configurations", frozenset({ConfigurationSaved.kind}), on_configurations_saved),
    Subscription("demand.facts_of_pre_orders", frozenset({DepositsHeld.kind}), on_deposits_held),
)
"""What the worker hands news to."""


def release_cubes(work: Work) -> int:
    """Release the cube of take rates anew and return the release's number; the worker does so once a day.

    Cells are k-safe (DOMAIN section 6.3): see `demand.cubes.model.shown_cells` and `demand.cubes.release.draw`.
    """
    work.actor.require(Permission.SYSTEM)
    from demand.cubes.release import Facts, draw  # pandas belongs to the worker alone

    rules = policy.current(work).section(CubePolicy)
    number = newest_release(work) + 1
    released = load_blocks(work)
    drawn = draw(Facts(load_facts(work), load_offerings(work)), released=released, k=rules.k)
    shown = shown_cells(drawn.tallies, category_of=drawn.category_of, k=rules.k)
    cells = [publish_cell(key, drawn.tallies[key], rounding=rules.rounding) for key in sorted(shown, key=str)]
    if not insert_release(work, number, cells, category_of=drawn.category_of, k=rules.k, rounding=rules.rounding):
        raise Conflict("cube", "another worker has just released it")
    save_blocks(work, released, drawn.blocks)
    work.record(CubesReleased(work.actor.brand_id, number, len(cells)))
    return number
