"""Signs quotes with Ed25519 and lets anyone who holds one verify it offline with the published key."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from configurator.catalogue_json import canonical_bytes
from configurator.model import Quote, SignedQuote
from configurator.quotation import encode_quote, quote_bytes

SEED_BYTES: Final = 32


@dataclass(frozen=True)
class QuoteKey:
    """A private key made from a 32-byte seed (RFC 8032); `key_id` names it wherever its signatures appear."""

    private: Ed25519PrivateKey
    public: bytes
    key_id: str

    @staticmethod
    def from_seed(seed: bytes) -> QuoteKey:
        """Make the key of a seed; longer secrets are hashed to 32 bytes."""
        assert len(seed) >= SEED_BYTES, f"a seed has at least {SEED_BYTES} bytes"
        private = Ed25519PrivateKey.from_private_bytes(
            seed if len(seed) == SEED_BYTES else hashlib.sha256(seed).digest()
        )
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return QuoteKey(private, public, key_id_of(public))


def key_id_of(public: bytes) -> str:
    """Return the name of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def sign_quote(quote: Quote, key: QuoteKey) -> SignedQuote:
    """Sign the canonical bytes of a quote."""
    signature = base64.urlsafe_b64encode(key.private.sign(quote_bytes(quote))).decode()
    return SignedQuote(quote, key.key_id, signature)


def sign_document(document: dict[str, Any], key: QuoteKey) -> str:
    """Sign any document's canonical bytes, as `verify_offline` checks them."""
    return base64.urlsafe_b64encode(key.private.sign(canonical_bytes(document))).decode()


def envelope(signed: SignedQuote) -> dict[str, Any]:
    """Return what a buyer takes away: the document, its signature and the key's name, as JSON values."""
    return {"document": encode_quote(signed.quote), "key_id": signed.key_id, "signature": signed.signature}


def verify_offline(taken: dict[str, Any], public_key: bytes) -> bool:
    """Say whether an envelope is what the holder of the published key signed, to the last character."""
    try:
        signature = base64.urlsafe_b64decode(taken["signature"])
        signed = canonical_bytes(taken["document"])
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except (InvalidSignature, KeyError, TypeError, ValueError, binascii.Error, RecursionError):
        return False
    return bool(taken.get("key_id") == key_id_of(public_key))
