"""What an examination asks of a cluster: its Applications, its engines and what those may do, and the time."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from tiphys.cli.kube import ControlPlane, Found, control_plane
from tiphys.cli.options import Access
from tiphys.core.lint.cluster import ClusterFacts, Engine
from tiphys.core.migration.controllers import KINDS, Controller, Role, controllers
from tiphys.model.api import Application
from tiphys.model.errors import Refused, SpecError
from tiphys.model.objects import Body, part

_VERBS = ("list", "watch", "create", "patch", "delete")
"""What a GitOps engine does with every kind that an Application has."""
_PARALLEL = 8


@dataclass(frozen=True, slots=True)
class _Held:
    """A kind of objects that Applications have somewhere."""

    group: str
    version: str
    kind: str
    namespace: str

    def __str__(self) -> str:
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.group or 'core'}/{self.kind}{where}"


async def facts_of(access: Access) -> ClusterFacts:
    """Everything about the cluster that can be examined."""
    async with control_plane(access) as plane:
        apis = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        definitions = {part(each, "metadata").get("name", "") for each in await plane.objects(apis)}
        before, there, after = datetime.now(UTC), await plane.clock(), datetime.now(UTC)
        found = await plane.applications() if "applications.argoproj.io" in definitions else []
        apps, unreadable = _read(found)
        engines = [each async for each in _engines(plane, access.namespace)]
        projects = f"/apis/argoproj.io/v1alpha1/namespaces/{access.namespace}/appprojects"
        return ClusterFacts(
            namespace=access.namespace,
            here=before + (after - before) / 2,
            # HTTP tells no fractions of a second.
            there=_nearest(there, before, after) if there else None,
            definitions=definitions,
            projects={
                "default",
                *(part(each, "metadata").get("name", "") for each in await plane.objects(projects)),
            },
            applications=apps,
            unreadable=unreadable,
            engines=engines,
            denied=await _denied(plane, apps, next((e.account for e in engines if e.ours), "")),
        )


def _nearest(there: datetime, before: datetime, after: datetime) -> datetime:
    """The time that the server may have meant and that is nearest to ours."""
    middle = before + (after - before) / 2
    return min(max(middle, there), there.replace(microsecond=999_999))


def _read(found: Sequence[Found]) -> tuple[Sequence[Application], Mapping[str, str]]:
    apps, unreadable = [], {}
    for one in found:
        try:
            apps.append(one.app)
        except SpecError as error:
            unreadable[one.name.name] = str(error)
    return apps, unreadable


async def _engines(plane: ControlPlane, namespace: str) -> AsyncIterator[Engine]:
    for each in await controllers_of(plane, namespace):
        if each.role is not Role.GENERATOR:
            yield Engine(str(each), each.role is Role.ENGINE, each.replicas, each.account)


async def controllers_of(plane: ControlPlane, namespace: str) -> list[Controller]:
    """The workloads of a namespace that act on Applications."""
    found = []
    for kind in KINDS:
        path = f"/apis/apps/v1/namespaces/{quote(namespace, safe='')}/{kind.lower()}s"
        found += controllers(kind, await plane.objects(path))
    return found


@dataclass(frozen=True)
class _Rights:
    """Asks what an account may do; without one, what we may."""

    plane: ControlPlane
    account: str
    """``namespace:name`` of a service account."""
    plurals: Mapping[tuple[str, str], str]
    """The resource's name of each group and kind."""
    limit: asyncio.Semaphore

    async def lacking(self, held: _Held, *, everywhere: bool) -> Sequence[str]:
        """The verbs that may not be used on a kind of objects, in its namespace or in all."""
        resource = self.plurals.get((held.group, held.kind))
        place = {} if everywhere else {"namespace": held.namespace}
        about = {"group": held.group, "resource": resource or "", **place}
        return [verb for verb in _VERBS if resource and not await self._may({**about, "verb": verb})]

    async def _may(self, about: Mapping[str, str]) -> bool:
        async with self.limit:
            status = await self.plane.review(*self._question(about))
        return bool(status.get("allowed"))

    def _question(self, about: Mapping[str, str]) -> tuple[str, Body]:
        kind, who = "SelfSubjectAccessReview", {}
        if self.account:
            namespace = self.account.partition(":")[0]
            groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
            kind, who = (
                "SubjectAccessReview",
                {"user": f"system:serviceaccount:{self.account}", "groups": groups},
            )
        spec = {**who, "resourceAttributes": about}
        question = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
        return f"/apis/authorization.k8s.io/v1/{kind.lower()}s", question


async def _denied(
    plane: ControlPlane, apps: Sequence[Application], account: str
) -> Mapping[str, Collection[str]]:
    """
    What of the objects that Applications have the engine may not touch.

    The engine's account is that of its pod; without one in the cluster it is taken to be ours. Nothing is told where
    we may not ask. What is permitted in all namespaces is not asked for again in each.
    """
    held = _held(apps)
    rights = _Rights(plane, account, await _plurals(plane, held), asyncio.Semaphore(_PARALLEL))
    wide = {(each.group, each.kind): each for each in held}
    try:
        found = await asyncio.gather(*(rights.lacking(each, everywhere=True) for each in wide.values()))
        partly = {key for key, verbs in zip(wide, found, strict=True) if verbs}
        local = [each for each in held if (each.group, each.kind) in partly]
        verbs = await asyncio.gather(*(rights.lacking(each, everywhere=False) for each in local))
    except Refused:
        return {}
    return {str(each): missing for each, missing in zip(local, verbs, strict=True) if missing}


def _held(apps: Sequence[Application]) -> Sequence[_Held]:
    rows = (row for app in apps for row in app.status.resources)
    return list(dict.fromkeys(_Held(row.group, row.version, row.kind, row.namespace) for row in rows))


async def _plurals(plane: ControlPlane, held: Sequence[_Held]) -> Mapping[tuple[str, str], str]:
    """The name of the resource of each kind, as the API server serves it."""
    found: dict[tuple[str, str], str] = {}
    for group, version in dict.fromkeys((each.group, each.version) for each in held):
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        served = (await plane.document(path)).get("resources") or []
        found |= {(group, row["kind"]): row["name"] for row in served if "/" not in row["name"]}
    return found
