"""Signed messages: what fits a secret and is fresh is believed, nothing else; and addresses inside are never asked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidInput
from kernel.outward import Answer, TargetRefused, post, read_networks, read_target, resolve
from kernel.webhooks import PREFIX, derive_secret, sign, signed_headers, verify

NOW = datetime(2026, 11, 27, 4, tzinfo=UTC)
SECRET = derive_secret(b"k" * 32, hook_id="1" * 32, generation=1)
BODY = b'{"type":"build_order.released"}'
LOOPBACK = read_networks("127.0.0.0/8, ::1/128")


def test_a_signature_is_the_hmac_of_id_time_and_body_under_the_decoded_secret() -> None:
    content = b"msg_1." + str(int(NOW.timestamp())).encode() + b"." + BODY
    key = base64.b64decode(SECRET.removeprefix(PREFIX))

    signature = sign(SECRET, message_id="msg_1", at=NOW, body=BODY)

    assert signature == "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert len(key) == 32


def test_each_hook_and_generation_has_a_secret_of_its_own_and_always_the_same() -> None:
    made = {
        derive_secret(key, hook_id=hook, generation=number)
        for key in (b"k" * 32, b"l" * 32)
        for hook in ("1" * 32, "2" * 32)
        for number in (1, 2)
    }

    assert len(made) == 8
    assert SECRET in made


@given(st.binary(max_size=200), st.text("abcdef0123456789", min_size=1, max_size=80), st.integers(-300, 300))
def test_what_is_signed_and_fresh_is_believed(body: bytes, message_id: str, seconds: int) -> None:
    headers = signed_headers(SECRET, message_id=message_id, at=NOW, body=body)

    genuine = verify((SECRET,), headers, body, now=NOW + timedelta(seconds=seconds))

    assert genuine is not None
    assert (genuine.message_id, genuine.at) == (message_id, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "other"},
        {"webhook-id": ""},
        {"webhook-id": "x" * 81},
        {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "１７"},
        {"webhook-timestamp": "9" * 13},
        {"webhook-timestamp": "9" * 12},
        {"webhook-timestamp": "9" * 11},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1,✗"},
    ],
)
def test_what_was_changed_is_not_believed(change: dict[str, str]) -> None:
    headers = signed_headers(SECRET, message_id="msg_1", at=NOW, body=BODY)

    assert verify((SECRET,), headers | change, BODY, now=NOW) is None


def test_another_body_another_secret_and_an_old_message_are_not_believed() -> None:
    headers = signed_headers(SECRET, message_id="msg_1", at=NOW, body=BODY)
    other = derive_secret(b"k" * 32, hook_id="1" * 32, generation=2)

    assert verify((SECRET,), headers, BODY + b" ", now=NOW) is None
    assert verify((other,), headers, BODY, now=NOW) is None
    assert verify((SECRET,), headers, BODY, now=NOW + timedelta(seconds=301)) is None
    assert verify((other, SECRET), headers, BODY, now=NOW) is not None


# --- where messages may go -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://plant.example/hook",
        "ftp://plant.example/hook",
        "https://user:pass@plant.example/",
        "https://plant.example/#part",
        "https://plant.example/a b",
        "https://plant.example\\@inside/",
        "https:///hook",
        "https://plant.example:99999/",
        "https://[::1/",
        "https://" + "a" * 400 + ".example/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fd00::1]/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "javascript:alert(1)",
        "",
    ],
)
def test_an_address_that_is_not_a_public_https_one_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_target(url)

    assert refused.value.field == "url"


def test_a_public_address_is_taken_and_an_inner_one_where_the_operator_allows_its_network() -> None:
    public = read_target("https://plant.example/hook?a=1")
    inner = read_target("http://127.0.0.1:8080/hook", allowed=LOOPBACK)

    assert (public.secure, public.host, public.port, public.path) == (True, "plant.example", 443, "/hook?a=1")
    assert (inner.secure, inner.host, inner.port, inner.path) == (False, "127.0.0.1", 8080, "/hook")
    with pytest.raises(InvalidInput):
        read_target("https://10.0.0.1/", allowed=LOOPBACK)


def test_a_name_that_stands_for_an_inner_address_is_not_asked() -> None:
    with pytest.raises(TargetRefused, match="inside"):
        resolve(read_target("https://localhost/hook"))

    assert resolve(read_target("https://localhost/hook"), allowed=LOOPBACK) in ("127.0.0.1", "::1")
    assert post("https://localhost/hook", {}, b"") == Answer(0, "inside")
    assert post("https://name.invalid/hook", {}, b"").status == 0


@contextmanager
def receiver(answer: bytes, *, hold: float = 0) -> Iterator[tuple[str, list[bytes]]]:
    """Listen once on loopback, keep what comes and answer with these bytes."""
    got: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            data = connection.recv(65_536)
            while b"the end" not in data:
                data += connection.recv(65_536)
            got.append(data)
            connection.sendall(answer)
            done.wait(hold)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook", got
    finally:
        done.set()
        thread.join()
        listener.close()


def test_a_message_arrives_with_its_headers_and_only_the_status_counts() -> None:
    with receiver(b"HTTP/1.1 204 No Content\r\n\r\n") as (url, got):
        answer = post(url, {"webhook-id": "msg_1"}, b"it is the end", allowed=LOOPBACK)

    assert answer == Answer(204)
    assert answer.is_taken
    assert got[0].startswith(b"POST /hook HTTP/1.1\r\n")
    assert b"webhook-id: msg_1" in got[0]


def test_a_redirect_is_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/inside\r\nContent-Length: 0\r\n\r\n"

    with receiver(moved) as (url, _):
        answer = post(url, {}, b"the end", allowed=LOOPBACK)

    assert answer == Answer(302)
    assert not answer.is_taken


def test_who_agrees_on_keys_a_byte_at_a_time_is_not_waited_for() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"\x16\x03\x03\x40\x00")  # A record of 16,384 bytes begins.
            while not done.wait(0.05):
                connection.sendall(b"\x02")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        began = time.monotonic()
        answer = post(f"https://127.0.0.1:{listener.getsockname()[1]}/", {}, b"", allowed=LOOPBACK, seconds=0.5)
        took = time.monotonic() - began
    finally:
        done.set()
        thread.join()
        listener.close()

    assert not answer.is_taken
    assert took < 20  # One second is allowed; the record would take a quarter of an hour.


@pytest.mark.parametrize("told", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 2"])
def test_who_answers_nonsense_or_nothing_has_not_taken_it(told: bytes) -> None:
    with receiver(told, hold=0 if told != b"HTTP/1.1 2" else 2) as (url, _):
        answer = post(url, {}, b"the end", allowed=LOOPBACK, seconds=0.3)

    assert not answer.is_taken
    assert answer.why in ("no_answer", "timeout")
