"""
The timeline of an application, kept with each look that is written down: which commits arrived, how far they came.

It lives in an annotation of the Application. It tells of the flow and decides nothing, so nothing that is amiss with it
holds up anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from tiphys.core.release.message import Origin, Released, one_line, releases
from tiphys.core.release.references import reference
from tiphys.core.sources.tools import folder_of, source_of
from tiphys.core.timeline.entries import Entry, Timeline, moment, read, written
from tiphys.core.timeline.record import Sighting, Standing, advanced, found, is_news
from tiphys.core.timeline.steps import reached
from tiphys.model.api import Application, OperationState
from tiphys.model.errors import Refused, SpecError, TiphysError
from tiphys.model.flow import HealthCode, SyncCode
from tiphys.model.rendering import CommitMeta
from tiphys.model.tracking import TIMELINE
from tiphys.reconcile.application import followed, project_name
from tiphys.reconcile.look import Look
from tiphys.reconcile.ports import Meter
from tiphys.reconcile.world import World

log = structlog.get_logger()
_SUBJECT = 100


@dataclass(frozen=True, slots=True)
class Noted:
    """A timeline before and after."""

    before: Timeline
    after: Timeline
    project: str

    @property
    def annotations(self) -> Mapping[str, str]:
        """What the Application is to carry, if that changed."""
        return {} if self.before == self.after else {TIMELINE: written(self.after)}

    def measure(self, meter: Meter) -> None:
        """Tell how long it took what came further. To be done once, after it was written."""
        for seconds in reached(self.before, self.after):
            meter.took(self.project, seconds)


async def arrived(look: Look, world: World) -> Sequence[Entry] | None:
    """
    The commits that led to what a look rendered, newest first, where it is not what was rendered before.

    ``None`` where that could not be found out.
    """
    application = world.applications.get(world.name_of(look.application))
    if application is None or not is_news(timeline_of(application), look.sighting):
        return ()
    return await _between(application, source_of(look.application).repo_url, look.sighting, world)


async def noted_failed(application: Application, error: TiphysError, world: World) -> Noted:
    """
    What becomes of the timeline where nothing can be rendered any more, as far as a commit is to blame.

    Which commit that is, is told by the application's folder: the files that a render reads are not known.
    """
    before = timeline_of(application)
    unchanged = Noted(before, before, application.spec.project)
    if not before.entries or not isinstance(error, SpecError | Refused):
        return unchanged
    try:
        reading, folder = (
            world.tips.readings.get(world.tips.shared(followed(application))),
            folder_of(source_of(application)),
        )
    except SpecError:
        return unchanged
    if not reading or not reading.tip or not reading.since:
        return unchanged
    said = one_line(str(error)) or "?"
    seen = Sighting(reading.tip.sha, "", (folder,), reading.since, None, said)
    if not is_news(before, seen):
        return unchanged
    commits = await _between(application, followed(application).repo, seen, world)
    return Noted(before, found(before, seen, commits or ()), application.spec.project)


async def _between(
    application: Application, repo: str, seen: Sighting, world: World
) -> Sequence[Entry] | None:
    """The commits since the one that an application was at; ``None`` where that could not be found out."""
    at = timeline_of(application).at
    try:
        commits = await world.on_behalf_of(project_name(application)).repositories.between(
            repo, at.tip or at.revision if at else "", seen.revision, seen.paths
        )
    except TiphysError as error:
        log.warning("history is not known", application=application.metadata.name, why=str(error))
        return None
    return [_entry(commit, application.status.summary.images) for commit in commits]


def noted_of(
    application: Application,
    look: Look,
    state: OperationState | None,
    commits: Sequence[Entry] | None,
    now: datetime,
) -> Noted:
    """What becomes of the timeline by a look, the operation that is written with it, and the commits that arrived."""
    before, seen = timeline_of(application), look.sighting
    # An operation may be about another source for once; that is nothing of the application's own way.
    if commits is None or look.application.spec.source != application.spec.source:
        return Noted(before, before, application.spec.project)
    about = state and state.sync_result and state.sync_result.revision == seen.revision
    live = look.outlook.code is SyncCode.SYNCED and look.findings.health.code is HealthCode.HEALTHY
    after = found(before, seen, commits) if is_news(before, seen) else before
    after = advanced(after, Standing(live, state if about else None), now)
    return Noted(before, after, application.spec.project)


def timeline_of(application: Application) -> Timeline:
    """What is noted of an application."""
    return read(application.metadata.annotations.get(TIMELINE, ""))


def _entry(commit: CommitMeta, images: Sequence[str]) -> Entry:
    """What a commit says of itself."""
    told = _about(releases(commit.message), images)
    origin = told[0].origin if told else Origin()
    return Entry(
        commit.sha,
        one_line(commit.message.strip().partition("\n")[0])[:_SUBJECT],
        tuple(image for each in told for image in each.images),
        origin.digest,
        origin.source_commit,
        built=origin.built,
        pushed=origin.pushed,
        committed=moment(commit.committed),
    )


def _about(told: Sequence[Released], images: Sequence[str]) -> Sequence[Released]:
    """Of the releases of a batch, those of images that the application runs in another version; else all."""
    running = {reference(image).repository for image in images}
    ours = [each for each in told if any(reference(image).repository in running for image in each.images)]
    return ours or told
