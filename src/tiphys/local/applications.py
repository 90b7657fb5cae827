"""The applications of a platform, by its API server: how they are, and that the engine look at them anew."""

import asyncio
from collections.abc import AsyncIterator

import orjson

from tiphys.local.looks import REFRESH, Look, Looks, look_at
from tiphys.model.api import decode_application
from tiphys.model.errors import SpecError, Unavailable
from tiphys.wiring.connecting import Calls

GROUP = "/apis/argoproj.io/v1alpha1"
WATCH_FOR = 300
AGAIN_AFTER = 0.3


async def known(api: Calls) -> bool:
    """
    Whether the API server knows Applications; the engine teaches it at its first start.

    Asked of the group's discovery as well as of the list: that is what Helm goes by, and it comes a moment later.
    """
    if (await api.call("GET", f"{GROUP}/applications", {"limit": "1"})).code != 200:
        return False
    groups = orjson.loads((await api.call("GET", "/apis")).body)["groups"]
    if not any(group["name"] == GROUP.split("/")[2] for group in groups):
        return False
    served = await api.call("GET", GROUP)
    return served.code == 200 and any(
        each["kind"] == "Application" for each in orjson.loads(served.body)["resources"]
    )


async def ask_anew(api: Calls, namespace: str) -> None:
    """Ask the engine to look at every application: what stands in their status may be from before a stop."""
    path = f"{GROUP}/namespaces/{namespace}/applications"
    patch = orjson.dumps({"metadata": {"annotations": {REFRESH: "normal"}}})
    for item in orjson.loads((await api.call("GET", path)).body)["items"]:
        await api.call(
            "PATCH", f"{path}/{item['metadata']['name']}", {}, patch, "application/merge-patch+json"
        )


async def watch(api: Calls, namespace: str) -> AsyncIterator[Looks]:
    """All applications of a namespace, now and after each change. Goes on when a watch breaks."""
    path = f"{GROUP}/namespaces/{namespace}/applications"
    while True:
        try:
            async for looks in _until_it_breaks(api, path):
                yield looks
        except Unavailable:
            await asyncio.sleep(AGAIN_AFTER)


async def _until_it_breaks(api: Calls, path: str) -> AsyncIterator[Looks]:
    listed = orjson.loads((await api.call("GET", path)).body)
    looks = {look.name: look for look in (_look(item) for item in listed["items"])}
    yield looks
    since = {"watch": "true", "resourceVersion": listed["metadata"]["resourceVersion"]}
    query = {**since, "timeoutSeconds": str(WATCH_FOR)}
    async with api.follow(path, query, WATCH_FOR + 30) as lines:
        async for batch in lines.batches():
            for event in (orjson.loads(line) for line in batch if line):
                if event["type"] == "ERROR":
                    return
                look = _look(event["object"])
                looks = {**looks, look.name: look}
                if event["type"] == "DELETED":
                    del looks[look.name]
            yield looks


def _look(item: dict[str, object]) -> Look:
    try:
        return look_at(decode_application(orjson.dumps(item)))
    except SpecError as error:
        metadata = item["metadata"]
        name = metadata["name"] if isinstance(metadata, dict) else "?"
        return Look(str(name), message=str(error), trouble=str(error))
