"""
What registries send: lists of tags, indexes, manifests and configurations, read without trusting any of it.

The formats are those of the OCI image specification and of Docker's second schema, which differ in media types alone.
"""

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

import orjson

from tiphys.model.errors import Unavailable
from tiphys.model.images import Platform

INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
MANIFESTS = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)
ACCEPTED = ", ".join(sorted(INDEXES | MANIFESTS))
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def read(body: bytes, doing: str) -> dict[str, Any]:
    """The JSON object that a body is. Raises ``Unavailable`` if it is none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"{doing}: what answers is no registry (a login page, perhaps)") from error
    if not isinstance(document, dict):
        raise Unavailable(f"{doing}: the answer is not what a registry says")
    return document


def tags_of(document: dict[str, Any]) -> tuple[str, ...]:
    """The tags of a page; what is no tag is passed over."""
    tags = document.get("tags")
    found = tags if isinstance(tags, list) else []
    return tuple(tag for tag in found if isinstance(tag, str) and _TAG.fullmatch(tag))


def is_index(document: dict[str, Any]) -> bool:
    """Whether a manifest is a list of others, for several platforms."""
    return str(document.get("mediaType")) in INDEXES or isinstance(document.get("manifests"), list)


def chosen(index: dict[str, Any], platform: Platform) -> str:
    """The digest of the manifest for a platform; empty where there is none."""
    entries = index.get("manifests")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or not isinstance(told := entry.get("platform") or {}, dict):
            continue
        # Attestations stand in an index too, for the platform "unknown".
        own = Platform(*(str(told.get(key) or "") for key in ("os", "architecture", "variant")))
        digest = entry.get("digest")
        if own.os != "unknown" and platform.runs(own) and is_digest(digest):
            return str(digest)
    return ""


def config_of(manifest: dict[str, Any]) -> str:
    """The digest of the configuration that a manifest names; empty where there is none."""
    config = manifest.get("config")
    digest = config.get("digest") if isinstance(config, dict) else ""
    return str(digest) if is_digest(digest) else ""


def platform_of(config: dict[str, Any]) -> Platform:
    """What an image with this configuration runs on."""
    return Platform(*(str(config.get(key) or "") for key in ("os", "architecture", "variant")))


def created_of(config: dict[str, Any]) -> datetime | None:
    """When an image with this configuration was built, by its own word."""
    try:
        created = datetime.fromisoformat(str(config.get("created")))
    except ValueError:
        return None
    return created if created.tzinfo else created.replace(tzinfo=UTC)


def is_digest(text: object) -> bool:
    """Whether it is a digest of those that registries may use."""
    return isinstance(text, str) and bool(_DIGEST.fullmatch(text))


def digest_of(body: bytes) -> str:
    """The digest by which a registry knows a body."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def is_content(body: bytes, digest: str) -> bool:
    """Whether a body is what a digest names."""
    algorithm, _, told = digest.partition(":")
    return hashlib.new(algorithm, body).hexdigest() == told
