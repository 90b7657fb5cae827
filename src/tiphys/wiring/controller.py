"""The engine as a process: its loops on the assembled world, from start to SIGTERM."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING

import structlog

from tiphys.adapters.cluster.applications import ApplicationChange
from tiphys.adapters.cluster.cluster import APPLICATION, WatchedCluster
from tiphys.adapters.cluster.installing import install, renew
from tiphys.controller.following import Following
from tiphys.controller.gates import through
from tiphys.controller.image_watch import ImageWatch
from tiphys.controller.pokes import Pokes
from tiphys.controller.polls import Polls
from tiphys.controller.queue import Queue
from tiphys.controller.worker import Worker
from tiphys.core.projects import default_project
from tiphys.core.webhooks import Heard, ImagePushed, Push
from tiphys.model.api import to_json
from tiphys.model.api.schema import definitions
from tiphys.model.errors import TiphysError, Unavailable
from tiphys.model.objects import AppName, Manifest, key_of
from tiphys.reconcile.reconcile import reconcile, tell_bug
from tiphys.wiring.assembly import Engine, open_engine
from tiphys.wiring.images import open_image_watch
from tiphys.wiring.settings import OFF, Settings
from tiphys.wiring.standing_by import Told, open_gates

if TYPE_CHECKING:
    from tiphys.wiring.serving import Face

log = structlog.get_logger()
DAY = 24 * 3600.0
AGAIN_AFTER = 2.0
"""Seconds after which an engine that could not begin tries again."""


def run_controller(settings: Settings) -> None:
    """Run the engine until SIGTERM or SIGINT."""
    try:
        loops = import_module("uvloop").new_event_loop
    except ImportError:  # there is no wheel for this machine
        loops = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=loops) as runner:
        runner.run(_until_stopped(settings))


async def _until_stopped(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    engine = asyncio.create_task(_run(settings))
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait({engine, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if engine.done():
        engine.result()
        return
    log.info("stopping")
    engine.cancel()
    await asyncio.gather(engine, return_exceptions=True)
    log.info("stopped")


async def _run(settings: Settings) -> None:
    log.info("starting", namespace=settings.namespace, state=str(settings.state))
    async with _shown(settings) as face, open_gates(settings, _told(face)) as gates:
        lives = count()
        await through(gates, lambda: _live(settings, face, first=next(lives) == 0))


async def _live(settings: Settings, face: "Face | None", *, first: bool) -> None:
    """Work until cancelled. A cluster that is silent ends the first life, for whoever started us; later ones wait."""
    while True:
        try:
            await _work(settings, face)
        except Unavailable as error:
            if first:
                raise
            log.warning("cannot begin, and tries again", why=str(error))
        finally:
            if face:
                face.wait("the API server")
        await asyncio.sleep(AGAIN_AFTER)


def _told(face: "Face | None") -> Told:
    """Has what we wait for shown, if anything is."""
    if face is None:
        return Told(lambda _: None, lambda _: None)
    return Told(face.wait, lambda leader: face.wait("", leader))


async def _work(settings: Settings, face: "Face | None") -> None:
    """Follow the Applications until cancelled."""
    queue = Queue[AppName]()
    async with (
        open_engine(settings, lambda cluster: _install(cluster, settings.namespace)) as engine,
        open_image_watch(engine, queue, settings) as images,
    ):
        world = face.metrics.watching(engine.world) if face else engine.world
        following = Following(world, queue)
        polls = Polls(world, queue, settings.poll.total_seconds())
        _listen(engine, following, polls, images)
        following.everybody()
        pokes = Pokes(polls)
        if face:
            _hear(face, engine, pokes, images, settings)

        async def story(name: AppName) -> datetime | None:
            return await reconcile(name, world)

        worker = Worker(
            queue,
            story=face.metrics.timed(story, world) if face else story,
            tell_bug=lambda name, error: tell_bug(name, error, world),
            known=world.applications.known,
            now=world.now,
        )
        log.info("ready", applications=len(world.applications.names()))
        if face:
            face.waits_for = ""
        async with asyncio.TaskGroup() as group:
            group.create_task(polls.run())
            group.create_task(pokes.run())
            group.create_task(images.run())
            group.create_task(_keep_house(engine))
            for _ in range(settings.workers):
                group.create_task(worker.work())


def _hear(face: "Face", engine: Engine, pokes: Pokes, images: ImageWatch, settings: Settings) -> None:
    """Have what webhooks tell followed up."""
    from tiphys.server.webhook import MIB, Limits  # noqa: PLC0415
    from tiphys.wiring.webhooks import KeptSecrets  # noqa: PLC0415

    def told(heard: Heard) -> None:
        match heard:
            case Push():
                pokes.pushed(heard)
            case ImagePushed():
                pokes.image_pushed(heard)
                images.pushed(heard.repository, heard.tag)

    secrets = KeptSecrets(engine.cluster.read, settings.namespace)
    face.hear(secrets, told, Limits(body=settings.webhook_mib * MIB))


@asynccontextmanager
async def _shown(settings: Settings) -> "AsyncIterator[Face | None]":
    """What the server shows of the engine, for a ``with`` block; ``None`` where there shall be no server."""
    if settings.listen == OFF:
        yield None
        return
    # Here, so that an engine without a server loads none.
    from tiphys.wiring.serving import Face, serving  # noqa: PLC0415

    face = Face()
    async with serving(settings.listen, face):
        yield face


async def _install(cluster: WatchedCluster, namespace: str) -> None:
    """What we need in the cluster: definitions that are missing or of an older edition, the namespace, the project."""
    catalog = await cluster.catalog()
    ours = list(map(_manifest, definitions().values()))
    home: dict[str, object] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    project = to_json(default_project(namespace))
    # The namespace first: whoever sees that the cluster knows Applications may make one at once.
    await install(cluster, (), [_manifest(home)])
    await install(cluster, ours if APPLICATION not in catalog.resources else (), [_manifest(project)])
    for refused in await renew(cluster, ours):
        log.warning("definition stays as it is", definition=refused.key.name, why=refused.message)


async def _keep_house(engine: Engine) -> None:
    """Once a day, what would otherwise only grow."""
    while True:
        await asyncio.sleep(DAY)
        try:
            await engine.repositories.maintain()
        except TiphysError as error:
            log.warning("clones were not tidied", why=str(error))


def _manifest(body: dict[str, object]) -> Manifest:
    return Manifest(key_of(body), body)


def _listen(engine: Engine, following: Following, polls: Polls, images: ImageWatch) -> None:
    """Have everything that is heard put names into the queue."""

    def application_heard(heard: ApplicationChange) -> None:
        if heard.application:
            polls.outdated |= following.application(heard.application, heard.old, heard.new)
            images.heard(heard.old, heard.new)
        else:
            following.project()

    def credentials_heard() -> None:
        polls.renew()
        following.everybody()

    engine.applications.subscribe(application_heard)
    engine.cluster.subscribe(following.changed)
    engine.access.heard = credentials_heard
    engine.cluster.on_catalog(lambda _: following.everybody())
