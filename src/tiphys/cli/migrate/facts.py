"""What a migration has to know of a cluster: who acts on its Applications, Argo CD's settings, and our own looks."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tiphys.cli.app.targets import engine
from tiphys.cli.doctor.cluster import controllers_of
from tiphys.cli.kube import EVERYWHERE, GROUP, ControlPlane, Found, control_plane
from tiphys.cli.options import Access
from tiphys.core.migration.controllers import Role
from tiphys.core.migration.plan import Glance, Situation
from tiphys.core.repositories.choosing import Keyring
from tiphys.core.repositories.credentials import LABEL, READING, credentials
from tiphys.model.api import Application
from tiphys.model.errors import Refused, SpecError, Unavailable
from tiphys.model.objects import AppName, part

if TYPE_CHECKING:
    from tiphys.reconcile.world import World

_PARALLEL = 4
_TOLD = ("NotBuiltYetWarning", "HooksNotRunWarning", "SharedResourceWarning")
"""Conditions of a look that a migration should know."""


async def situation(access: Access, *, looks: bool) -> Situation:
    """
    What there is, and with ``looks`` how our engine sees each Application.

    Raises ``SpecError`` if no Argo CD is there.
    """
    async with control_plane(access) as plane:
        controllers = await controllers_of(plane, access.namespace)
        if not any(each.role is Role.APPLICATIONS for each in controllers):
            raise SpecError(
                f"there is no application controller of Argo CD in namespace {access.namespace}: name its namespace "
                "with -n, or another cluster with --context"
            )
        parameters = await _config(plane, access.namespace, "argocd-cmd-params-cm")
        apps, unreadable = _read(await _applications(plane, parameters))
        return Situation(
            controllers=controllers,
            applications=apps,
            glances=await glances(access, apps) if looks else {},
            unreadable=unreadable,
            settings=await _config(plane, access.namespace, "argocd-cm"),
            parameters=parameters,
            sets=await plane.objects(f"{GROUP}/namespaces/{access.namespace}/applicationsets"),
            private=await _private(plane, access.namespace, apps),
        )


async def _applications(plane: ControlPlane, parameters: Mapping[str, str]) -> Sequence[Found]:
    """Those of the control plane's namespace, and of the further ones that Argo CD is told of."""
    places = [
        word.strip() for word in parameters.get("application.namespaces", "").split(",") if word.strip()
    ]
    if not places:
        return await plane.applications()
    found = await plane.applications(EVERYWHERE)
    return [f for f in found if any(fnmatchcase(f.name.namespace, p) for p in (plane.place, *places))]


def _read(found: Iterable[Found]) -> tuple[list[Application], Mapping[AppName, str]]:
    apps, unreadable = [], {}
    for one in found:
        try:
            apps.append(one.app)
        except SpecError as error:
            unreadable[one.name] = str(error)
    return apps, unreadable


async def _config(plane: ControlPlane, namespace: str, name: str) -> Mapping[str, str]:
    data = part(await plane.document(f"/api/v1/namespaces/{namespace}/configmaps/{name}"), "data")
    return {key: str(value) for key, value in data.items()}


async def _private(plane: ControlPlane, namespace: str, apps: Iterable[Application]) -> Mapping[AppName, str]:
    """Whose repository has credentials that the engine cannot use, and why. Nothing of what is secret is kept."""
    secrets = await plane.objects(f"/api/v1/namespaces/{namespace}/secrets?labelSelector={LABEL}")
    keyring = Keyring(namespace, credentials(secrets, READING))
    found = {}
    for app in apps:
        source = app.spec.source
        if source and (problem := keyring.git(source.repo_url, app.spec.project or "default").problem):
            found[AppName(app.metadata.namespace, app.metadata.name)] = problem
    return found


async def glances(access: Access, apps: Sequence[Application]) -> Mapping[AppName, Glance]:
    """How our engine sees each Application, at the commit that was compared last; nothing is changed."""
    limit = asyncio.Semaphore(_PARALLEL)
    async with engine(access) as world:

        async def seen(app: Application) -> tuple[AppName, Glance]:
            async with limit:
                return world.name_of(app), await _glance(app, world)

        return dict(await asyncio.gather(*map(seen, apps)))


async def _glance(app: Application, world: "World") -> Glance:
    from tiphys.reconcile.look import look_at  # noqa: PLC0415 - the help needs none of it

    if app.metadata.deletion_timestamp:
        return Glance(warnings=["it is being deleted"])
    if app.metadata.annotations.get("argocd.argoproj.io/skip-reconcile") == "true":
        return Glance(warnings=["it is left alone (skip-reconcile), here as there"])
    try:
        look = await look_at(app, world, app.status.sync.revision)
    except Unavailable as error:
        return Glance(silent=str(error))
    except (SpecError, Refused) as error:
        return Glance(wrong=str(error))
    return Glance(tuple(look.comparisons.values()), [said for kind, said in look.conditions if kind in _TOLD])
