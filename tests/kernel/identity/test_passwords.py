"""Passwords: hashed with argon2id, a few at a time, and refused when too many wait."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import TooBusy
from kernel.identity.errors import PasswordTooWeak
from kernel.identity.model import IdentitySettings, PasswordCost
from kernel.identity.passwords import LENGTH_MIN, Hasher, check_password
from tests.kernel.identity.people import CHEAP, PASSWORD


def hasher(*, at_once: int = 2, queue_max: int = 8, cost: PasswordCost = CHEAP) -> Hasher:
    return Hasher(cost, at_once=at_once, queue_max=queue_max)


def test_a_hash_is_argon2id_with_its_own_salt() -> None:
    hashing = hasher()

    first, second = hashing.hash(PASSWORD), hashing.hash(PASSWORD)

    assert first != second
    assert first.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert hashing.matches(first, PASSWORD)
    assert not hashing.matches(first, PASSWORD + " ")


def test_the_shipped_cost_is_what_owasp_asks_for() -> None:
    assert PasswordCost() == PasswordCost(memory_kib=19 * 1024, passes=2, lanes=1)


def test_the_same_letters_typed_differently_are_one_password() -> None:
    hashing = hasher()

    assert hashing.matches(hashing.hash("caf\u00e9 au lait und so"), "cafe\u0301 au lait und so")


@given(st.text(min_size=1, max_size=250))
def test_any_text_can_be_compared(password: str) -> None:
    hashing = hasher()

    assert hashing.matches(hashing.hash(password), password)


def test_a_hash_of_other_parameters_still_matches_and_is_outdated() -> None:
    old = hasher(cost=PasswordCost(16, 1, 1)).hash(PASSWORD)
    hashing = hasher()

    assert hashing.matches(old, PASSWORD)
    assert hashing.is_outdated(old)
    assert not hashing.is_outdated(hashing.hash(PASSWORD))


def test_beyond_the_queue_it_is_too_busy_and_then_free_again() -> None:
    hashing = hasher(at_once=1, queue_max=1)
    entered, may_leave = threading.Event(), threading.Event()

    def occupy() -> None:
        with hashing._place():
            entered.set()
            may_leave.wait(30)

    with ThreadPoolExecutor(2) as pool:
        inside = pool.submit(occupy)
        assert entered.wait(30)
        waiting = pool.submit(hashing.hash, PASSWORD)
        deadline = time.monotonic() + 30
        while hashing._inside < 2 and time.monotonic() < deadline:
            time.sleep(0.001)
        with pytest.raises(TooBusy):
            hashing.hash(PASSWORD)
        may_leave.set()
        inside.result(30)
        waiting.result(30)

    assert hashing.matches(hashing.hash(PASSWORD), PASSWORD)


def test_no_more_are_hashed_at_once_than_allowed() -> None:
    hashing = hasher(at_once=2, queue_max=30)
    inside, most, lock = 0, 0, threading.Lock()

    def hash_one() -> None:
        nonlocal inside, most
        with hashing._place():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.002)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(hash_one) for _ in range(16)]:
            done.result(30)

    assert most == 2


@given(st.text(st.characters(max_codepoint=0x7F), max_size=LENGTH_MIN - 1))
def test_a_short_password_is_refused(password: str) -> None:
    with pytest.raises(PasswordTooWeak):
        check_password(password, email="a@b.cd")


def test_the_secret_key_shows_in_no_text() -> None:
    settings = IdentitySettings(identity_key=b"never to be seen in any text at all")

    assert "never" not in repr(settings)
    with pytest.raises(AssertionError):
        IdentitySettings(identity_key=b"too short")
