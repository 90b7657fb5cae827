"""What a project permits, rule by rule."""

from typing import Any

import pytest

from tiphys.core.projects import default_project, permits
from tiphys.model.api import ApplicationSource, AppProject
from tiphys.model.api.codec import decode_project, encode
from tiphys.model.api.meta import ObjectMeta
from tiphys.model.api.project import ClusterResource, GroupKind, ProjectSpec, SignatureKey
from tiphys.model.api.spec import Destination
from tiphys.model.objects import Key

HERE = Destination(server="https://kubernetes.default.svc", namespace="shop")
WEB = Key("apps", "Deployment", "shop", "web")
NAMESPACE = Key("", "Namespace", "", "shop")


def project(**spec: Any) -> AppProject:
    return AppProject(metadata=ObjectMeta(name="team", namespace="argocd"), spec=ProjectSpec(**spec))


def to(**fields: str) -> Destination:
    return Destination(**{"server": "*", "namespace": "*"} | fields)


def test_the_default_project_permits_everything():
    default = default_project("argocd")
    assert permits.application(default, "argocd") is None
    assert permits.source(default, ApplicationSource(repo_url="https://git/any/where")) is None
    assert permits.destination(default, HERE) is None
    assert permits.target(default, HERE, WEB, namespaced=True) is None
    assert permits.target(default, HERE, NAMESPACE, namespaced=False) is None


def test_the_default_project_can_be_written_and_read():
    default = default_project("argocd")
    assert decode_project(encode(default)) == default
    assert default.metadata.name == "default"


def test_a_project_that_says_nothing_permits_nothing_but_namespaced_kinds():
    empty = project()
    assert permits.repository(empty, "https://git/web")
    assert permits.destination(empty, HERE)
    assert permits.target(empty, HERE, NAMESPACE, namespaced=False)
    assert permits.target(project(destinations=(to(),)), HERE, WEB, namespaced=True) is None


@pytest.mark.parametrize(
    ("rules", "url", "permitted"),
    [
        (("*",), "https://git/org/web.git", True),
        (("https://git/org/web",), "https://GIT/org/web.git", True),
        (("https://git/org/web.git",), "https://git/org/web", True),
        (("https://git/org/*",), "https://git/org/web", True),
        (("https://git/org/*",), "https://git/org/group/web", False),
        (("https://git/org/**",), "https://git/org/group/web", True),
        (("git@git:org/web",), "ssh://git@git/org/web.git", True),
        (("*", "!https://git/secret"), "https://git/secret.git", False),
        (("*", "!https://git/secret/**"), "https://git/web", True),
        (("!https://git/secret",), "https://git/web", False),
        (("*", "!https://git/["), "https://git/web", False),
        (("https://git/[",), "https://git/web", False),
        ((), "https://git/web", False),
    ],
)
def test_a_source_needs_a_rule_that_allows_and_none_that_denies(
    rules: tuple[str, ...], url: str, permitted: bool
):
    assert (permits.repository(project(source_repos=rules), url) is None) is permitted


def test_a_refusal_names_the_rule_and_no_credentials():
    refusal = permits.repository(project(source_repos=("*", "!**/secret")), "https://me:pw@git/secret")
    assert refusal == (
        "project team does not permit the source https://git/secret: see its spec.sourceRepos; "
        "its rule '!**/secret' denies it"
    )


@pytest.mark.parametrize(
    ("rules", "wanted", "permitted"),
    [
        ([to()], HERE, True),
        ([to(server="https://kubernetes.default.svc", namespace="shop")], HERE, True),
        ([to(namespace="shop-*")], HERE, False),
        ([to(server="https://other")], HERE, False),
        ([Destination(name="in-cluster", namespace="shop")], HERE, True),
        ([to(server="https://kubernetes.default.svc")], Destination(name="in-cluster", namespace="a"), True),
        ([Destination(name="prod", namespace="*")], Destination(name="prod", namespace="a"), True),
        ([Destination(namespace="*")], HERE, False),
        ([to(), to(namespace="!kube-*")], to(server=HERE.server, namespace="kube-system"), False),
        ([to(), to(namespace="!kube-*")], HERE, True),
        ([to(), to(server="!https://prod*")], to(server="https://prod-1", namespace="a"), False),
        (
            [to(), to(server="!https://prod*", namespace="a")],
            to(server="https://prod-1", namespace="b"),
            True,
        ),
        (
            [to(), to(server="!https://prod", namespace="!kube-*")],
            to(server="https://prod", namespace="a"),
            False,
        ),
        (
            [to(), to(server="!https://prod", namespace="!kube-*")],
            to(server="https://x", namespace="kube-a"),
            False,
        ),
        ([to(namespace="!kube-system")], HERE, False),
    ],
)
def test_a_destination_needs_a_rule_that_allows_and_none_that_denies(
    rules: list[Destination], wanted: Destination, permitted: bool
):
    assert (permits.destination(project(destinations=tuple(rules)), wanted) is None) is permitted


@pytest.mark.parametrize(
    ("lists", "permitted"),
    [
        ({}, True),
        ({"namespace_resource_whitelist": ()}, False),
        ({"namespace_resource_whitelist": (GroupKind(group="apps", kind="*"),)}, True),
        ({"namespace_resource_whitelist": (GroupKind(group="", kind="*"),)}, False),
        ({"namespace_resource_blacklist": (GroupKind(group="apps", kind="Deploy*"),)}, False),
        ({"namespace_resource_blacklist": (GroupKind(group="batch", kind="*"),)}, True),
        (
            {
                "namespace_resource_whitelist": (GroupKind(group="*", kind="*"),),
                "namespace_resource_blacklist": (GroupKind(group="*", kind="Deployment"),),
            },
            False,
        ),
    ],
)
def test_namespaced_kinds_are_permitted_unless_a_list_says_otherwise(lists: dict[str, Any], permitted: bool):
    found = permits.target(project(destinations=(to(),), **lists), HERE, WEB, namespaced=True)
    assert (found is None) is permitted


@pytest.mark.parametrize(
    ("lists", "permitted"),
    [
        ({}, False),
        ({"cluster_resource_whitelist": (ClusterResource(group="", kind="Namespace"),)}, True),
        ({"cluster_resource_whitelist": (ClusterResource(group="", kind="Namespace", name="shop*"),)}, True),
        ({"cluster_resource_whitelist": (ClusterResource(group="", kind="Namespace", name="bank*"),)}, False),
        (
            {
                "cluster_resource_whitelist": (ClusterResource(group="*", kind="*"),),
                "cluster_resource_blacklist": (ClusterResource(group="", kind="Namespace"),),
            },
            False,
        ),
    ],
)
def test_cluster_wide_kinds_are_permitted_only_by_a_rule(lists: dict[str, Any], permitted: bool):
    assert (permits.target(project(**lists), HERE, NAMESPACE, namespaced=False) is None) is permitted


def test_an_object_must_go_where_the_project_may():
    strict = project(destinations=(to(namespace="shop"),))
    assert permits.target(strict, HERE, WEB, namespaced=True) is None
    assert permits.target(strict, HERE, WEB._replace(namespace="bank"), namespaced=True)


def test_applications_live_beside_the_project_or_where_it_says():
    guests = project(source_namespaces=("team-*",))
    assert permits.application(guests, "argocd") is None
    assert permits.application(guests, "team-a") is None
    assert permits.application(guests, "stranger")


def test_what_cannot_be_checked_yet_is_refused():
    signed = project(source_repos=("*",), signature_keys=(SignatureKey(key_id="4AEE18F83AFDEB23"),))
    scoped = project(destinations=(to(),), permit_only_project_scoped_clusters=True)
    assert "cannot be checked yet" in str(permits.repository(signed, "https://git/web"))
    assert "not known yet" in str(permits.destination(scoped, HERE))
