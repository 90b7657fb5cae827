"""Tracking ids, as Argo CD writes and reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.model.objects import AppName, Key, Live, Manifest
from tiphys.model.tracking import (
    TRACKING_ID,
    TrackingId,
    instance_name,
    parse_tracking_id,
    tracked_by,
    with_tracking,
)

WEB = Key("apps", "Deployment", "shop", "web")
words = st.text("ab-.", min_size=1)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (WEB, "app:apps/Deployment:shop/web"),
        (Key("", "Service", "shop", "web"), "app:/Service:shop/web"),
        (
            Key("rbac.authorization.k8s.io", "ClusterRole", "dest", "system:web"),
            "app:rbac.authorization.k8s.io/ClusterRole:dest/system:web",
        ),
    ],
)
def test_an_id_names_the_application_and_the_object(key: Key, text: str):
    assert str(TrackingId("app", key)) == text
    assert parse_tracking_id(text) == TrackingId("app", key)


@given(words, st.builds(Key, words, words, words, words))
def test_what_is_written_reads_the_same(application: str, key: Key):
    assert parse_tracking_id(str(TrackingId(application, key))) == TrackingId(application, key)


@pytest.mark.parametrize(
    "text", ["", "app", "app:apps/Deployment", "app:Deployment:shop/web", "a:b/c/d:e/f", "a:b/c:d"]
)
def test_anything_else_is_no_id(text: str):
    assert parse_tracking_id(text) is None


def test_an_application_elsewhere_is_known_by_its_namespace_too():
    assert instance_name(AppName("argocd", "web"), "argocd") == "web"
    assert instance_name(AppName("team", "web"), "argocd") == "team_web"


def test_marking_a_manifest_keeps_what_it_says():
    body = {"metadata": {"name": "web", "annotations": {"a": "x"}}}
    marked = with_tracking(Manifest(WEB, body, "web.yaml"), "app", "elsewhere")
    assert marked.annotations == {"a": "x", TRACKING_ID: "app:apps/Deployment:shop/web"}
    assert body == {"metadata": {"name": "web", "annotations": {"a": "x"}}}
    assert marked.file == "web.yaml"


def test_a_cluster_wide_object_is_marked_with_the_destinations_namespace():
    key = Key("", "Namespace", "", "shop")
    marked = with_tracking(Manifest(key, {}), "app", "dest")
    assert marked.annotations[TRACKING_ID] == "app:/Namespace:dest/shop"
    assert tracked_by(Live(key, marked.body)) == TrackingId("app", key._replace(namespace="dest"))


def test_a_copied_id_tracks_nothing():
    annotations = {TRACKING_ID: "app:apps/Deployment:shop/web"}
    assert tracked_by(Live(WEB, {"metadata": {"annotations": annotations}}))
    assert tracked_by(Live(WEB._replace(name="copy"), {"metadata": {"annotations": annotations}})) is None
