"""
The toolbox: a small pool of child processes that do what can hang, explode or die.

Children are started when first needed, ended when idle, and replaced when they die. What a request means is
left to the typed functions beside this file.
"""

import asyncio
import itertools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from tiphys.adapters.render.child import Child, Death, Died
from tiphys.adapters.render.limits import Limits
from tiphys.model.errors import SpecError, Unavailable

_MAX_REQUEST = 64 * 1024 * 1024

_GRACE_SECONDS = 0.5
"""How much later than the deadline a child is killed: those who keep deadlines themselves answer first."""


class Toolbox:
    """Asks the program at ``binary``; to be closed by ``aclose``, after which nothing of it is left."""

    def __init__(self, binary: Path, *, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._binary = binary
        self._turns = asyncio.Semaphore(self.limits.children)
        self._idle: dict[Child, asyncio.TimerHandle] = {}
        self._busy: set[Child] = set()
        self._endings: set[asyncio.Task[Death]] = set()
        self._numbers = itertools.count(1)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def call(
        self, op: str, args: Mapping[str, Any], deadline_seconds: float, *, doing: str = ""
    ) -> dict[str, Any]:
        """
        What the operation answers. ``doing`` says for people what is being done.

        Raises ``SpecError`` where the user's files are to blame, be it by an error, by taking longer than
        ``deadline_seconds``, or by passing the memory cap; ``Unavailable`` where the program is.
        """
        number, doing = next(self._numbers), doing or op
        head = {"id": number, "op": op, "deadlineMs": int(deadline_seconds * 1000)}
        request = _encoded({**head, **args}, doing)
        async with self._turns:
            frame = await self._asked(request, deadline_seconds, doing)
        return _result(frame, number, doing)

    async def aclose(self) -> None:
        """End every child and wait until they are gone. Calls that still run fail, and so do later ones."""
        self._closed = True
        for child in [*self._busy, *self._idle]:
            child.kill()
        for child in list(self._idle):
            self._rested(child, stop=False)
        await asyncio.gather(*self._endings)
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    async def _asked(self, request: bytes, deadline_seconds: float, doing: str) -> bytes:
        """The answer's frame. A child that died for no reason of the request's is replaced once."""
        for last in (False, True):
            try:
                return await self._asked_once(request, deadline_seconds, doing)
            except Died as died:
                if died.death.of_memory:
                    raise SpecError(
                        f"{doing} needed more memory than the {self.limits.memory_mib} MiB it may use: look "
                        f"for something that calls itself, repeats or builds without end"
                    ) from died
                if last:
                    raise Unavailable(f"{doing}: the toolbox ended with {died.death}") from died
        raise AssertionError("unreachable")

    async def _asked_once(self, request: bytes, deadline_seconds: float, doing: str) -> bytes:
        child = await self._child()
        self._busy.add(child)
        try:
            async with asyncio.timeout(deadline_seconds + _GRACE_SECONDS):
                frame = await child.ask(request)
        except TimeoutError as error:
            self._kill(child)
            raise SpecError(
                f"{doing} took longer than {deadline_seconds:g} s: look for something that never ends, "
                f"or allow it more time"
            ) from error
        except BaseException:
            # Cancelled, or dead: what is in the pipe would be taken for the next answer.
            self._kill(child)
            raise
        finally:
            self._busy.discard(child)
        self._rest(child)
        return frame

    async def _child(self) -> Child:
        if self._closed:
            raise Unavailable("the toolbox is closed")
        while self._idle:
            child = next(reversed(self._idle))
            self._idle.pop(child).cancel()
            if child.alive:
                return child
            self._kill(child)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="tiphys-toolbox-")
        return await Child.start(self._binary, self.limits.memory_mib, Path(self._folder.name))

    def _rest(self, child: Child) -> None:
        """Keep a child for the next request, for a while."""
        later = asyncio.get_running_loop().call_later
        self._idle[child] = later(self.limits.idle_seconds, self._rested, child)

    def _rested(self, child: Child, *, stop: bool = True) -> None:
        """End a child that was kept."""
        self._idle.pop(child).cancel()
        if stop:
            child.stop()
        self._await_end(child)

    def _kill(self, child: Child) -> None:
        child.kill()
        self._await_end(child)

    def _await_end(self, child: Child) -> None:
        ending = asyncio.create_task(child.ended())
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)


def _encoded(request: dict[str, Any], doing: str) -> bytes:
    try:
        encoded = orjson.dumps(request)
    except TypeError as error:
        # What nests deeper, counts higher or holds other text than JSON can carry came from a user's object.
        raise SpecError(f"{doing}: {error}") from error
    if len(encoded) > _MAX_REQUEST:
        raise SpecError(f"{doing}: {len(encoded) >> 20} MiB to read; the toolbox takes 64")
    return encoded


def _result(frame: bytes, number: int, doing: str) -> dict[str, Any]:
    answer = orjson.loads(frame)
    match answer:
        case {"id": id_, "ok": dict(ok)} if id_ == number:
            return ok
        case {"error": {"kind": "spec", "message": str(message)}}:
            raise SpecError(f"{doing}: {message}")
        case {"error": {"message": str(message)}}:
            raise Unavailable(f"{doing}: the toolbox failed: {message}")
    raise Unavailable(f"{doing}: the toolbox answered something else than it was asked")
