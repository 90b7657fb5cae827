"""
How to reach an API server and who we are there: from a kubeconfig, or as a pod inside the cluster.

Knows the files' formats and ends in a ``Connection``. Which files to read is said by the caller; nothing here
reads the environment. Plugins that run a program (``exec``) are refused: a file must not be able to run
something.
"""

import base64
import binascii
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec
import yaml

from tiphys.model.errors import SpecError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet lays a pod's own credentials."""


class Token(Protocol):
    """A bearer token, asked for anew with each request since it may rotate."""

    def __call__(self) -> str:
        """The token as of now; raises ``SpecError`` if it cannot be read."""


@dataclass(frozen=True)
class Connection:
    """An API server, and how to speak to it."""

    server: str
    """``https://127.0.0.1:6443``, without a slash at the end; may have a path."""
    tls: ssl.SSLContext | None = None
    token: Token | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Constant headers: basic authentication, impersonation."""
    namespace: str = "default"
    """The namespace of the context, or our own one inside the cluster."""
    proxy: str | None = field(default=None, repr=False)
    server_name: str | None = None
    """The name in the server's certificate, where it is not the URL's."""

    def authorization(self) -> list[tuple[str, str]]:
        """The headers that say who we are."""
        bearer = [("Authorization", f"Bearer {self.token()}")] if self.token else []
        return [*self.headers, *bearer]


class TokenFile:
    """A token in a file, read again when the file changed (the kubelet rotates it)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] = (0, 0)
        self._token = ""

    def __call__(self) -> str:
        """The token that the file holds now."""
        try:
            found = self._path.stat()
            if (stamp := (found.st_mtime_ns, found.st_ino)) != self._stamp:
                self._token = self._path.read_text(encoding="ascii").strip()
                self._stamp = stamp
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError(f"read the token file {self._path}: {error}") from error
        return self._token


def in_cluster(host: str, port: str, folder: Path = SERVICE_ACCOUNT) -> Connection:
    """The API server of the cluster that we run in; host and port as the kubelet tells them to each pod."""
    address = f"[{host}]" if ":" in host else host
    return Connection(
        server=f"https://{address}:{port}",
        tls=_trusting(folder / "ca.crt", ""),
        token=TokenFile(folder / "token"),
        namespace=_read(folder / "namespace").strip() or "default",
    )


def from_kubeconfig(files: Sequence[Path], context: str = "") -> Connection:
    """
    A context of kubeconfig files, the current one unless named.

    Of several files the first that names something wins, as with kubectl. Raises ``SpecError``.
    """
    told = _merged(files)
    name = context or told.current
    if not name:
        raise SpecError(f"{told.origin}: no current-context is set; name a context with --context")
    chosen = _named(told, "context", name)
    cluster = _named(told, "cluster", chosen.get("cluster", ""))
    user = _named(told, "user", chosen["user"]) if chosen.get("user") else {}
    return _connection(cluster, user, str(chosen.get("namespace") or "default"))


@dataclass
class _Told:
    """What kubeconfig files say, by sort and name; paths in it made absolute."""

    origin: str
    current: str = ""
    items: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)


_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def _merged(files: Sequence[Path]) -> _Told:
    told = _Told(", ".join(str(f) for f in files))
    for file in files:
        document = _document(file)
        told.current = told.current or str(document.get("current-context") or "")
        for sort in ("cluster", "user", "context"):
            for name, item in _items(document, sort, file):
                told.items.setdefault((sort, name), item)
    return told


def _document(file: Path) -> Mapping[str, Any]:
    try:
        document = yaml.load(_read(file), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise SpecError(f"kubeconfig {file} is not YAML: {error}") from error
    if not isinstance(document, Mapping):
        raise SpecError(f"kubeconfig {file} is not a mapping; is it the right file?")
    return document


def _items(document: Mapping[str, Any], sort: str, file: Path) -> list[tuple[str, Mapping[str, Any]]]:
    try:
        found = msgspec.convert(document.get(f"{sort}s") or [], list[dict[str, Any]])
        return [(str(i["name"]), _absolute(i.get(sort) or {}, file.parent)) for i in found]
    except (msgspec.ValidationError, KeyError, AttributeError) as error:
        raise SpecError(f"kubeconfig {file}: {sort}s is not a list of a name and a {sort} each") from error


def _absolute(item: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    return {k: str(folder / v) if k in _PATHS and v else v for k, v in item.items()}


def _named(told: _Told, sort: str, name: str) -> Mapping[str, Any]:
    if (found := told.items.get((sort, name))) is not None:
        return found
    known = ", ".join(sorted(n for s, n in told.items if s == sort)) or "none"
    raise SpecError(f"{told.origin}: there is no {sort} {name!r} (there is: {known})")


def _connection(cluster: Mapping[str, Any], user: Mapping[str, Any], namespace: str) -> Connection:
    server = str(cluster.get("server") or "").rstrip("/")
    if not server.startswith(("https://", "http://")):
        raise SpecError(f"kubeconfig: the cluster's server {server!r} is no http(s) URL")
    return Connection(
        server=server,
        tls=_tls(cluster, user) if server.startswith("https://") else None,
        token=_token(user),
        headers=(*_basic(user), *_impersonation(user)),
        namespace=namespace,
        proxy=_proxy(cluster),
        server_name=str(cluster.get("tls-server-name") or "") or None,
    )


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext:
    authority = _material(cluster, "certificate-authority")
    context = _trusting(None, authority.decode("ascii", "replace"))
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = _material(user, "client-certificate"), _material(user, "client-key")
    if certificate and key:
        _present(context, certificate, key)
    return context


def _trusting(file: Path | None, data: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=file, cadata=data or None)
    except (OSError, ValueError) as error:
        raise SpecError(
            f"the certificate authority {file or 'in the kubeconfig'} cannot be read: {error}"
        ) from error
    # Clusters' authorities often lack what the strict reading of RFC 5280 (default from Python 3.13 on) asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _present(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load a client certificate; OpenSSL takes it from a file only, so it is one for a moment."""
    with tempfile.TemporaryDirectory(prefix="tiphys-") as folder:
        pair = Path(folder) / "pair.pem"
        pair.touch(mode=0o600)
        pair.write_bytes(certificate + b"\n" + key)
        try:
            context.load_cert_chain(pair)
        except (OSError, ValueError) as error:
            raise SpecError(f"the kubeconfig's client certificate and key do not load: {error}") from error


def _material(item: Mapping[str, Any], name: str) -> bytes:
    """A certificate or key: inline in base64 (which wins, as with kubectl) or in a file; empty if neither."""
    if inline := item.get(f"{name}-data"):
        try:
            return base64.b64decode(str(inline), validate=True)
        except binascii.Error as error:
            raise SpecError(f"kubeconfig: {name}-data is not base64: {error}") from error
    return _read(Path(item[name])).encode() if item.get(name) else b""


def _token(user: Mapping[str, Any]) -> Token | None:
    for refused in ("exec", "auth-provider"):
        if user.get(refused):
            raise SpecError(
                f"kubeconfig: the user gets credentials from a program ({refused}), which is not run; "
                "use a service account's token or a client certificate"
            )
    if file := user.get("tokenFile"):
        return TokenFile(Path(file))
    token = str(user.get("token") or "")
    return (lambda: token) if token else None


def _basic(user: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not user.get("username"):
        return []
    pair = f"{user['username']}:{user.get('password') or ''}"
    return [("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")]


def _impersonation(user: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Whom to act as. Left out, we would act with more rights than the file grants."""
    if not user.get("as"):
        return []
    groups = user.get("as-groups") or []
    return [("Impersonate-User", str(user["as"])), *(("Impersonate-Group", str(g)) for g in groups)]


def _proxy(cluster: Mapping[str, Any]) -> str | None:
    proxy = str(cluster.get("proxy-url") or "")
    if proxy and not proxy.startswith(("http://", "https://")):
        raise SpecError(f"kubeconfig: proxy-url {proxy!r}: only http and https proxies are supported")
    return proxy or None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SpecError(f"cannot read {file}: {why}; is it the right file?") from error
