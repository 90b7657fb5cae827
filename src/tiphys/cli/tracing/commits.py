"""
Commits in the timelines of Applications: which ones a word means, and how far each one is.

Values in, values out.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from posixpath import normpath

from tiphys.cli.app.views import sources_of
from tiphys.cli.output import one_line
from tiphys.core.release.references import reference
from tiphys.core.timeline.entries import Entry, Timeline, moment, read
from tiphys.core.timeline.steps import lead_time
from tiphys.core.webhooks.concerns import follows, place, touches
from tiphys.model.api import Application, ApplicationSource, HealthStatus, OperationState
from tiphys.model.flow import Phase
from tiphys.model.tracking import TIMELINE

_HEX = re.compile(r"[0-9a-f]{4,64}")
_ENDS_IN_SHA = re.compile(r"(?:^|/)([0-9a-f]{7,64})/?$")
_TAGGED = 7
"""So many digits of a commit make a tag of it."""
_USUAL = ("main", "master")


class Code(Enum):
    """How far a commit is, in an application."""

    LIVE = "live"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Trace:
    """A commit in an application that renders from what it changed."""

    app: Application
    entry: Entry

    @property
    def timeline(self) -> Timeline:
        """The application's."""
        return timeline_of(self.app)

    @property
    def carrier(self) -> Entry | None:
        """The commit that brings it to life: itself, or the newer one that contains it; ``None`` if long forgotten."""
        found: Entry | None = self.entry
        for _ in self.timeline.entries:
            if not found or not found.superseded_by:
                break
            found = self.timeline.entry(found.superseded_by)
        return found

    @property
    def lead_time(self) -> timedelta | None:
        """Until it was healthy, by itself or as a part of the newer one; ``None`` where it cannot be told."""
        if self.entry.first or not self.carrier:
            return None
        return lead_time(replace(self.entry, healthy=self.carrier.healthy))

    @property
    def standing(self) -> tuple[Code, str]:
        """How far it is, and a sentence about it."""
        entry, carrier = self.entry, self.carrier
        if carrier is None:
            return (
                Code.SUPERSEDED,
                f"superseded by {entry.superseded_by[:7]}, of which nothing is noted any more",
            )
        code, said = _standing(self.app, self.timeline, carrier)
        if carrier is entry:
            return code, said
        before = "before it was healthy" if entry.applied else "before it was applied"
        superseded = f"superseded {before} by {carrier.revision[:7]}, which contains it and is {said}"
        return Code.SUPERSEDED if code is Code.LIVE else code, superseded


def _standing(app: Application, timeline: Timeline, entry: Entry) -> tuple[Code, str]:
    """How far a commit is that none has superseded."""
    health = app.status.health
    if entry.healthy:
        return Code.LIVE, "live" if entry.applied or entry.first else "live; nothing had to be applied"
    if not timeline.entries and (app.status.sync.status, health.status) == ("Synced", "Healthy"):
        return Code.LIVE, "live; the engine notes no times"
    if entry.failed:
        return Code.FAILED, f"not rendered: {entry.failed}"
    if error := error_of(app):
        return Code.FAILED, error
    operation = _operation(app, timeline, entry)
    if operation and operation.phase in (Phase.FAILED, Phase.ERROR):
        return Code.FAILED, f"not live: its sync failed{_because(operation.message)}"
    if entry.applied and health.status == "Degraded" and not _was_before(health, entry.applied):
        return Code.FAILED, f"applied, and Degraded{_because(health.message)}"
    return Code.PENDING, _on_its_way(app, entry, operation)


def _was_before(health: HealthStatus, applied: datetime) -> bool:
    """Whether health is told that may be of the commit before: this one may be what mends it."""
    since = moment(health.last_transition_time)
    return bool(since and since < applied.replace(microsecond=0))


def _on_its_way(app: Application, entry: Entry, operation: OperationState | None) -> str:
    sync, health = app.status.sync.status, app.status.health
    does = f"the application is {sync} and {health.status or 'of no health yet'}{_because(health.message)}"
    if operation and operation.phase == Phase.RUNNING:
        return f"being synced{_because(operation.message)}"
    if entry.applied:
        return f"applied; {does}"
    if sync == "Synced":
        return f"rendered, nothing has to be applied; {does}"
    by_hand = f"rendered, and waits for somebody to sync it, by policy: tiphys app sync {app.metadata.name}"
    return "rendered, and waits for its sync" if _is_automated(app) else by_hand


def _operation(app: Application, timeline: Timeline, entry: Entry) -> OperationState | None:
    """The latest operation, if it was about the commit, or about a later one that changed nothing for it."""
    operation = app.status.operation_state
    revision = operation.sync_result.revision if operation and operation.sync_result else ""
    later = timeline.current == entry.revision and revision == app.status.sync.revision
    return operation if entry.is_at(revision) or later else None


def error_of(app: Application) -> str:
    """Why an application cannot be compared at all, if that is so."""
    if app.status.sync.status != "Unknown":
        return ""
    errors = [c for c in app.status.conditions if c.type in ("ComparisonError", "InvalidSpecError")]
    return one_line(f"not compared: {errors[0].message}") if errors else ""


def timeline_of(app: Application) -> Timeline:
    """What is noted of an application."""
    return read(app.metadata.annotations.get(TIMELINE, ""))


def meant_by(word: str, apps: Sequence[Application]) -> list[Trace]:
    """
    The commits that a word means, newest first: by an application's name, all of its; else by a SHA or an image.

    A SHA is one of the charts repository or of an application's own, which the commit or the image's tag names.
    """
    named = [
        app for app in apps if word in (app.metadata.name, f"{app.metadata.namespace}/{app.metadata.name}")
    ]
    return [
        Trace(app, entry)
        for app in named or apps
        for entry in reversed(timeline_of(app).entries)
        if named or is_meant(word, entry)
    ]


def is_meant(word: str, entry: Entry) -> bool:
    """Whether a SHA, or a whole or abbreviated name of an image, means a commit."""
    word = word.strip()
    if _HEX.fullmatch(word.lower()) and _is_commit(word.lower(), entry):
        return True
    wanted = reference(word)
    digest = wanted.digest or (word if word.startswith("sha256:") else "")
    if digest:
        told = [entry.digest, *(reference(image).digest for image in entry.images)]
        return len(digest) > len("sha256:") and any(each.startswith(digest) for each in told)
    images = [reference(image) for image in entry.images]
    if wanted.tag:
        return any(each.tag == wanted.tag and each.named(wanted.repository) for each in images)
    return bool(word) and any(word in (each.tag, str(each)) for each in images)


def _is_commit(sha: str, entry: Entry) -> bool:
    """Whether digits begin the charts' commit, the application's, or the tag that was made of that one."""
    own = _ENDS_IN_SHA.search(entry.source_commit.lower())
    if entry.revision.startswith(sha) or (own and (own[1].startswith(sha) or sha.startswith(own[1]))):
        return True
    tags = [reference(image).tag for image in entry.images]
    return any(
        tag.startswith(sha) or (len(tag) >= _TAGGED and sha.startswith(tag))
        for tag in tags
        if _HEX.fullmatch(tag)
    )


def at_newest(word: str, apps: Iterable[Application]) -> list[Application]:
    """The applications that were looked at a commit last which changed nothing of what they render from."""
    return [app for app in apps if _HEX.fullmatch(word) and app.status.sync.revision.startswith(word)]


def rendering(
    repo: str, branch: str, files: Collection[str], apps: Iterable[Application]
) -> list[Application]:
    """
    The applications that render from files of a branch of a repository, as far as their specs tell.

    Where the branch is the default one, and so is not named, those that follow ``HEAD`` or a branch of a usual name.
    """

    def on_branch(revision: str) -> bool:
        ref = f"refs/heads/{branch}" if branch else ""
        return follows(revision, ref, "") if ref else revision in ("", "HEAD", *_USUAL)

    return [
        app
        for app in apps
        for source in sources_of(app)
        if place(source.repo_url) == place(repo)
        and on_branch(source.target_revision)
        and touches(files, _reads(source))
    ]


def _reads(source: ApplicationSource) -> list[str]:
    """What an application says that it renders from: its folder, and value files that lie elsewhere."""
    values = source.helm.value_files if source.helm else ()
    folders = (source.path, *(f"{source.path}/{name}" if name[:1] != "/" else name for name in values))
    return [normpath(f"/{path}").lstrip("/") for path in folders]


def _is_automated(app: Application) -> bool:
    policy = app.spec.sync_policy
    return bool(policy and policy.automated and policy.automated.enabled is not False)


def _because(message: str) -> str:
    return f": {one_line(message)}" if message else ""
