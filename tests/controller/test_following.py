"""Who is looked at because of what was heard."""

import asyncio
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

import pytest

from tiphys.controller.following import Following
from tiphys.controller.queue import Queue
from tiphys.model.objects import AppName, Key, Live
from tiphys.model.tracking import TIMELINE
from tiphys.reconcile.world import Memory, World

CHILD = Key("argoproj.io", "Application", "argocd", "shop")


@dataclass
class Heard:
    old: Live | None
    new: Live | None
    key: Key = CHILD
    applications: tuple[str, ...] = ("root",)


@dataclass
class Namespaced:
    """As much of a world as events ask of it."""

    memory: Memory
    namespace: str = "argocd"
    applications: Any = None


@pytest.fixture
def following() -> Following:
    return Following(cast("World", Namespaced(Memory())), Queue[AppName]())


def application(**annotations: str) -> Live:
    body: dict[str, Any] = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd", "annotations": annotations},
        "spec": {"project": "default"},
    }
    return Live(CHILD, deepcopy(body))


async def test_a_timeline_is_our_own_word_and_wakes_neither_the_application_nor_its_parent(
    following: Following,
):
    old, new = application(), application(**{TIMELINE: "{}"})
    assert not following.application(AppName("argocd", "shop"), old, new)
    following.changed(Heard(old, new))
    await asyncio.sleep(0)
    assert len(following.queue) == 0


async def test_an_annotation_of_somebody_else_is_looked_at(following: Following):
    old, new = application(), application(colour="red")
    assert following.application(AppName("argocd", "shop"), old, new)
    following.changed(Heard(old, new))
    assert len(following.queue) == 2


class Known:
    """Applications, by name alone."""

    def names(self) -> list[AppName]:
        return [AppName("argocd", "shop"), AppName("argocd", "blog")]


def config(**data: str) -> Live:
    key = Key("", "ConfigMap", "argocd", "argocd-cm")
    return Live(key, {"kind": "ConfigMap", "metadata": {"name": key.name}, "data": data})


@pytest.mark.parametrize(
    ("old", "new", "looked_at"),
    [
        (config(), config(url="x"), 2),
        (None, config(url="x"), 2),
        (config(url="x"), None, 2),
        (config(url="x"), config(url="x"), 0),
    ],
)
async def test_the_settings_of_all_applications_have_all_of_them_looked_at(
    old: Live | None, new: Live | None, looked_at: int
):
    world = Namespaced(Memory(), applications=Known())
    following = Following(cast("World", world), Queue[AppName]())
    following.changed(Heard(old, new, key=config().key, applications=()))
    assert len(following.queue) == looked_at
