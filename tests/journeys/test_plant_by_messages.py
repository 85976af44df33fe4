"""A plant that is connected by signed messages: it hears what to build, and its reports come in by the same secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest

from factory_orders.model import Stage
from factory_orders.service import send_messages
from kernel.outward import Answer
from kernel.webhooks import signed_headers, verify
from tests.journeys.test_simulated_plant import lock_cars, stages
from tests.journeys.town import Town

URL = "https://plant.example/hook"
ADD = """mutation Add($input: AddPlantHookInput!) {
  addPlantHook(input: $input) { ... on PlantHookSecret { hookId secret } ... on Refusal { code message } } }"""
ROTATE = """mutation Rotate($input: RotatePlantHookSecretInput!) {
  rotatePlantHookSecret(input: $input) { ... on PlantHookSecret { secret } ... on Refusal { code message } } }"""
REVOKE = """mutation Revoke($input: PlantHookInput!) {
  revokePlantHook(input: $input) { ... on PlantHookRevoked { revokedAt } ... on Refusal { code message } } }"""
REPLAY = """mutation Replay($input: ReplayPlantHookInput!) {
  replayPlantHook(input: $input) { ... on PlantHookReplayed { messages } ... on Refusal { code message } } }"""
HOOKS = "{ plantHooks { id url waiting givenUp failures lastStatus revokedAt } }"
MESSAGES = """query Messages($id: ID!) {
  plantMessages(hookId: $id, first: 10) { nodes { id kind buildOrderId state attempts } } }"""
BUILD = (Stage.PARTS_READY, Stage.BODY, Stage.PAINT, Stage.ASSEMBLY, Stage.PASSED)


def connect(town: Town) -> dict[str, str]:
    """Let the administrator connect the plant; returns the hook's id and its secret."""
    machine = town.staff("admin").ask("{ machines { label plantId } }")["machines"]
    plant_id = next(one["plantId"] for one in machine if one["label"] == "plant-changzhou")
    made: dict[str, str] = town.staff("admin").do(ADD, input={"plantId": plant_id, "url": URL})
    return made


def hear(town: Town, secret: str, *, status: int = 204) -> list[dict[str, Any]]:
    """Let the worker send what is due to a plant that believes what its secret has signed."""
    house = town.house
    heard: list[dict[str, Any]] = []

    def receive(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        assert url == URL
        assert verify((secret,), headers, body, now=house.clock.now()) is not None
        if status < 300:
            heard.append(orjson.loads(body))
        return Answer(status)

    # The worker has tried already, and nobody is at that address.
    house.clock.advance(timedelta(minutes=1))
    while send_messages(house.works, key=house.runtime.settings.secrets.identity, send=receive):
        pass
    return heard


def report(town: Town, hook: Mapping[str, str], event_id: str, data: Any, **changed: str) -> tuple[int, dict[str, Any]]:
    """Send one signed report; returns the status and the answer."""
    body = orjson.dumps({"type": "build_order.stage", "data": data})
    headers = signed_headers(hook["secret"], message_id=event_id, at=town.house.clock.now(), body=body) | changed
    answer = town.house.http.post(f"/plant/events/{hook['hookId']}", content=body, headers=headers)
    return answer.status_code, answer.json()


def told(town: Town, build_order_id: str, stage: Stage, number: int, **more: Any) -> dict[str, Any]:
    """Return the data of a report as of now."""
    moment = town.house.clock.now().isoformat()
    return {"buildOrderId": build_order_id, "stage": stage.name, "occurredAt": moment, "number": number} | more


def test_a_plant_hears_what_to_build_and_reports_it_by_signed_messages(qilan: Town) -> None:
    hook = connect(qilan)
    lock_cars(qilan)

    heard = hear(qilan, hook["secret"])
    for message in heard:
        for number, stage in enumerate(BUILD, start=1):
            event_id = f"{message['data']['buildOrderId'][-12:]}-{number}"
            data = told(qilan, message["data"]["buildOrderId"], stage, number)
            first, again = report(qilan, hook, event_id, data), report(qilan, hook, event_id, data)
            assert (first[0], first[1]["outcome"]) == (200, "accepted")
            assert (again[0], again[1]["outcome"]) == (200, "repeated")

    assert [one["type"] for one in heard] == ["build_order.released"] * 3
    assert stages(qilan) == ["PASSED"] * 3
    assert all(first[1]["vin"] for first in [report(qilan, hook, event_id, data)])


def test_the_administrator_sees_what_waits_and_sends_it_once_more(qilan: Town) -> None:
    hook = connect(qilan)
    lock_cars(qilan)
    admin = qilan.staff("admin")

    hear(qilan, hook["secret"], status=500)
    (failing,) = admin.ask(HOOKS)["plantHooks"]
    replayed = admin.do(REPLAY, input={"hookId": hook["hookId"], "since": "2020-01-01T00:00:00Z"})
    heard = hear(qilan, hook["secret"])
    nodes = admin.ask(MESSAGES, id=hook["hookId"])["plantMessages"]["nodes"]

    assert (failing["waiting"], failing["failures"], failing["lastStatus"]) == (3, 2, "500")
    assert replayed == {"messages": 3}
    assert len(heard) == 3
    assert {one["state"] for one in nodes} == {"DELIVERED"}
    assert {one["buildOrderId"] for one in nodes} == {one["data"]["buildOrderId"] for one in heard}


def test_a_turned_secret_works_beside_the_old_one_and_a_revoked_hook_not_at_all(qilan: Town) -> None:
    hook = connect(qilan)
    lock_cars(qilan)
    build_order_id = hear(qilan, hook["secret"])[0]["data"]["buildOrderId"]
    admin = qilan.staff("admin")

    new = hook | admin.do(ROTATE, input={"hookId": hook["hookId"], "overlapHours": 24})
    by_new = report(qilan, new, "e1", told(qilan, build_order_id, Stage.PARTS_READY, 1))
    by_old = report(qilan, hook, "e2", told(qilan, build_order_id, Stage.BODY, 2))
    admin.do(REVOKE, input={"hookId": hook["hookId"]})
    by_nobody = report(qilan, new, "e3", told(qilan, build_order_id, Stage.PAINT, 3))

    assert (by_new[0], by_old[0]) == (200, 200)
    assert (by_nobody[0], by_nobody[1]["code"]) == (401, "HOOK_SIGNATURE_INVALID")


def test_what_is_not_signed_old_or_no_report_changes_nothing(qilan: Town) -> None:
    hook = connect(qilan)
    lock_cars(qilan)
    order = hear(qilan, hook["secret"])[0]["data"]["buildOrderId"]
    right = told(qilan, order, Stage.PARTS_READY, 1)
    broken: list[Any] = [
        None,
        [],
        right | {"stage": "SOON"},
        right | {"stage": 7},
        right | {"number": "1"},
        right | {"number": True},
        right | {"repairMinor": 1.5},
        right | {"occurredAt": "yesterday"},
        right | {"occurredAt": None},
        right | {"occurredAt": "2026-11-27T12:00:00"},
        right | {"repairMinor": 100},
    ]

    with qilan.house.unchanged():
        answers = [report(qilan, hook, f"b{number}", data) for number, data in enumerate(broken)]
        unsigned = report(qilan, hook, "e", right, **{"webhook-signature": "v1,AAAA"})
        old = report(qilan, hook, "e", right, **{"webhook-timestamp": "1000000000"})
        nobodys = report(qilan, hook | {"hookId": "nothing"}, "e", right)
        foreign = report(qilan, hook, "e", right | {"buildOrderId": "QnVpbGRPcmRlci9ub25l"})
        early = report(qilan, hook, "e", told(qilan, order, Stage.BODY, 2))
        huge = qilan.house.http.post(f"/plant/events/{hook['hookId']}", content=b"x" * 20_000)

    assert [(status, answer["code"]) for status, answer in answers] == [(400, "INVALID_INPUT")] * len(broken)
    assert [one[0] for one in (unsigned, old, nobodys)] == [401, 401, 401]
    assert (foreign[0], early[0], early[1]["code"]) == (404, 409, "PLANT_EVENT_GAP")
    assert huge.status_code == 413


@pytest.mark.parametrize("url", ["http://plant.example/", "https://169.254.169.254/", "https://localhost.:1/#x"])
def test_an_address_inside_is_refused(qilan: Town, url: str) -> None:
    admin = qilan.staff("admin")
    plant_id = next(one["plantId"] for one in admin.ask("{ machines { plantId } }")["machines"] if one["plantId"])

    assert admin.refusal(ADD, input={"plantId": plant_id, "url": url}) == "INVALID_INPUT"
    assert admin.ask(HOOKS)["plantHooks"] == []
