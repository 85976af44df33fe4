"""A clearing can be checked by everybody: the public part by anybody, one's own place by each member, offline."""

from __future__ import annotations

from typing import Any, Final

import orjson

from muster.verification import verify_document
from tests.journeys.town import Town

CLEARING: Final = """query Clearing($id: ID!) { pool(id: $id) { state clearing {
  cleared discountBasisPoints tiers { members reached } root document } } }"""
PROOF: Final = """query Proof($id: ID!) { clearingProof(preOrderId: $id) {
  member price { minor } index size path root document } }"""


def test_members_prove_offline_that_they_were_counted_in(borealis: Town) -> None:
    house = borealis.house
    buyers = [borealis.buyer() for _ in range(3)]
    key = buyers[0].quote()["poolingClass"]["key"]
    pool = borealis.open_pool(key, minimum=3, tiers=[{"members": 3, "discountBasisPoints": 0}])
    placed = [buyer.place(buyer.quote()) for buyer in buyers]
    before = borealis.guest().ask(CLEARING, id=pool["id"])["pool"]

    house.pass_until(pool["freezeAt"])
    house.pass_until(pool["deadline"])

    shown = borealis.guest().ask(CLEARING, id=pool["id"])["pool"]
    proofs = [buyer.at.ask(PROOF, id=one["id"])["clearingProof"] for buyer, one in zip(buyers, placed, strict=True)]
    assert (before["clearing"], shown["state"]) == (None, "locked")
    assert shown["clearing"]["cleared"] == 3
    # All three agreed, and nobody's cap can be told from that.
    assert shown["clearing"]["tiers"] == [{"members": 3, "reached": None}]
    published = orjson.loads(shown["clearing"]["document"])
    for place, proof in enumerate(proofs):
        assert (proof["index"], proof["size"], proof["root"]) == (place, 3, shown["clearing"]["root"])
        assert verify_document(orjson.loads(proof["document"]), against=published).is_sound
    assert buyers[1].at.ask(PROOF, id=placed[0]["id"]) == {"clearingProof": None}
    assert _names(proofs).isdisjoint({buyer.account_id for buyer in buyers})


def _names(proofs: list[dict[str, Any]]) -> set[str]:
    return {proof["member"] for proof in proofs}
