"""
The annotations of argocd-image-updater, as far as they mean something here.

What is misspelt or cannot be done is told; an image of which that is said is left alone, where theirs would take
another policy instead.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from tiphys.core.images.annotations import (
    MOST_IMAGES,
    Watched,
    Watching,
    checked,
    globs_of,
    ordered,
    platform_of,
)
from tiphys.core.images.names import repository
from tiphys.core.images.policies import Order, Policy
from tiphys.model.errors import SpecError

PREFIX = "argocd-image-updater.argoproj.io/"
LIST = f"{PREFIX}image-list"
_STRATEGIES = {
    "semver": Order.SEMVER,
    "newest-build": Order.NEWEST,
    "latest": Order.NEWEST,
    "digest": Order.DIGEST,
    "alphabetical": Order.ALPHABETICAL,
    "name": Order.ALPHABETICAL,
}
_OF_AN_IMAGE = (
    "update-strategy",
    "allow-tags",
    "ignore-tags",
    "platforms",
    "pull-secret",
    "force-update",
    "helm.image-name",
    "helm.image-tag",
    "helm.image-spec",
    "kustomize.image-name",
)
_OF_ALL = ("image-list", "write-back-method", "write-back-target", "git-branch", "git-repository")
_TARGETS = {"helmvalues": "", "kustomization": "kustomization.yaml"}
_ENTRY = re.compile(r"(?:(?P<alias>[^=:@]+)=)?(?P<name>[^@\s]+?)(?::(?P<version>[^/\s]+))?")


def meant(annotations: Mapping[str, str]) -> bool:
    """
    Whether the images are to be committed to Git.

    Otherwise, as by default, they are parameters of the Application, which argocd-image-updater goes on to write.
    """
    return LIST in annotations and annotations.get(f"{PREFIX}write-back-method", "").strip().startswith("git")


def theirs(annotations: Mapping[str, str]) -> Watching:
    """What these annotations ask for; nothing where no images are to be committed."""
    if not meant(annotations):
        return Watching()
    said = {key.removeprefix(PREFIX): text for key, text in annotations.items() if key.startswith(PREFIX)}
    problems = [f"{PREFIX}{key} is not known, and has no effect" for key in sorted(said) if not _known(key)]
    images = list[Watched]()
    try:
        file, branch = _target(said), _branch(said)
    except SpecError as error:
        return Watching((), [*problems, str(error)])
    entries = [entry.strip() for entry in re.split(r"[,\n]", said["image-list"]) if entry.strip()]
    for entry in entries[:MOST_IMAGES]:
        try:
            images.append(replace(_image(entry, said), file=file))
        except SpecError as error:
            problems.append(f"{LIST}: {entry}: {error}")
    return Watching(images, problems, branch)


def _known(key: str) -> bool:
    return key in _OF_ALL or any(key == word or key.endswith(f".{word}") for word in _OF_AN_IMAGE)


def _image(entry: str, said: Mapping[str, str]) -> Watched:
    found = _ENTRY.fullmatch(entry)
    if not found:
        raise SpecError("write it like alias=ghcr.io/example/homepage:~1.2")
    # An annotation's key has no room for a slash.
    alias = (found["alias"] or "").strip().replace("/", "_")

    def of(word: str) -> str:
        return (said.get(f"{alias}.{word}", "") if alias else "") or said.get(word, "")

    policy = _policy(found["version"] or "", of("update-strategy") or "semver")
    policy = replace(policy, allow=_allowed(of("allow-tags")), ignore=globs_of(of("ignore-tags")))
    if platforms := globs_of(of("platforms")):
        policy = replace(policy, platform=platform_of(platforms[0]))
    namespace, secret = _secret(of("pull-secret"))
    place = of("helm.image-spec") or of("helm.image-tag")
    policy = checked(policy, found["name"])
    return Watched(repository(found["name"]), policy, place.strip(), secret=secret, namespace=namespace)


def _policy(version: str, strategy: str) -> Policy:
    order = _STRATEGIES.get(strategy.strip())
    if order is None:
        raise SpecError(f"update-strategy {strategy!r} is none of {', '.join(_STRATEGIES)}")
    match order:
        case Order.SEMVER:
            return ordered(Policy(), order, version)
        case Order.DIGEST:
            return Policy(order, tag=version)
    return Policy(order)


def _allowed(text: str) -> str:
    kind, _, expression = text.strip().partition(":")
    if kind in ("", "any"):
        return ""
    if kind != "regexp" or not expression:
        raise SpecError(f"allow-tags {text!r} must be any, or regexp: and an expression")
    return expression


def _secret(text: str) -> tuple[str, str]:
    """Namespace and name of a pull secret."""
    kind, _, rest = text.strip().partition(":")
    namespace, slash, name = rest.partition("/")
    if not text.strip():
        return "", ""
    if kind != "pullsecret" or not (name if slash else namespace):
        raise SpecError(
            f"pull-secret {kind}: is not taken; name a docker config as pullsecret:NAMESPACE/NAME"
        )
    return (namespace, name) if slash else ("", namespace)


def _target(said: Mapping[str, str]) -> str:
    """The file that a write-back target names."""
    if said.get("git-repository"):
        raise SpecError(
            f"{PREFIX}git-repository: only the repository that the Application is from is written"
        )
    kind, _, path = said.get("write-back-target", "helmvalues").strip().partition(":")
    if kind not in _TARGETS:
        raise SpecError(f"{PREFIX}write-back-target {kind!r} is none of {', '.join(_TARGETS)}")
    name = _TARGETS[kind]
    return f"{path.rstrip('/')}/{name}" if path and name else path or name


def _branch(said: Mapping[str, str]) -> str:
    branch = said.get("git-branch", "").strip()
    if ":" in branch or "{{" in branch:
        raise SpecError(f"{PREFIX}git-branch {branch!r}: commits go to one branch, the one that is followed")
    return branch
