"""
Credentials for registries as docker and podman keep them: ``config.json``, and Secrets of type
``kubernetes.io/dockerconfigjson``.

Programs that a file names (``credHelpers``, ``credsStore``) are not run: whoever can write the file could then run
anything.
"""

import json
from base64 import b64decode
from binascii import Error as NoBase64
from typing import Any
from urllib.parse import urlsplit

from tiphys.core.images.names import HUBS
from tiphys.model.errors import SpecError
from tiphys.model.images import HUB, Login, Repository

TYPE = "kubernetes.io/dockerconfigjson"
KEY = ".dockerconfigjson"


def login(config: bytes, repository: Repository, where: str) -> Login | None:
    """
    Who we are to a repository's registry by a config file, the entry with the longest path first.

    Raises ``SpecError``, which names the file as ``where``, if it is none.
    """
    try:
        document = json.loads(config or b"{}")
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{where} is no docker config: it is not JSON") from error
    auths = document.get("auths") if isinstance(document, dict) else None
    if not isinstance(auths or {}, dict):
        raise SpecError(f"{where} is no docker config: auths is no mapping")
    fitting = [(key, entry) for key, entry in (auths or {}).items() if _fits(key, repository)]
    for key, entry in sorted(fitting, key=lambda item: len(item[0]), reverse=True):
        if found := _read(entry, f"{where}, {key}"):
            return found
    return None


def _fits(key: str, repository: Repository) -> bool:
    """Whether an entry is for a repository: ``ghcr.io``, ``https://index.docker.io/v1/``, ``quay.io/example``."""
    try:
        parts = urlsplit(key if "://" in key else f"//{key}")
    except ValueError:
        return False
    path = parts.path.strip("/")
    if parts.netloc in HUBS and repository.registry == HUB:
        return path in ("", "v1", "v2") or _below(repository.path, path)
    return parts.netloc == repository.registry and (path in ("", "v1", "v2") or _below(repository.path, path))


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _read(entry: Any, where: str) -> Login | None:
    if not isinstance(entry, dict):
        raise SpecError(f"{where} is no entry of a docker config")
    user, secret = entry.get("username"), entry.get("password")
    if isinstance(entry.get("auth"), str) and entry["auth"]:
        try:
            user, _, secret = b64decode(entry["auth"], validate=True).decode().partition(":")
        except (NoBase64, ValueError) as error:
            raise SpecError(f"{where}: auth is not user:password in base64") from error
    if not isinstance(user, str) or not isinstance(secret, str) or not secret:
        return None
    # Docker ends some passwords with NULs.
    return Login(user, secret.rstrip("\0"))
