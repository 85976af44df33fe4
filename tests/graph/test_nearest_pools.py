"""The nearest pools through the API: for everybody, with what they save and when they lock."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.graph.client import Http
from tests.graph.conftest import Town
from tests.graph.support import Passes, counted_statements, data
from tests.graph.test_pre_orders import CHEAPEST, Buyers

NEAREST = """query($input: NearestPoolsInput!, $first: Int!) { nearestPools(input: $input, first: $first) {
  __typename
  ... on NearestPools {
    compared
    own { pool { id } priceNow { minor } priceAtMost { minor } needsConsent }
    ownDates { p50 p90 conditional }
    nearest { changes added removed options saves { minor text } daysSooner
      dates { p50 p90 conditional } p50DaysSooner p90DaysSooner
      joins { needsConsent vehiclePrice { minor } pool { id deadline members needed } } }
  }
  ... on Refusal { code message }
} }"""
CLASSES = """query($input: ChoicesInput!) { complete(input: $input) {
  ... on CompletedCar { options } ... on Refusal { code } } }"""


def ask(http: Http, options: list[str], *, first: int = 3, **given: Any) -> dict[str, Any]:
    variables = {"input": {"model": "L5", "options": options, **given}, "first": first}
    found: dict[str, Any] = data(http, NEAREST, variables)["nearestPools"]
    return found


def test_a_guest_sees_which_change_reaches_which_pool(http: Http, town: Town, passes: Passes) -> None:
    buyers = Buyers(http, town, passes)
    quote = buyers.quote()
    pool = buyers.open_pool(quote)
    cheapest = data(http, CHEAPEST)["model"]["cheapestOptions"]
    other = next(
        found["options"]
        for option in data(http, 'query { model(code: "L5") { categories { code options { code } } } }')["model"][
            "categories"
        ]
        for code in [one["code"] for one in option["options"]]
        if code not in cheapest
        and (found := data(http, CLASSES, {"input": {"model": "L5", "choices": [{"option": code}]}})["complete"]).get(
            "options"
        )
        and quote_key(buyers, found["options"]) != quote["poolingClass"]["key"]
    )

    with counted_statements(town.works.engine) as statements:
        answer = ask(http, other)
    dated = ask(http, other, storeId=data(http, CHEAPEST)["stores"]["nodes"][0]["id"])

    (one,) = answer["nearest"]
    (there,) = dated["nearest"]
    assert answer["own"] is None
    assert one["joins"]["pool"]["id"] == pool["id"]
    assert one["changes"] == len(one["added"]) + len(one["removed"]) > 0
    assert set(one["options"]) == {*other, *one["added"]} - set(one["removed"])
    assert len(statements) <= 16
    assert (answer["ownDates"], one["dates"]) == (None, None)
    assert one["p50DaysSooner"] == there["p50DaysSooner"] == days_between(there["dates"], dated["ownDates"], "p50")
    assert one["p90DaysSooner"] == there["p90DaysSooner"] == days_between(there["dates"], dated["ownDates"], "p90")
    assert (there["dates"]["conditional"], dated["ownDates"]["conditional"]) == (True, False)


def days_between(first: dict[str, str], then: dict[str, str], which: str) -> int:
    return (date.fromisoformat(then[which]) - date.fromisoformat(first[which])).days


def quote_key(buyers: Buyers, options: list[str]) -> str:
    found = data(buyers.http, CHEAPEST)
    given = {"model": "L5", "options": options, "storeId": found["stores"]["nodes"][0]["id"]}
    document = """mutation($input: IssueQuoteInput!) { issueQuote(input: $input) {
      ... on Quote { poolingClass { key } } ... on Refusal { code } } }"""
    issued = data(buyers.http, document, {"input": given})["issueQuote"]
    key: str = issued["poolingClass"]["key"] if "poolingClass" in issued else ""
    return key


def test_a_car_that_is_not_finished_is_refused_by_name(http: Http) -> None:
    answer = ask(http, [])

    assert answer["__typename"] == "ConfigurationIncomplete"
    assert answer["code"] == "CONFIGURATION_INCOMPLETE"
