"""Quotes in the database: issued, pinned, accepted once, expired."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, event, func, select
from sqlalchemy.exc import DBAPIError

from configurator import quote_service, service
from configurator.configuration_service import save_configuration
from configurator.errors import PriceMismatch, QuoteAltered, QuoteExpired, QuoteTaken
from configurator.model import (
    AcceptedQuote,
    PoolingClass,
    PoolOffer,
    QuoteClaim,
    QuoteId,
    QuoteStatus,
    SignedQuote,
)
from configurator.quote_queries import quotes_by_id
from configurator.quote_service import QuoteDesk, QuoteRequest
from configurator.signing import envelope, verify_offline
from configurator.store import insert_quotes
from configurator.tables import catalogue_versions, configuration_changes, quote_endings, quotes
from kernel import policy
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import NotFound
from kernel.ids import AccountId, BrandId
from kernel.work import Work, Works
from tests.configurator.quoting import NOON, TIERS, amounts
from tests.configurator.small_brand import (
    BRAND,
    DESK,
    EAST_STORE,
    GUEST,
    NORTH_STORE,
    PLAIN_CAR,
    consumer,
    found_brand,
    open_small_brand,
)


def issue(works: Works, actor: Actor = GUEST, *, desk: QuoteDesk = DESK, **changes: Any) -> SignedQuote:
    request = QuoteRequest(**({"model": "A1", "options": PLAIN_CAR, "store_id": EAST_STORE} | changes))
    with works.change(actor) as work:
        return quote_service.issue_quote(work, desk, request)


def claim_of(signed: SignedQuote, account: str = "c" * 32, **changes: Any) -> QuoteClaim:
    return QuoteClaim(**({"quote_id": signed.quote.facts.id, "account_id": account} | changes))


def accept(works: Works, claim: QuoteClaim) -> None:
    with works.change(consumer()) as work:
        quote_service.accept_quote(work, claim, reference="e" * 32)


def endings(works: Works) -> int:
    with works.read(GUEST) as work:
        return work.connection.execute(select(func.count()).select_from(quote_endings)).scalar_one()


def status(works: Works, signed: SignedQuote) -> QuoteStatus:
    with works.read(GUEST) as work:
        return quotes_by_id(work, [signed.quote.facts.id])[signed.quote.facts.id].status


def test_an_issued_quote_pins_its_versions_and_is_recomputed_to_the_fen(works: Works) -> None:
    version_id = open_small_brand(works)

    signed = issue(works, store_id=NORTH_STORE, options=(*PLAIN_CAR, "HEAT"))

    given_facts = signed.quote.facts
    assert (given_facts.version_id, given_facts.version_number, given_facts.policy_version) == (version_id, 1, 0)
    assert (given_facts.region, given_facts.distance_km) == ("north", 1446)
    with works.read(GUEST) as work:
        recomputed = quote_service.recompute_quote(work, given_facts.id)
        view = quotes_by_id(work, [given_facts.id])[given_facts.id]
    assert recomputed.agrees
    assert recomputed.computed == signed.quote == view.signed.quote
    assert verify_offline(envelope(view.signed), DESK.key.public)


def test_a_quote_stays_recomputable_after_policy_and_catalogue_have_changed(works: Works) -> None:
    open_small_brand(works)
    signed = issue(works)

    admin = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("d" * 32))
    with works.change(admin) as work:
        policy.change_policy(
            work, base_version=0, changes={"quote": {"plate_fee_minor": 1}, "tax": {"reliefs": []}}, reason="dearer"
        )
    later = issue(works)

    assert amounts(later.quote)["PLATE"] == 1
    assert amounts(later.quote)["PURCHASE_TAX"] == 884_956
    assert later.quote.facts.policy_version == 1
    with works.read(GUEST) as work:
        for one in (signed, later):
            assert quote_service.recompute_quote(work, one.quote.facts.id).agrees


def test_an_accepted_quote_is_accepted_once(works: Works) -> None:
    open_small_brand(works)
    signed = issue(works, consumer())

    accept(works, claim_of(signed, signature=signed.signature, vehicle_price_minor=10_000_000))

    assert status_as(works, signed) is QuoteStatus.ACCEPTED
    with pytest.raises(QuoteTaken):
        accept(works, claim_of(signed))
    assert endings(works) == 1


def status_as(works: Works, signed: SignedQuote) -> QuoteStatus:
    with works.read(consumer()) as work:
        return quotes_by_id(work, [signed.quote.facts.id])[signed.quote.facts.id].status


def test_an_expired_quote_is_refused_to_the_instant(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    signed = issue(works)

    clock.advance(timedelta(days=7))

    with pytest.raises(QuoteExpired):
        accept(works, claim_of(signed))
    assert endings(works) == 0
    assert status(works, signed) is QuoteStatus.EXPIRED


def test_an_altered_quote_and_another_price_are_refused(works: Works) -> None:
    open_small_brand(works)
    signed = issue(works)
    other = issue(works)

    with pytest.raises(QuoteAltered):
        accept(works, claim_of(signed, signature=other.signature))
    with pytest.raises(PriceMismatch):
        accept(works, claim_of(signed, vehicle_price_minor=9_999_900))

    assert endings(works) == 0


def test_another_persons_quote_looks_as_if_it_were_not_there(works: Works) -> None:
    open_small_brand(works)
    signed = issue(works, consumer("c"))

    with pytest.raises(NotFound):
        accept(works, claim_of(signed, account="d" * 32))
    with works.read(consumer("d")) as work:
        assert quotes_by_id(work, [signed.quote.facts.id]) == {}
        with pytest.raises(NotFound):
            quote_service.recompute_quote(work, signed.quote.facts.id)

    assert endings(works) == 0


def test_another_brands_quote_looks_as_if_it_were_not_there(works: Works) -> None:
    open_small_brand(works)
    other = BrandId("f" * 32)
    found_brand(works, brand_id=other, code="spruce")
    signed = issue(works)

    with works.read(Actor(other)) as work:
        assert quotes_by_id(work, [signed.quote.facts.id]) == {}
        examined = quote_service.examine_quotes(work, [claim_of(signed)])

    assert [type(one) for one in examined] == [NotFound]


def test_a_superseded_quote_can_no_longer_be_accepted(works: Works) -> None:
    open_small_brand(works)
    signed = issue(works, consumer())

    newer = issue(works, consumer(), supersedes=signed.quote.facts.id, options=("BLUE", *PLAIN_CAR[1:]))

    with pytest.raises(QuoteTaken):
        accept(works, claim_of(signed))
    accept(works, claim_of(newer))
    assert status_as(works, signed) is QuoteStatus.SUPERSEDED


def test_a_quotes_row_says_what_its_document_says(works: Works) -> None:
    open_small_brand(works)
    issued = [issue(works, consumer()), issue(works, options=("BLUE", *PLAIN_CAR[1:]))]

    with works.read(consumer()) as work:
        examined = quote_service.examine_quotes(work, [claim_of(one) for one in issued])

    for signed, found in zip(issued, examined, strict=True):
        quote, facts = signed.quote, signed.quote.facts
        assert found == AcceptedQuote(
            facts.id,
            facts.configuration_id,
            facts.version_id,
            facts.policy_version,
            facts.model,
            facts.options,
            facts.store_id,
            facts.region,
            quote.vehicle_price_minor,
            quote.total_minor,
            quote.pooling_class,
            quote.expires_at,
        )


def test_many_claims_are_examined_in_one_statement(works: Works) -> None:
    open_small_brand(works)
    issued = [issue(works) for _ in range(5)]

    statements: list[str] = []
    with works.change(consumer()) as work:
        event.listen(work.connection, "before_cursor_execute", lambda *args: statements.append(args[2]))
        outcomes = quote_service.examine_quotes(work, [claim_of(one) for one in issued])
        accepted = quote_service.accept_quotes(
            work, {one.quote.facts.id: ("c" * 32, str(number) * 32) for number, one in enumerate(issued)}
        )
        count = len(statements)

    assert count == 2
    assert len(outcomes) == len(accepted) == 5
    assert endings(works) == 5


class OneOpenPool:
    """A source of pool terms with one pool for the plain car's class."""

    def open_pool(self, work: Work, cls: PoolingClass, *, wider: bool) -> PoolOffer | None:
        if cls.l1_key != "F1/fir_north/PT_SMALL/-/TR_BASE":
            return None
        return PoolOffer("9" * 32, TIERS, members=60, deadline=NOON)


def test_a_quote_carries_the_open_pool_of_its_class(works: Works) -> None:
    open_small_brand(works)
    desk = QuoteDesk(DESK.key, pools=OneOpenPool())

    inside = issue(works, desk=desk)
    outside = issue(works, desk=desk, options=("RED", "W17", "PT_BIG", "TR_BASE"))

    assert [tier.vehicle_price_minor for tier in inside.quote.tiers] == [10_000_000, 9_800_000, 9_500_000]
    assert outside.quote.tiers == ()
    cls = inside.quote.pooling_class
    assert PoolingClass.from_key(cls.l1_key) == cls
    assert PoolingClass.from_key(cls.l2_key) == replace(cls, trim="")
    assert PoolingClass.from_key(cls.l2_key).l2_key == cls.l2_key


@pytest.mark.parametrize(
    "key", ["", "F1", "F1/fir_north/PT_SMALL", "F1/fir_north/PT_SMALL/-/", "a/b/c/-/d/e", "///-/T"]
)
def test_no_other_text_is_the_key_of_a_class(key: str) -> None:
    with pytest.raises(ValueError, match="the key of no class"):
        PoolingClass.from_key(key)


def test_a_refused_quote_leaves_nothing_behind(works: Works) -> None:
    open_small_brand(works)

    with pytest.raises(NotFound):
        issue(works, store_id="0" * 32)
    with pytest.raises(NotFound):
        issue(works, consumer(), configuration_id="0" * 32)

    with works.read(GUEST) as work:
        assert work.connection.execute(select(func.count()).select_from(quotes)).scalar_one() == 0


def test_the_thinnest_margin_of_a_class_is_that_of_its_least_profitable_car(works: Works) -> None:
    open_small_brand(works)
    cls = PoolingClass("F1", "fir_north", "PT_SMALL", (), "TR_BASE")

    with works.read(GUEST) as work:
        plain = service.thinnest_margin_of_class(work, cls, discount_bp=0)
        at_a_fifth_off = service.thinnest_margin_of_class(work, cls, discount_bp=2_000)
        nothing = service.thinnest_margin_of_class(work, PoolingClass("F9", "x", "y", (), "z"), discount_bp=0)

    assert plain is not None
    assert (plain.margin_minor, plain.options) == (2_000_000, PLAIN_CAR)
    assert at_a_fifth_off is not None
    assert at_a_fifth_off.margin_minor == 0
    assert nothing is None


def test_the_class_of_a_car_names_platform_plant_powertrain_long_lead_options_and_trim(works: Works) -> None:
    open_small_brand(works)

    with works.read(GUEST) as work:
        cls = service.class_of_car(
            work, model="A1", options=("GOLD", "W17", "PT_SMALL", "TR_BASE", "ROOF"), region="east"
        )

    assert (cls.l1_key, cls.l2_key) == (
        "F1/fir_north/PT_SMALL/GOLD+ROOF/TR_BASE",
        "F1/fir_north/PT_SMALL/GOLD+ROOF",
    )


def test_an_audit_names_an_accepted_quote_that_its_versions_do_not_give(works: Works) -> None:
    open_small_brand(works)
    sound = issue(works)
    dear_facts = replace(sound.quote.facts, id=QuoteId("f" * 32))
    dear = replace(sound, quote=replace(sound.quote, facts=dear_facts, total_minor=sound.quote.total_minor + 1))
    with works.change(system(BRAND)) as work:
        insert_quotes(work, [dear])
    for one in (sound, dear):
        accept(works, claim_of(one))

    with works.read(system(BRAND)) as work:
        found = list(quote_service.unsound_quotes(work))

    assert found == [f"quote {'f' * 32} is not what version 1 and its policy give"]


@pytest.mark.parametrize("table", [catalogue_versions, quotes, quote_endings, configuration_changes])
def test_what_was_published_quoted_or_ended_is_never_changed_or_deleted(works: Works, table: Table) -> None:
    open_small_brand(works)
    with works.change(consumer()) as work:
        save_configuration(work, model="A1", options=PLAIN_CAR, region="east")
    accept(works, claim_of(issue(works)))
    column = table.primary_key.columns.values()[0]

    for statement in (table.delete(), table.update().values({column: column})):
        with pytest.raises(DBAPIError, match="never changed"), works.change(GUEST) as work:
            work.connection.execute(statement)

    with works.read(GUEST) as work:
        assert work.connection.execute(select(func.count()).select_from(table)).scalar_one() == 1


def test_the_same_car_quoted_to_many_is_to_each_what_it_is_alone(works: Works) -> None:
    open_small_brand(works)
    people = [consumer(), GUEST, replace(consumer(), account_id=AccountId("1" * 32))]
    wanted = [QuoteRequest("A1", PLAIN_CAR, EAST_STORE), QuoteRequest("A1", (*PLAIN_CAR, "HEAT"), NORTH_STORE)]

    with works.change(system(BRAND)) as work:
        together = quote_service.issue_quotes(work, DESK, [(one, car) for one in people for car in wanted])
        alone = [quote_service.issue_quote(work.acting(one), DESK, car) for one in people for car in wanted]

    assert [
        replace(one.quote, facts=replace(one.quote.facts, id=other.quote.facts.id))
        for one, other in zip(together, alone, strict=True)
    ] == [other.quote for other in alone]
    assert all(verify_offline(envelope(one), DESK.key.public) for one in together)
    assert len({one.quote.facts.id for one in together}) == len(together)
