"""
A branch of a repository that is committed to: a short-lived clone that holds its newest commit and little else.

Folders come as Git's trees, without history and without content; the content of files comes when they are read.
Nothing is checked out: a commit is made of the trees that are there and the files that are new. A push never
forces. When to try again, others decide.
"""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pygit2

from tiphys.adapters.git import drafting
from tiphys.adapters.git.process import Git, Output
from tiphys.adapters.git.refs import Refs, branches_like, from_ls_remote
from tiphys.adapters.git.remote import Remote, remote
from tiphys.adapters.git.settings import MIB, Settings
from tiphys.adapters.git.signatures import Signer
from tiphys.adapters.git.signing_in import Credentials, Identity, apart, expect_secrecy
from tiphys.adapters.git.ssh import Key, over_ssh, trouble_of_ssh
from tiphys.adapters.git.troubles import DamagedError, UnadvertisedError, asking, printable, trouble
from tiphys.model.commits import Draft
from tiphys.model.errors import Refused, SpecError, Unavailable

T = TypeVar("T")

_TIP = "refs/tiphys/tip"
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none")
# Without it git offers what it has, and is then not sent what it has not.
_NO_TALK = ("-c", "fetch.negotiationAlgorithm=noop")
_PUSH = ("push", "--porcelain", "--no-verify", "--no-thin")
_BEATEN = re.compile(
    r"\[rejected\] \((fetch first|non-fast-forward|stale info)\)"
    r"|\[remote rejected\].*(cannot lock ref|failed to lock|failed to update ref|incorrect old value)"
    r"|\[remote rejected\].*is at .* but expected"
)
_REJECTED = re.compile(r"^!\t[^\t]*\t(.*)$", re.MULTILINE)
_SIGN_IN = re.compile(
    r"could not read (Username|Password)|Authentication failed|error: 40[13]|prompts disabled", re.IGNORECASE
)


class Branch:
    """Fulfils ``Branch`` of the release story."""

    signer: Signer | None = None
    """Who signs its commits."""

    def __init__(self, source: Remote, name: str, folder: Path, settings: Settings) -> None:
        self._remote = source
        self._name = name
        self._folder = folder
        self._settings = settings
        self._git = Git(settings)
        self._who: Identity | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls, repo: str, name: str, settings: Settings, who: Identity | None = None
    ) -> "AsyncIterator[Branch]":
        """
        A branch of the repository at a URL, empty for the one that its ``HEAD`` names; the clone goes at the end.

        Nothing is asked of the remote yet.
        """
        url, inside = apart(repo)
        source, who = remote(url, settings.schemes | {"ssh"}), inside or who
        if isinstance(who, Credentials) and not settings.plain_tokens:
            expect_secrecy(source.url)
        if who is None and over_ssh(source.url):
            who = Key()
        with tempfile.TemporaryDirectory(prefix="tiphys-push-", ignore_cleanup_errors=True) as name_of_ours:
            ours = Path(name_of_ours)
            if who:
                settings = replace(settings, environment={**settings.environment, **who.environment(ours)})
            settings = replace(settings, schemes=settings.schemes | {"ssh"})
            clone = await asyncio.to_thread(pygit2.init_repository, ours / "clone", bare=True)
            # By name: git shows its arguments to everybody on the machine.
            clone.remotes.create("origin", source.url)
            branch = cls(source, name, ours / "clone", settings)
            branch._who = who
            yield branch

    async def fetch(self) -> str:
        """The newest commit, asked for now."""
        self._name = self._name or await self._default()
        try:
            await self._bring(self._name, _TIP)
        except UnadvertisedError as error:
            raise await self._missing() from error
        return await self._here(lambda repository: str(repository.references[_TIP].target))

    async def read(self, commit: str, paths: Collection[str]) -> Mapping[str, bytes | None]:
        """The content of files of a commit; ``None`` where there is no file."""
        ids = await self._here(lambda r: {path: drafting.file_id(r, commit, path) for path in paths})
        lacking = await self._here(lambda r: sorted({oid for oid in ids.values() if oid and oid not in r}))
        if lacking:
            await self._bring_files(lacking)
        return await self._here(
            lambda r: {path: self._content(r, path, oid) if oid else None for path, oid in ids.items()}
        )

    async def _bring_files(self, ids: Sequence[str]) -> None:
        """Fetch the content of files; all that the commit has, from a host that gives none by its id."""
        doing = f"fetch of {len(ids)} files from {self._remote.shown}"
        try:
            await self._run(*_NO_TALK, *_FETCH, "origin", *ids, doing=doing)
        except UnadvertisedError:
            # Such as Git's first protocol gives nothing but branches: sshd often does not pass on the wish for another.
            await self._run(
                "fetch",
                "--quiet",
                "--no-tags",
                "--refetch",
                "--no-filter",
                "--depth=1",
                "origin",
                f"+refs/heads/{self._name}:{_TIP}",
                doing=doing,
            )

    async def names(self, commit: str, folder: str) -> Sequence[str]:
        """What a folder of a commit holds; empty where there is none."""
        return await self._here(lambda r: drafting.names(r, commit, folder))

    async def commit(self, parent: str, draft: Draft) -> str:
        """A commit on top of another one, here alone. Answers its SHA."""
        content = await self._here(lambda r: drafting.write(r, parent, draft))
        signature = await self.signer.sign(content) if self.signer else ""
        return await self._here(lambda r: drafting.committed(r, content, signature))

    async def push(self, commit: str) -> bool:
        """Make it the branch's newest; ``False`` if somebody else's came first. Raises ``Refused`` for a no."""
        return await self._send(self._name, f"{commit}:refs/heads/{self._name}")

    async def _send(self, name: str, what: str, *options: str) -> bool:
        """Push to a branch of this name; ``False`` if somebody else's came first. Raises ``Refused`` for a no."""
        doing = f"push to {name} of {self._remote.shown}"
        output = await self._output(*_PUSH, *options, "origin", what, doing=doing)
        if not output.code:
            return True
        if _BEATEN.search(output.text + output.words):
            return False
        if said := _REJECTED.search(output.text):
            raise Refused(f"{doing}: the host says no: {_said(said[1], output)}")
        raise self._trouble(doing, output)

    async def _bring(self, name: str, ref: str) -> None:
        """Fetch the newest commit of a branch, and point a ref of ours at it."""
        doing = f"fetch of {name} from {self._remote.shown}"
        wanted = f"+refs/heads/{name}:{ref}"
        await self._run(*_FETCH, "--depth=1", "origin", wanted, doing=doing)

    async def _default(self) -> str:
        refs = await self._refs("HEAD")
        target = refs["HEAD"].target if "HEAD" in refs else ""
        if not target.startswith("refs/heads/"):
            hint = "nothing was pushed to it yet" if not refs else "name one with --branch"
            raise SpecError(f"{self._remote.shown} has no branch as its default: {hint}")
        return target.removeprefix("refs/heads/")

    async def _missing(self) -> SpecError:
        there = ", ".join(branches_like(self._name, await self._refs("refs/heads/*")))
        hint = f"there are: {there}" if there else "nothing was pushed to it yet"
        return SpecError(f"{self._remote.shown} has no branch {self._name!r}; {hint}")

    async def _refs(self, pattern: str) -> Refs:
        output = await self._run("ls-remote", "--symref", "origin", pattern, doing=asking(self._remote))
        return from_ls_remote(output.text)

    def _content(self, repository: pygit2.Repository, path: str, oid: str) -> bytes:
        blob = repository[oid]
        if not isinstance(blob, pygit2.Blob) or blob.size > self._settings.file_bytes:
            raise SpecError(
                f"{path} is too large; at most {self._settings.file_bytes // MIB} MiB are read of a file"
            )
        return blob.data

    async def _run(self, *arguments: str, doing: str) -> Output:
        output = await self._output(*arguments, doing=doing)
        if output.code:
            raise self._trouble(doing, output)
        return output

    async def _output(self, *arguments: str, doing: str) -> Output:
        try:
            signing_in = self._who.options(self._remote.url) if self._who else ()
            return await self._git(
                *signing_in, *arguments, seconds=self._settings.fetch_seconds, folder=self._folder
            )
        except FileNotFoundError as error:
            raise Unavailable(f"{doing}: the folder {self._folder} is gone") from error

    def _trouble(self, doing: str, output: Output) -> Exception:
        if isinstance(self._who, Key) and (
            found := trouble_of_ssh(doing, output, with_key=bool(self._who.secret))
        ):
            return found
        if _SIGN_IN.search(output.words):
            how = "refuses who we are" if self._who else "wants to know who we are"
            return Refused(
                f"{doing}: it {how}, or there is no such repository; set TIPHYS_GIT_TOKEN (and TIPHYS_GIT_USERNAME "
                "where the host wants one) to a token that may write there"
            )
        other = trouble(doing, self._settings.fetch_seconds, output)
        return Unavailable(str(other)) if isinstance(other, DamagedError) else other

    async def _here(self, look: Callable[[pygit2.Repository], T]) -> T:
        """What ``look`` answers, in a thread. Opened anew: git has been here since."""
        return await asyncio.to_thread(lambda: look(pygit2.Repository(self._folder)))


def _said(reason: str, output: Output) -> str:
    """Why a host refuses: its own words, and what its hooks print."""
    told = [
        line.removeprefix("remote:").strip()
        for line in output.words.splitlines()
        if line.startswith("remote:")
    ]
    return printable("; ".join(filter(None, [reason, *told[:5]])))[:500]
