"""
What does not count in any application: Argo CD's settings of comparisons, from the ConfigMap ``argocd-cm``.

Argo CD's page on diff customisation defines them. What cannot be read is told, and hurts no other setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from tiphys.core.diff.ignore import malformed
from tiphys.core.diff.pointers import Json
from tiphys.model.api import IgnoreDifference
from tiphys.model.objects import Kind

_CUSTOMS = "resource.customizations"
_IGNORED = f"{_CUSTOMS}.ignoreDifferences."
_OPTIONS = "resource.compareoptions"
_DEFINITION = Kind("apiextensions.k8s.io", "CustomResourceDefinition")
_EVERY = Kind("*", "*")

ALL, CRD, NONE = "all", "crd", "none"
_STATUS = {ALL: ALL, CRD: CRD, NONE: NONE, "off": NONE, "false": NONE}
"""What ``ignoreResourceStatusField`` may say. YAML takes a bare ``off`` for false."""


@dataclass(frozen=True)
class SystemRules:
    """The settings, and what is wrong with them in sentences for a condition."""

    rules: tuple[IgnoreDifference, ...] = ()
    status: str = ALL
    """Whose ``status`` does not count: of ``all`` objects, of a ``crd`` alone, or of ``none``."""
    aggregated_roles: bool = False
    """Whether the rules of an aggregated ClusterRole do not count."""
    problems: tuple[str, ...] = ()

    def hides_status(self, kind: Kind) -> bool:
        """Whether the status of objects of a kind does not count."""
        return self.status == ALL or (self.status == CRD and kind == _DEFINITION)


UNSET: Final = SystemRules()
"""The defaults of Argo CD."""


@dataclass
class _Reading:
    rules: list[IgnoreDifference] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def texts(data: Mapping[str, Json]) -> dict[str, str]:
    """The settings that are of interest here, each a text of YAML, by their key."""
    known = (_CUSTOMS, _OPTIONS)
    return {
        key: text
        for key, text in data.items()
        if isinstance(text, str) and text.strip() and (key in known or key.startswith(_IGNORED))
    }


def nested(documents: Mapping[str, Json]) -> dict[str, str]:
    """The texts of YAML that the old form of the settings has inside, by the keys that the new form would have."""
    legacy = documents.get(_CUSTOMS)
    if not isinstance(legacy, Mapping):
        return {}
    said = {kind: each.get("ignoreDifferences") for kind, each in legacy.items() if isinstance(each, Mapping)}
    return {f"{_IGNORED}{kind}": text for kind, text in said.items() if isinstance(text, str)}


def system_rules(documents: Mapping[str, Json], problems: tuple[str, ...] = ()) -> SystemRules:
    """The settings of these documents by key, after what was wrong before with the texts."""
    found = _Reading(problems=list(problems))
    for key, document in sorted(documents.items()):
        if key == _CUSTOMS and not isinstance(document, Mapping):
            found.problems.append(f"{key} is no mapping of kinds; it is not used")
        elif key.startswith(_IGNORED):
            _take(key, document, found)
    told = replace(UNSET, rules=tuple(found.rules))
    options = documents.get(_OPTIONS)
    if isinstance(options, Mapping):
        told = _with_options(told, options, found)
    elif options is not None:
        found.problems.append(f"{_OPTIONS} is no mapping; it is not used")
    return replace(told, problems=tuple(f"argocd-cm: {each}" for each in found.problems))


def _take(key: str, document: Json, found: _Reading) -> None:
    """A rule of one kind, as far as it can be read."""
    kind = _kind(key.removeprefix(_IGNORED))
    if kind is None or not isinstance(document, Mapping):
        why = "names no kind: write group_Kind, or all" if kind is None else "has no jsonPointers or the like"
        found.problems.append(f"{key} {why}; it is not used")
        return
    lists = {
        name: document.get(name) or []
        for name in ("jsonPointers", "jqPathExpressions", "managedFieldsManagers")
    }
    if wrong := [name for name, each in lists.items() if not _is_texts(each)]:
        found.problems.append(f"{key}: {', '.join(wrong)} must be a list of texts; the rule is not used")
        return
    pointers, expressions, managers = (tuple(each) for each in lists.values())
    rule = IgnoreDifference(
        group=kind.group,
        kind=kind.kind,
        json_pointers=pointers,
        jq_path_expressions=expressions,
        managed_fields_managers=managers,
    )
    found.problems += (f"{key}: {sentence.partition('): ')[2]}" for sentence in malformed([rule]))
    found.rules.append(rule)


def _kind(text: str) -> Kind | None:
    """``apps_Deployment``, ``Pod`` and ``all`` of the new form; ``apps/Deployment``, ``*/*`` of the old one."""
    if text == "all":
        return _EVERY
    parts = text.split("/" if "/" in text else "_")
    match parts:
        case [kind] if kind:
            return Kind("", kind)
        case [group, kind] if kind:
            return Kind(group, kind)
    return None


def _with_options(told: SystemRules, options: Mapping[str, Json], found: _Reading) -> SystemRules:
    asked = options.get("ignoreResourceStatusField")
    status = ALL if asked is None else _STATUS.get(str(asked).lower() or ALL)
    if status is None:
        found.problems.append(
            f"ignoreResourceStatusField: {asked!r} is none of {', '.join(_STATUS)}; all is taken"
        )
    gathered = options.get("ignoreAggregatedRoles") or False
    if not isinstance(gathered, bool):
        found.problems.append(
            f"ignoreAggregatedRoles: {gathered!r} is neither true nor false; false is taken"
        )
    return replace(told, status=status or ALL, aggregated_roles=gathered is True)


def _is_texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
