"""
Settings: read once from the environment and the command line, then passed on in slices.

The names of Argo CD's variables are accepted where they exist; ours begin with ``TIPHYS_``.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tiphys.core.languages.durations import parse_duration
from tiphys.core.languages.endpoints import parse_endpoint
from tiphys.model.errors import SpecError

OFF = "off"
SHORTEST_LEASE = timedelta(seconds=3)
"""It is renewed after a third of it, and a request takes time."""


@dataclass(frozen=True)
class Settings:
    """What a user may choose. Every setting is documented in ``docs/reference/settings.md``."""

    kubeconfig: Path | None = None
    """``None``: what ``KUBECONFIG`` names, else the pod's service account, else the user's own kubeconfig."""
    context: str = ""
    namespace: str = "argocd"
    """Where the projects and, unless further namespaces are named, all Applications live."""
    application_namespaces: tuple[str, ...] = ()
    """Further namespaces whose Applications are followed; ``*`` for all. Each project says which it takes."""
    state: Path = field(default_factory=lambda: state_folder(os.environ))
    """Clones, charts and renders; may be lost at the price of fetching them again."""
    poll: timedelta = timedelta(seconds=10)
    sync_deadline: timedelta = timedelta(minutes=15)
    wave_delay: timedelta = timedelta(seconds=2)
    render_deadline: timedelta = timedelta(seconds=90)
    workers: int = 10
    listen: str = "127.0.0.1:7470"
    """Where probes, metrics and webhooks are answered; ``off`` for nowhere."""
    webhook_mib: int = 2
    """The largest body of a webhook, in MiB."""
    image_poll: timedelta = timedelta(minutes=2)
    """How often registries are asked for newer images, where any are watched."""
    plain_registries: tuple[str, ...] = ()
    """Registries, as ``host:port``, that are asked without TLS."""
    registry_config: Path | None = None
    """A docker config with the engine's own credentials for registries."""
    beside_argocd: bool = False
    """Act on Applications while Argo CD's controller runs in the same namespace."""
    leader_election: bool = True
    """Act only while this engine holds the Lease of its namespace."""
    lease: timedelta = timedelta(seconds=15)
    """After how long of silence another engine takes over from the one that leads."""
    log_level: str = "info"
    log_format: str = "auto"
    """``text``, ``json``, or ``auto``: text on a terminal."""

    def __post_init__(self) -> None:
        """Raises ``SpecError`` for settings with which the engine would do nothing, or never rest."""
        for name in ("poll", "sync_deadline", "render_deadline", "image_poll"):
            if getattr(self, name) <= timedelta():
                raise SpecError(f"{name.replace('_', ' ')}: it must be longer than 0; write it like 10s")
        if self.webhook_mib < 1:
            raise SpecError("webhook mib: a webhook needs at least 1 MiB")
        if self.workers < 1:
            raise SpecError("workers: there must be at least 1")
        if self.lease < SHORTEST_LEASE:
            raise SpecError("lease: it must be 3s or longer; 15s is usual")
        if self.listen != OFF:
            parse_endpoint(self.listen)


def settings_from(environment: Mapping[str, str]) -> Settings:
    """The settings that the environment asks for. Raises ``SpecError`` that names a variable it cannot read."""

    def first(*names: str) -> str:
        return next((environment[n] for n in names if environment.get(n)), "")

    def duration(default: timedelta, *names: str) -> timedelta:
        name = next((n for n in names if environment.get(n)), "")
        return _duration(name, environment[name]) if name else default

    def number(default: int, name: str) -> int:
        text = first(name)
        if text and not (text.isascii() and text.isdigit()):
            raise SpecError(f"{name}={text!r} must be a whole number such as {default}")
        return int(text) if text else default

    def switch(name: str, *, usually: bool = False) -> bool:
        text = first(name).lower()
        if text not in ("", "true", "false"):
            raise SpecError(f"{name}={text!r} must be true or false")
        return text == "true" if text else usually

    usual = Settings(state=state_folder(environment))
    return Settings(
        context=first("TIPHYS_CONTEXT"),
        namespace=first("TIPHYS_NAMESPACE", "ARGOCD_NAMESPACE") or usual.namespace,
        application_namespaces=tuple(
            filter(None, first("TIPHYS_APPLICATION_NAMESPACES", "ARGOCD_APPLICATION_NAMESPACES").split(","))
        ),
        state=usual.state,
        poll=duration(usual.poll, "TIPHYS_POLL"),
        sync_deadline=duration(usual.sync_deadline, "TIPHYS_SYNC_DEADLINE"),
        wave_delay=duration(usual.wave_delay, "TIPHYS_SYNC_WAVE_DELAY", "ARGOCD_SYNC_WAVE_DELAY"),
        render_deadline=duration(usual.render_deadline, "TIPHYS_RENDER_DEADLINE", "ARGOCD_EXEC_TIMEOUT"),
        workers=number(usual.workers, "TIPHYS_WORKERS"),
        webhook_mib=number(usual.webhook_mib, "TIPHYS_WEBHOOK_MIB"),
        # An empty text is a wish too: no server.
        listen=environment.get("TIPHYS_LISTEN", usual.listen) or OFF,
        image_poll=duration(usual.image_poll, "TIPHYS_IMAGE_POLL"),
        plain_registries=tuple(filter(None, first("TIPHYS_PLAIN_REGISTRIES").split(","))),
        registry_config=Path(config) if (config := first("TIPHYS_REGISTRY_CONFIG")) else None,
        beside_argocd=switch("TIPHYS_BESIDE_ARGOCD"),
        leader_election=switch("TIPHYS_LEADER_ELECTION", usually=True),
        lease=duration(usual.lease, "TIPHYS_LEASE"),
        log_level=first("TIPHYS_LOG_LEVEL") or usual.log_level,
        log_format=first("TIPHYS_LOG_FORMAT") or usual.log_format,
    )


def followed_namespaces(settings: Settings) -> tuple[str, ...]:
    """The namespaces whose Applications are followed; empty for all."""
    if "*" in settings.application_namespaces:
        return ()
    return (settings.namespace, *settings.application_namespaces)


def state_folder(environment: Mapping[str, str]) -> Path:
    """Where the engine keeps its state: ``TIPHYS_STATE``, or a folder under the user's state."""
    if environment.get("TIPHYS_STATE"):
        return Path(environment["TIPHYS_STATE"])
    base = environment.get("XDG_STATE_HOME") or f"{environment.get('HOME', '/var/lib')}/.local/state"
    return Path(base) / "tiphys" / "engine"


def _duration(name: str, text: str) -> timedelta:
    try:
        return parse_duration(text)
    except SpecError as error:
        raise SpecError(f"{name}: {error}") from error
