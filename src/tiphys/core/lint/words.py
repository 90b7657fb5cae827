"""
Words of Applications and their objects that nobody knows: misspelt finalizers, options, hooks, waves, annotations.

Argo CD takes no notice of them, so what was meant is silently left out. A misspelt finalizer shows late: the
application's objects stay when it is deleted, and the Application itself never goes, since nobody removes a
finalizer that is not theirs.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches

FINALIZERS = tuple(
    f"{name}{suffix}"
    for name in (
        "resources-finalizer.argocd.argoproj.io",
        "pre-delete-finalizer.argocd.argoproj.io",
        "post-delete-finalizer.argocd.argoproj.io",
    )
    for suffix in ("", "/foreground", "/background", "/cleanup")
)
"""Those that Argo CD documents."""

_SWITCH = ("true", "false")
SYNC_OPTIONS: Mapping[str, Collection[str]] = {
    "ApplyOutOfSyncOnly": _SWITCH,
    "ClientSideApplyMigration": _SWITCH,
    "CreateNamespace": _SWITCH,
    "Delete": (*_SWITCH, "confirm"),
    "FailOnSharedResource": _SWITCH,
    "Force": _SWITCH,
    "Prune": (*_SWITCH, "confirm"),
    "PruneLast": _SWITCH,
    "PrunePropagationPolicy": ("foreground", "background", "orphan"),
    "Replace": _SWITCH,
    "RespectIgnoreDifferences": _SWITCH,
    "ServerSideApply": _SWITCH,
    "SkipDryRunOnMissingResource": _SWITCH,
    "Validate": _SWITCH,
}
"""Those of Argo CD's page on sync options, with their values."""

COMPARE_OPTIONS: Mapping[str, Collection[str]] = {
    "IgnoreExtraneous": ("",),
    "IncludeMutationWebhook": _SWITCH,
    "ServerSideDiff": _SWITCH,
}
HOOKS = ("PreSync", "Sync", "Skip", "PostSync", "SyncFail", "PreDelete", "PostDelete")
DELETE_POLICIES = ("HookSucceeded", "HookFailed", "BeforeHookCreation")
PREFIX = "argocd.argoproj.io/"
ANNOTATIONS = (
    *(
        "application-set-refresh",
        "client-side-apply-migration-manager",
        "compare-options",
        "deletion-approved",
    ),
    *(
        "hook",
        "hook-delete-policy",
        "hook-finalizer",
        "hydrate",
        "ignore-healthcheck",
        "ignore-resource-updates",
    ),
    *("ignore-restart-policy", "installation-id", "managed-by-url", "manifest-generate-paths"),
    *("refresh", "refresh-timestamp", "skip-reconcile", "sync-options", "sync-wave", "tracking-id"),
)
"""What may follow the prefix, by Argo CD's page on annotations and labels."""

_NEAR = 0.8
"""The share of equal letters from which a word is taken for another one misspelt."""


def odd_finalizers(finalizers: Iterable[str]) -> Iterator[str]:
    """Sentences about the finalizers that are near to a known one and are none; others' finalizers are theirs."""
    for finalizer in finalizers:
        if finalizer not in FINALIZERS and (meant := _near(finalizer, FINALIZERS)):
            yield (
                f"metadata.finalizers: nobody knows {finalizer!r}, so it does nothing but keep the Application from "
                f"being deleted; did you mean {meant!r}?"
            )


def odd_options(words: Iterable[str], known: Mapping[str, Collection[str]] = SYNC_OPTIONS) -> Iterator[str]:
    """Sentences about options, written ``Name=value``, that nobody knows or whose value nobody knows."""
    for word in filter(None, map(str.strip, words)):
        name, _, value = (part.strip() for part in word.partition("="))
        if name not in known:
            meant = _near(name, known)
            yield f"nobody knows the option {word!r}" + (f"; did you mean {meant!r}?" if meant else "")
        elif value not in known[name]:
            yield f"the option {word!r} has no effect: write {' or '.join(_written(name, known[name]))}"


def odd_annotations(annotations: Mapping[str, str]) -> Iterator[str]:
    """Sentences about Argo CD's annotations of an object that nobody knows, or whose value nobody knows."""
    for name, value in annotations.items():
        if name.startswith(PREFIX):
            key = name.removeprefix(PREFIX)
            for sentence in _odd_value(key, value):
                yield f"{name}: {sentence}"
        elif (meant := _misspelt_prefix(name)) and meant != name:
            yield f"nobody knows the annotation {name!r}; did you mean {meant!r}?"


def _odd_value(key: str, value: str) -> Iterator[str]:
    words = [word.strip() for word in value.split(",")]
    if key not in ANNOTATIONS:
        meant = _near(key, ANNOTATIONS)
        yield "nobody knows this annotation" + (f"; did you mean {PREFIX + meant!r}?" if meant else "")
    elif key == "sync-options":
        yield from odd_options(words)
    elif key == "compare-options":
        yield from odd_options(words, COMPARE_OPTIONS)
    elif key == "sync-wave" and not _is_whole(value):
        yield f"{value!r} is no whole number, so it counts as 0"
    elif key in ("hook", "hook-delete-policy"):
        yield from _odd_words(words, HOOKS if key == "hook" else DELETE_POLICIES)
    elif key == "refresh" and value not in ("normal", "hard"):
        yield f"{value!r} is read as normal; write normal or hard"


def _odd_words(words: Iterable[str], known: Collection[str]) -> Iterator[str]:
    for word in words:
        if word not in known:
            yield f"nobody knows {word!r}; it is one of {', '.join(known)}"


def _misspelt_prefix(name: str) -> str:
    """The annotation that is meant where the name before the slash is nearly ours and the rest is one of ours."""
    before, slash, key = name.partition("/")
    return PREFIX + key if slash and key in ANNOTATIONS and _near(f"{before}/", (PREFIX,)) else ""


def _written(name: str, values: Iterable[str]) -> Iterator[str]:
    return (f"{name}={value}" if value else name for value in values)


def _is_whole(value: str) -> bool:
    try:
        return bool(str(int(value.strip())))
    except ValueError:
        return False


def _near(word: str, known: Iterable[str]) -> str:
    return next(iter(get_close_matches(word, list(known), 1, _NEAR)), "")
