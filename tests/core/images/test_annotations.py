"""What an Application's annotations ask to watch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.images.annotations import IMAGES, Watched, Watching
from tiphys.core.images.image_updater import LIST, PREFIX
from tiphys.core.images.policies import Order, Policy
from tiphys.core.images.watched import asks, watching
from tiphys.model.images import Platform, Repository

HOMEPAGE = Repository("ghcr.io", "example/homepage")
NGINX = Repository("docker.io", "library/nginx")


def ours(text: str) -> Watching:
    return watching({IMAGES: text})


def theirs(images: str, **more: str) -> Watching:
    """With ``__`` for a dot and ``_`` for a dash."""
    more = {"write_back_method": "git", **more}
    said = {PREFIX + key.replace("__", ".").replace("_", "-"): text for key, text in more.items()}
    return watching({LIST: images, **said})


def policy_of(found: Watching) -> Policy:
    assert not found.problems
    (one,) = found.images
    return one.policy


@pytest.mark.parametrize(
    ("line", "image"),
    [
        ("ghcr.io/example/homepage", Watched(HOMEPAGE)),
        ("nginx semver:1.x", Watched(NGINX, Policy(constraint="1.x"))),
        (
            "nginx semver:>=1.2,<2 ignore:*-rc*,*-beta",
            Watched(NGINX, Policy(constraint=">=1.2,<2", ignore=("*-rc*", "*-beta"))),
        ),
        (
            r"ghcr.io/example/homepage regexp:^main-(\d+)$ path:web.image.tag file:../values.yaml",
            Watched(HOMEPAGE, Policy(Order.REGEXP, allow=r"^main-(\d+)$"), "web.image.tag", "../values.yaml"),
        ),
        ("nginx digest", Watched(NGINX, Policy(Order.DIGEST, tag="latest"))),
        ("docker.io/nginx:1.27 digest", Watched(NGINX, Policy(Order.DIGEST, tag="1.27"))),
        (
            "nginx newest allow:^v platform:linux/arm64 secret:hub",
            Watched(
                NGINX, Policy(Order.NEWEST, allow="^v", platform=Platform("linux", "arm64")), secret="hub"
            ),
        ),
    ],
)
def test_a_line_names_an_image_and_its_policy(line: str, image: Watched):
    assert ours(line) == Watching([image], [])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nginx semvr:1.x", "did you mean semver?"),
        ("nginx sideways", "a policy is one of semver, newest, digest, regexp, alphabetical"),
        ("nginx:1.2", "or nginx semver:1.2"),
        ("nginx newest:1", "newest takes nothing after it"),
        ("nginx regexp", "regexp needs an expression"),
        ("nginx ignore:[a", "opens a bracket"),
        ("nginx platform:arm64", "write it like linux/arm64"),
        ("nginx path:", "needs something after its colon"),
        ("Nginx", "in small letters"),
        ("nginx@sha256:" + "a" * 64, "leave the digest away"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_hurts_no_other(line: str, why: str):
    found = ours(f"# the homepage\n{line}\n\nghcr.io/example/homepage semver:1.x")
    assert [one.repository for one in found.images] == [HOMEPAGE]
    (problem,) = found.problems
    assert problem.startswith("tiphys.dev/images, line 2: ")
    assert why in problem


def test_image_updaters_annotations_mean_the_same():
    found = theirs(
        "web=ghcr.io/example/homepage:~1.2, nginx",
        web__update_strategy="semver",
        web__helm__image_tag="deployment.image.tag",
        web__ignore_tags="latest, *-rc*",
        web__pull_secret="pullsecret:argocd/ghcr",
        update_strategy="newest-build",
        allow_tags="regexp:^v",
        git_branch="main",
    )
    assert found == Watching(
        [
            Watched(
                HOMEPAGE,
                Policy(constraint="~1.2", allow="^v", ignore=("latest", "*-rc*")),
                "deployment.image.tag",
                secret="ghcr",
                namespace="argocd",
            ),
            Watched(NGINX, Policy(Order.NEWEST, allow="^v")),
        ],
        [],
        "main",
    )


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        ("semver", Order.SEMVER),
        ("latest", Order.NEWEST),
        ("newest-build", Order.NEWEST),
        ("name", Order.ALPHABETICAL),
        ("alphabetical", Order.ALPHABETICAL),
        ("digest", Order.DIGEST),
    ],
)
def test_the_strategies_go_by_their_old_names_too(strategy: str, order: Order):
    assert policy_of(theirs("a=nginx", a__update_strategy=strategy)).order == order


def test_a_digest_follows_the_tag_of_the_list():
    assert policy_of(theirs("a=nginx:stable", a__update_strategy="digest")).tag == "stable"


@pytest.mark.parametrize(
    ("target", "file"),
    [
        ("helmvalues", ""),
        ("helmvalues:values-prod.yaml", "values-prod.yaml"),
        ("helmvalues:/charts/web/values.yaml", "/charts/web/values.yaml"),
        ("kustomization", "kustomization.yaml"),
        ("kustomization:../base", "../base/kustomization.yaml"),
    ],
)
def test_the_write_back_target_is_the_file(target: str, file: str):
    assert [one.file for one in theirs("nginx", write_back_target=target).images] == [file]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"a__update_strategy": "semvr"}, "update-strategy 'semvr' is none of semver, newest-build"),
        ({"a__allow_tags": "^v"}, "allow-tags '^v' must be any, or regexp:"),
        ({"a__pull_secret": "ext:/bin/login"}, "pull-secret ext: is not taken"),
        ({"git_repository": "https://git.example.com/other.git"}, "only the repository"),
        ({"git_branch": "main:images"}, "commits go to one branch"),
        ({"write_back_target": "argocd"}, "is none of helmvalues, kustomization"),
    ],
)
def test_what_means_nothing_here_is_told_and_the_image_left_alone(more: dict[str, str], why: str):
    found = theirs("a=nginx", **more)
    assert not found.images
    assert [why in problem for problem in found.problems] == [True]


def test_a_misspelt_annotation_is_told():
    found = theirs("a=nginx", a__helm__imagetag="image.tag")
    assert found.problems == [f"{PREFIX}a.helm.imagetag is not known, and has no effect"]
    assert found.images


@pytest.mark.parametrize("method", ["", "argocd"])
def test_what_is_to_be_a_parameter_is_left_to_image_updater(method: str):
    annotations = {LIST: "nginx", f"{PREFIX}write-back-method": method}
    assert not asks(annotations)
    assert watching(annotations) == Watching()


def test_without_an_annotation_nothing_is_watched():
    assert not asks({"tiphys.dev/other": "x"})
    assert watching({}) == Watching()


@given(st.text() | st.lists(st.sampled_from([*":=/@\n,*[ a", "nginx", "semver", "ignore"])).map("".join))
def test_any_text_is_read_or_told(text: str):
    for found in (ours(text), theirs(text, update_strategy=text), theirs("a=nginx", a__allow_tags=text)):
        assert all(isinstance(problem, str) for problem in found.problems)
