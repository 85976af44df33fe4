"""Passwords: argon2id with a bound on how many are hashed at once, and what is too weak to be one.

A hash costs memory and time on purpose; without the bound a burst of sign-ins would take the whole machine.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import argon2
from argon2.exceptions import VerifyMismatchError

from kernel.errors import TooBusy
from kernel.identity.errors import PasswordTooWeak
from kernel.identity.model import PasswordCost

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 200
DISTINCT_MIN: Final = 5
RETRY_AFTER_SECONDS: Final = 2
# What people take when twelve places are asked for; compared without case, spaces and signs.
# fmt: off
COMMON: Final = frozenset({
    "123456789012", "1234567890123", "1234567890qw", "123456qwerty", "12345678910a", "1q2w3e4r5t6y", "1qaz2wsx3edc",
    "111222333444", "abc123456789", "abcdef123456", "abcdefghijkl", "administrator", "adminadmin123", "changeme1234",
    "football1234", "iloveyou1234", "iloveyouforever", "letmein12345", "passw0rd1234", "password1234",
    "password12345", "password123456", "passwordpassword", "q1w2e3r4t5y6", "qazwsxedcrfv", "qwerty123456",
    "qwertyuiop12", "qwertyuiop123", "qwertyuiopasdf", "qwertyuiopas", "qweasdzxc123", "welcome12345",
    "woaini1314520", "woaini5201314", "zxcvbnm12345", "zaq12wsxcde3", "asdfghjkl123", "mustermuster", "muster123456",
})
# fmt: on


def check_password(password: str, *, email: str) -> None:
    """Refuse a password that is short, long, of few letters, common, or made of the address (NIST SP 800-63B)."""
    text = _normalised(password)
    plain = "".join(letter for letter in text.casefold() if letter.isalnum())
    local = email.partition("@")[0].casefold()
    if not LENGTH_MIN <= len(text) <= LENGTH_MAX:
        raise PasswordTooWeak(
            f"take {LENGTH_MIN} to {LENGTH_MAX} characters", f"长度应为{LENGTH_MIN}至{LENGTH_MAX}个字符"
        )
    if len(set(text)) < DISTINCT_MIN:
        raise PasswordTooWeak(f"use at least {DISTINCT_MIN} different characters", f"至少使用{DISTINCT_MIN}种不同字符")
    if plain in COMMON:
        raise PasswordTooWeak("this one is among the first to be guessed", "该密码过于常见")
    if text.casefold() == email.casefold() or (
        len(local) >= 4 and len(text.casefold().replace(local, "")) < LENGTH_MIN // 2
    ):
        raise PasswordTooWeak("do not build it from your address", "请勿使用邮箱地址作为密码")


class Hasher:
    """Hashes and compares passwords, a few at a time; refuses TooBusy when too many wait already.

    Share one per process. A comparison takes as long for an account that is not there: see `burn`.
    """

    def __init__(self, cost: PasswordCost, *, at_once: int, queue_max: int) -> None:
        assert at_once >= 1
        self._argon2 = argon2.PasswordHasher(
            time_cost=cost.passes,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            hash_len=32,
            salt_len=16,
            type=argon2.Type.ID,
        )
        self._places = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._inside = 0
        self._inside_max = at_once + queue_max
        self._decoy = self._argon2.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        """Return the encoded hash with its own salt and parameters."""
        with self._place():
            return self._argon2.hash(_bytes(password))

    def matches(self, password_hash: str, password: str) -> bool:
        """Say whether this is the password behind a hash, whatever parameters the hash was made with."""
        with self._place():
            try:
                return self._argon2.verify(password_hash, _bytes(password))
            except VerifyMismatchError:
                return False

    def burn(self, password: str) -> None:
        """Take the time of a comparison where there is no account, so that the clock tells nothing."""
        self.matches(self._decoy, password)

    def is_outdated(self, password_hash: str) -> bool:
        """Say whether a hash was made with other parameters than the present ones."""
        return self._argon2.check_needs_rehash(password_hash)

    @contextmanager
    def _place(self) -> Iterator[None]:
        with self._lock:
            if self._inside >= self._inside_max:
                raise TooBusy(RETRY_AFTER_SECONDS)
            self._inside += 1
        try:
            with self._places:
                yield
        finally:
            with self._lock:
                self._inside -= 1


def _normalised(password: str) -> str:
    # The same letters may be typed in several ways; a hash knows only bytes (NIST SP 800-63B, section 3.1.1.2).
    return unicodedata.normalize("NFKC", password[: LENGTH_MAX + 1])


def _bytes(password: str) -> bytes:
    # Half of a surrogate pair is no letter, but may be typed into an API.
    return _normalised(password).encode("utf-8", "surrogatepass")
