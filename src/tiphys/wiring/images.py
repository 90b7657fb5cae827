"""Opens what watching images needs: registries, and who we are to them and to Git hosts that take our commits."""

import asyncio
import os
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tiphys.adapters.cluster.cluster import WatchedCluster
from tiphys.adapters.git import Branch, Credentials
from tiphys.adapters.git.signing_in import USUAL_USER, Identity
from tiphys.adapters.git.ssh import Key as SshKey
from tiphys.adapters.git.ssh import over_ssh
from tiphys.adapters.registry import Registries
from tiphys.adapters.registry import Settings as RegistrySettings
from tiphys.adapters.render import Engines, Toolbox
from tiphys.controller.image_watch import ImageWatch, Pace
from tiphys.controller.queue import Queue
from tiphys.core.images.docker_config import KEY, TYPE, login
from tiphys.core.repositories.credentials import LABEL, WRITING, Credential, best, credentials
from tiphys.model.addresses import shown
from tiphys.model.errors import Refused, SpecError, Unavailable
from tiphys.model.images import Login, Repository
from tiphys.model.objects import AppName, Key, Kind, part
from tiphys.reconcile.newest_image import Shelf
from tiphys.reconcile.ports import RenderCache
from tiphys.reconcile.watch_images import Outside
from tiphys.wiring.assembly import Engine
from tiphys.wiring.engines import toolbox_binary
from tiphys.wiring.offline import Kept
from tiphys.wiring.pushing import settings_of
from tiphys.wiring.settings import Settings, settings_from

SECRET, CONFIG_MAP = Kind("", "Secret"), Kind("", "ConfigMap")
KNOWN_HOSTS = "argocd-ssh-known-hosts-cm"
"""Where Argo CD keeps the keys of Git hosts."""


@dataclass(frozen=True)
class Keyring:
    """Docker configs in Secrets, and the engine's own in a file."""

    cluster: WatchedCluster
    own: Path | None

    async def docker_config(self, namespace: str, secret: str) -> bytes:
        """The docker config in a Secret; the engine's own, or nothing, for an empty name."""
        if not secret:
            return await own_config(self.own)
        live = await self.cluster.read(Key(*SECRET, namespace, secret))
        if not live or live.body.get("type") != TYPE:
            raise SpecError(f"there is no Secret {namespace}/{secret} of type {TYPE}")
        try:
            return b64decode(str(part(live.body, "data").get(KEY, "")), validate=True)
        except (NoBase64, ValueError) as error:
            raise SpecError(f"the Secret {namespace}/{secret} has no {KEY}") from error


@dataclass(frozen=True)
class WriteBranches:
    """Branches, with the credentials of the Secrets that may push."""

    cluster: WatchedCluster
    namespace: str

    @asynccontextmanager
    async def open(self, repo: str, name: str) -> AsyncIterator[Branch]:
        """A branch of the repository at a URL, empty for its default one."""
        labels = f"{LABEL} in ({','.join(WRITING)})"
        found = best(credentials(await self.cluster.labelled(SECRET, self.namespace, labels), WRITING), repo)
        who = await self._who(found, repo) if found else None
        if who is None and over_ssh(repo):
            raise SpecError(f"{shown(repo)}: {self._lacking}")
        try:
            async with Branch.open(repo, name, settings_of(os.environ), who) as branch:
                yield branch
        except Refused as error:
            said, remedy, _ = str(error).partition("; set TIPHYS_GIT_TOKEN")
            if not remedy:
                raise
            # A variable is the remedy for who calls us by hand.
            mend = f"correct the Secret {self.namespace}/{found.secret}" if found else self._lacking
            raise Refused(f"{said}; {mend}") from error

    @property
    def _lacking(self) -> str:
        return (
            f"no Secret in namespace {self.namespace} may push there: make one with the label {LABEL}={WRITING[0]}, "
            "its url, and username and password or sshPrivateKey"
        )

    async def _who(self, found: Credential, repo: str) -> Identity:
        """What a Secret has. The engine's own environment does not count: any Application may name any URL."""
        if found.problem:
            raise SpecError(f"the Secret {self.namespace}/{found.secret} for {shown(repo)}: {found.problem}")
        secret = found.password or found.bearer_token
        if over_ssh(repo) and found.ssh_private_key:
            hosts = await self.cluster.read(Key(*CONFIG_MAP, self.namespace, KNOWN_HOSTS))
            known = part(hosts.body, "data").get("ssh_known_hosts", "") if hosts else ""
            return SshKey(found.ssh_private_key.strip() + "\n", str(known))
        if not over_ssh(repo) and secret:
            return Credentials(found.username or USUAL_USER, secret)
        needed = "sshPrivateKey" if over_ssh(repo) else "password"
        raise SpecError(f"the Secret {self.namespace}/{found.secret} has no {needed} for {shown(repo)}")


async def own_config(path: Path | None) -> bytes:
    """The engine's own docker config, read anew: a mounted Secret may change. Empty where none is named."""
    if path is None:
        return b""
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise Unavailable(f"read TIPHYS_REGISTRY_CONFIG {path}: {error.strerror}") from error


def registries(cache: RenderCache, settings: Settings) -> Registries:
    """A client of registries, to be closed by ``async with``."""
    return Registries(cache, RegistrySettings(plain=frozenset(settings.plain_registries)))


@asynccontextmanager
async def open_outside(engine: Engine, settings: Settings) -> AsyncIterator[Outside]:
    """What looks at images reach, on an engine."""
    cluster = engine.cluster
    async with registries(engine.world.cache, settings) as registry:
        keyring = Keyring(cluster, settings.registry_config)
        branches = WriteBranches(cluster, settings.namespace)
        yield Outside(engine.world, registry, engine.engines, keyring, branches)


@asynccontextmanager
async def open_image_watch(
    engine: Engine, queue: Queue[AppName], settings: Settings
) -> AsyncIterator[ImageWatch]:
    """The loop that watches images, on an engine."""
    async with open_outside(engine, settings) as outside:
        yield ImageWatch(outside, queue, Pace(settings.image_poll.total_seconds()))


@asynccontextmanager
async def open_shelf(image: Repository, environment: Mapping[str, str]) -> AsyncIterator[Shelf]:
    """A repository as the user of this machine sees it: by TIPHYS_REGISTRY_CONFIG, or what docker login wrote."""
    async with Toolbox(toolbox_binary()) as toolbox, open_registries(environment) as (registry, login_of):
        yield Shelf(image, registry, Engines(toolbox), login_of(image))


@asynccontextmanager
async def open_registries(
    environment: Mapping[str, str],
) -> AsyncIterator[tuple[Registries, Callable[[Repository], Login | None]]]:
    """Registries as the user of this machine sees them, and who that is to each."""
    settings = settings_from(environment)
    where = settings.registry_config or _usual_config(environment)
    config = await own_config(where if where and where.exists() else settings.registry_config)
    async with registries(Kept(), settings) as registry:
        yield registry, lambda image: login(config, image, str(where))


def _usual_config(environment: Mapping[str, str]) -> Path | None:
    """Where docker keeps the credentials of ``docker login``."""
    if folder := environment.get("DOCKER_CONFIG"):
        return Path(folder) / "config.json"
    home = environment.get("HOME")
    return Path(home) / ".docker" / "config.json" if home else None
