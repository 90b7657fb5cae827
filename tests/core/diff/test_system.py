"""The settings of ``argocd-cm`` that hold for all applications."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.diff.ignore import Rules, rules_for
from tiphys.core.diff.system import UNSET, SystemRules, nested, system_rules, texts
from tiphys.model.objects import Key, Kind

WEB = Key("apps", "Deployment", "shop", "web")
POD = Key("", "Pod", "shop", "web")
DEFINITION = Kind("apiextensions.k8s.io", "CustomResourceDefinition")
IGNORED = "resource.customizations.ignoreDifferences."


def ignored(settings: SystemRules, key: Key = WEB) -> Rules:
    return rules_for(key, settings.rules)


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("apps_Deployment", [WEB]),
        ("all", [WEB, POD]),
        ("Pod", [POD]),
        ("_Pod", [POD]),
        ("apps_StatefulSet", []),
        ("*/*", [WEB, POD]),
        ("*/Deployment", [WEB]),
        ("apps/Deploy*", [WEB]),
    ],
)
def test_a_setting_means_the_kind_that_its_name_tells(name: str, means: list[Key]):
    settings = system_rules({IGNORED + name: {"jsonPointers": ["/spec/a"]}})
    assert settings.problems == ()
    assert [key for key in (WEB, POD) if ignored(settings, key)] == means


def test_a_setting_has_pointers_jq_and_managers():
    document = {"jsonPointers": ["/a"], "jqPathExpressions": [".b"], "managedFieldsManagers": ["kcm"]}
    assert ignored(system_rules({IGNORED + "all": document})) == Rules((("a",),), (".b",), ("kcm",))


def test_the_old_form_has_them_inside():
    old = {"apps/Deployment": {"ignoreDifferences": "text", "health.lua": "hs"}, "v1/Odd": None}
    assert nested({"resource.customizations": old}) == {IGNORED + "apps/Deployment": "text"}


@pytest.mark.parametrize(
    ("said", "whose"),
    [
        (None, (True, True)),
        ("all", (True, True)),
        ("crd", (True, False)),
        ("none", (False, False)),
        ("off", (False, False)),
        (False, (False, False)),
    ],
)
def test_whose_status_does_not_count(said: object, whose: tuple[bool, bool]):
    settings = system_rules({"resource.compareoptions": {"ignoreResourceStatusField": said}})
    assert settings.problems == ()
    assert (settings.hides_status(DEFINITION), settings.hides_status(WEB.of)) == whose


@pytest.mark.parametrize(
    ("key", "document", "told"),
    [
        (IGNORED + "a_b_c", {"jsonPointers": ["/a"]}, "names no kind"),
        (IGNORED + "apps_Deployment", "text", "has no jsonPointers"),
        (IGNORED + "apps_Deployment", {"jsonPointers": "/a"}, "jsonPointers must be a list of texts"),
        (
            IGNORED + "apps_Deployment",
            {"jqPathExpressions": [1]},
            "jqPathExpressions must be a list of texts",
        ),
        (IGNORED + "apps_Deployment", {"jsonPointers": ["a"]}, "not a JSON pointer"),
        ("resource.customizations", ["a"], "no mapping of kinds"),
        ("resource.compareoptions", ["a"], "no mapping"),
        ("resource.compareoptions", {"ignoreResourceStatusField": "most"}, "'most' is none of"),
        ("resource.compareoptions", {"ignoreAggregatedRoles": "yes"}, "neither true nor false"),
    ],
)
def test_what_cannot_be_read_is_told_and_hurts_nothing_else(key: str, document: Any, told: str):
    settings = system_rules({IGNORED + "Pod": {"jsonPointers": ["/b"]}, key: document})
    [problem] = settings.problems
    assert problem.startswith("argocd-cm: ")
    assert told in problem
    assert ignored(settings, POD) == Rules((("b",),))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda j: (
        st.lists(j, max_size=2) | st.dictionaries(st.sampled_from(["jsonPointers", "x/y"]), j, max_size=2)
    ),
    max_leaves=6,
)
keys = st.sampled_from(
    [IGNORED + "all", IGNORED, IGNORED + "a_b", "resource.customizations", "resource.compareoptions", "url"]
)


@given(st.dictionaries(keys, anything))
def test_any_content_is_read_without_an_error(documents: dict[str, Any]):
    settings = system_rules({**documents, **nested(documents)})
    assert isinstance(ignored(settings), Rules)
    assert texts({**documents, "url": "x"}).keys() <= documents.keys()


def test_nothing_is_said_where_nothing_is_set():
    assert system_rules({}) == UNSET
