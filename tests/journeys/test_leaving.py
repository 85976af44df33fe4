"""A person leaves for good: not while something is open, then without a trace; what must stay stays and verifies."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import func, select

from graph.identifiers import raw_id
from kernel.actor import system
from kernel.identity.queries import account_by_email, persons_of
from kernel.ids import AccountId
from kernel.ledger import ledger_transfers
from kernel.record import record_salts
from muster.audit import audit
from muster.demo import documents as demo
from muster.demo.people import invented_id_number
from tests.journeys import documents as ask
from tests.journeys.town import Buyer, Town, deposit_of, earnest_of
from tests.kernel.identity.people import personal_traces

EMAIL: Final = "bai.leaving@example.com"
NAME: Final = "白离"
PASSWORD: Final = "a lantern in the rain"
ID_NUMBER: Final = invented_id_number(7_654_321)
SIGN_IN: Final = {"email": EMAIL, "password": PASSWORD}
ERASE: Final = """mutation { eraseMyAccount {
  __typename ... on AccountErased { done } ... on Refusal { code message } } }"""
CANCEL: Final = ask.mutation("cancelOrder", "OrderInput", "... on Cancellation { stage returned { minor } }")
CHAIN: Final = """query Chain($chain: String!) { recordChain(chain: $chain) {
  verifies entries { kind hash body } } }"""


def newcomer(town: Town) -> Buyer:
    """Let somebody sign up, confirm and be verified, with a password."""
    guest = town.guest("zh-CN")
    guest.do(ask.SIGN_UP, input={**SIGN_IN, "name": NAME, "locale": "zh-CN"})
    town.house.work_off()
    token = town.house.mailbox.token(EMAIL)
    session = guest.do(ask.CONFIRM, input={"token": token, "password": PASSWORD})
    town.with_token(session["token"]).do(ask.VERIFY, input={"name": NAME, "idNumber": ID_NUMBER})
    return Buyer(town, account_of(town), "en")


def account_of(town: Town) -> AccountId:
    with town.house.works.read(system(town.brand.id)) as work:
        account_id = account_by_email(work, EMAIL)
    assert account_id is not None
    return account_id


def chain(town: Town, pool_id: str) -> dict[str, Any]:
    found: dict[str, Any] = town.staff("auditor").ask(CHAIN, chain=f"pool:{raw_id(pool_id, 'Pool')}")["recordChain"]
    return found


def salts(town: Town, person_id: str) -> int:
    with town.house.works.read(system(town.brand.id)) as work:
        found = select(func.count()).select_from(record_salts).where(record_salts.c.person_id == person_id)
        return int(work.connection.execute(found).scalar_one())


def transfers(town: Town) -> list[tuple[Any, ...]]:
    with town.house.works.read(system(town.brand.id)) as work:
        rows = work.connection.execute(select(ledger_transfers).order_by(*ledger_transfers.primary_key))
        return [tuple(row) for row in rows]


def test_an_account_goes_once_nothing_is_open_and_what_must_stay_verifies(borealis: Town) -> None:
    house = borealis.house
    leaver, others = newcomer(borealis), [borealis.buyer(), borealis.buyer()]
    with house.works.read(system(borealis.brand.id)) as work:
        person_id = persons_of(work, [leaver.account_id])[leaver.account_id]
    pool = borealis.open_pool(leaver.quote()["poolingClass"]["key"])
    placed, *_ = [one.place(one.quote()) for one in (leaver, *others)]
    house.work_off()
    with house.unchanged():
        assert leaver.at.refusal(ERASE) == "ERASURE_BLOCKED"
    house.pass_until(pool["freezeAt"])
    house.pass_until(pool["deadline"])
    with house.unchanged():
        assert leaver.at.refusal(ERASE) == "ERASURE_BLOCKED"
    ended = leaver.at.do(CANCEL, input={"orderId": placed["id"]})
    house.work_off()
    money, before, seen = transfers(borealis), chain(borealis, pool["id"]), salts(borealis, person_id)
    token = leaver.at.token

    erased = leaver.at.do(ERASE)
    house.work_off()

    assert (ended["returned"], erased["done"]) == ({"minor": 400_000}, True)
    assert token is not None
    assert not borealis.with_token(token).ask(ask.VIEWER)["viewer"]["isSignedIn"]
    assert borealis.guest().refusal(demo.SIGN_IN, input=SIGN_IN) == "SIGN_IN_FAILED"
    # The money's story is as it was, and so is the pool's, under a name that nobody can tell from chance any more.
    assert transfers(borealis) == money
    forfeit = f"forfeit:{borealis.brand.id}"
    assert borealis.balance(deposit_of(placed), earnest_of(placed), forfeit) == [0, 0, 100_000]
    assert chain(borealis, pool["id"]) == before
    assert before["verifies"] is True
    assert (seen > 0, salts(borealis, person_id)) == (True, 0)
    with house.works.read(system(borealis.brand.id)) as work:
        assert personal_traces(work, re.compile(f"{re.escape(EMAIL)}|{NAME}|{ID_NUMBER}")) == []
    (found,) = audit(house.works, house.runtime.checks)
    assert found.is_sound, [one for one in found.findings if one.violations]


def test_whoever_left_may_come_again_as_somebody_new(borealis: Town) -> None:
    first = newcomer(borealis)
    first.at.do(ERASE)

    again = newcomer(borealis)

    assert again.account_id != first.account_id
    assert again.at.ask(ask.VIEWER)["viewer"]["isVerifiedPerson"]
    assert borealis.guest().do(demo.SIGN_IN, input=SIGN_IN)["token"]


def test_whoever_left_and_comes_again_still_counts_once_in_an_open_vote(borealis: Town) -> None:
    author, planner = borealis.buyer(), borealis.staff("planner")
    draft = author.at.do(ask.SUBMIT, input={"title": "A wish"})
    wish = {"proposalId": planner.do(ask.PUBLISH, input={"proposalId": draft["id"]})["id"]}
    author.at.do(ask.VOTE, input=wish)
    first = newcomer(borealis)
    assert first.at.do(ask.VOTE, input=wish)["votes"] == 2
    first.at.do(ERASE)

    again = newcomer(borealis).at.do(ask.VOTE, input=wish)

    assert again["votes"] == 2
    house = borealis.house
    house.work_off()
    (found,) = audit(house.works, house.runtime.checks)
    assert found.is_sound, [one for one in found.findings if one.violations]
