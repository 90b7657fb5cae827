"""
How a sender proves itself: by a signature over the body, or by a word that only it knows.

A proof answers with what is wrong, in words without the secret, or with an empty text. All compare in constant time,
and none looks into the body.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable

from tiphys.core.webhooks.news import Delivery

Proof = Callable[[Delivery, tuple[str, ...]], str]
"""Why a request is not proven to come from its sender, given the sender's secrets."""


def signature(*headers: str, prefix: str = "") -> Proof:
    """A hexadecimal HMAC-SHA256 of the body in the first of some headers that is there."""

    def proof(delivery: Delivery, secrets: tuple[str, ...]) -> str:
        name = next((name for name in headers if name in delivery.headers), "")
        if not name:
            return f"the request is not signed: it has no header {headers[0]}"
        wanted = prefix + hmac.new(secrets[0].encode(), delivery.body, hashlib.sha256).hexdigest()
        return "" if _same(delivery.headers[name], wanted) else f"the signature in {name} is not right"

    return proof


def word(header: str) -> Proof:
    """A shared word in a header."""

    def proof(delivery: Delivery, secrets: tuple[str, ...]) -> str:
        right = _same(delivery.headers.get(header, ""), secrets[0])
        return "" if right else f"the header {header} does not hold what was agreed"

    return proof


def in_the_address(delivery: Delivery, secrets: tuple[str, ...]) -> str:
    """A shared word as the parameter ``secret`` of the address, for senders that can do no more."""
    return (
        "" if _same(delivery.query.get("secret", ""), secrets[0]) else "the address lacks the right ?secret="
    )


def login(delivery: Delivery, secrets: tuple[str, ...]) -> str:
    """A user and a password (RFC 7617)."""
    scheme, _, given = delivery.headers.get("authorization", "").partition(" ")
    try:
        shown = base64.b64decode(given.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        shown = b""
    right = hmac.compare_digest(shown, ":".join(secrets).encode())
    return "" if right else "the user and password are not those that were agreed"


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())
