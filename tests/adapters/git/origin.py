"""A repository to push to, and servers on loopback."""

import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pygit2
from aiohttp import ClientSession, web
from pygit2.enums import FileMode

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answering = Callable[[Handler], Awaitable[str]]
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@dataclass(frozen=True)
class Link:
    """A symlink, as the content of a file."""

    target: str


@dataclass(frozen=True)
class Submodule:
    """Another repository's commit, as the content of a file."""

    sha: str


@dataclass
class Origin:
    """A bare repository to push to; what it is asked over HTTP is in ``requests``."""

    folder: Path
    url: str
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.git = pygit2.init_repository(self.folder, bare=True, initial_head="main")

    @property
    def file_url(self) -> str:
        return f"file://{self.folder}"

    def commit(self, files: dict[str, object] | str, branch: str = "main", message: str = "a change") -> str:
        """Commit files (all there are; or a tree's id) to a branch."""
        tree = files if isinstance(files, str) else self._tree(files)
        ref = f"refs/heads/{branch}"
        parents = [self.git.references[ref].target] if ref in self.git.references else []
        who = pygit2.Signature("Ada", "ada@example.org", 1_700_000_000, 60)
        return str(self.git.create_commit(ref, who, who, message, tree, parents))

    def raw_tree(self, lines: Iterable[tuple[str, bytes, str]]) -> str:
        """A tree of (mode, name, id) that no Git client would make."""
        data = b"".join(b"%s %s\0%s" % (m.encode(), n, bytes.fromhex(o)) for m, n, o in lines)
        return str(self.git.odb.write(pygit2.enums.ObjectType.TREE, data))

    def blob(self, content: bytes) -> str:
        return str(self.git.create_blob(content))

    def tag(self, name: str, sha: str, annotated: bool = False) -> None:
        if annotated:
            who = pygit2.Signature("Ada", "ada@example.org", 1_700_000_000, 0)
            self.git.create_tag(name, sha, pygit2.enums.ObjectType.COMMIT, who, name)
        else:
            self.git.references.create(f"refs/tags/{name}", sha, force=True)

    def point(self, ref: str, sha: str) -> None:
        self.git.references.create(ref, sha, force=True)

    def _tree(self, files: dict[str, object]) -> str:
        builder = self.git.TreeBuilder()
        folders: dict[str, dict[str, object]] = {}
        for path, content in files.items():
            first, slash, rest = path.partition("/")
            if slash:
                folders.setdefault(first, {})[rest] = content
                continue
            match content:
                case Link(target):
                    builder.insert(first, self.blob(target.encode()), FileMode.LINK)
                case Submodule(sha):
                    builder.insert(first, sha, FileMode.COMMIT)
                case str():
                    builder.insert(first, self.blob(content.encode()), FileMode.BLOB)
                case bytes():
                    builder.insert(first, self.blob(content), FileMode.BLOB_EXECUTABLE)
        for name, below in folders.items():
            builder.insert(name, self._tree(below), FileMode.TREE)
        return str(builder.write())


async def listen(app: web.Application, stack: AsyncExitStack, tls: ssl.SSLContext | None = None) -> str:
    """Serve an application on loopback until the stack closes; answers its URL, as of plain HTTP."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def relayed(request: web.Request, url: str, without: str = "") -> web.Response:
    """What the repository at the URL answers to a request that was made to /charts.git, a header left out."""
    names = {"Content-Type", "Content-Encoding", "Git-Protocol"} - {without}
    headers = {name: value for name, value in request.headers.items() if name in names}
    path = request.path_qs.removeprefix("/charts.git")
    async with ClientSession(auto_decompress=False) as session:
        call = session.request(request.method, url + path, data=await request.read(), headers=headers)
        async with call as answer:
            return web.Response(
                body=await answer.read(), status=answer.status, content_type=answer.content_type
            )
