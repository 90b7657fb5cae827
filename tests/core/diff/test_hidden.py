"""Where the fields are that do not count: each body has its own places."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.diff.ssa import KEY, Cluster, manifest
from core.diff.test_compare import Spec, lived, specs, writes
from tiphys.core.diff.compare import compare
from tiphys.core.diff.handover import handed_over
from tiphys.core.diff.hidden import Hidden, aggregated, pointers_of
from tiphys.core.diff.ownership import held_by, places_of
from tiphys.core.diff.pointers import Pointers, parse_pointer, value_at, without
from tiphys.model.flow import Comparison, NeedDryRun, Pair, Predicted, SyncCode
from tiphys.model.objects import Body

BODY = {"spec": {"items": ["a", "b", "c"], "of": {"0": 1}}}


@pytest.mark.parametrize(
    ("path", "pointers"),
    [
        (["spec", "items", 1], ["/spec/items/1"]),
        (["spec", "items", -1], ["/spec/items/2"]),
        (["spec", "items", {"start": 1, "end": None}], ["/spec/items/1", "/spec/items/2"]),
        (["spec", "of", "0"], ["/spec/of/0"]),
        (["spec", "of", 0], []),
        (["spec", "gone", "too"], ["/spec/gone/too"]),
        ([], []),
    ],
)
def test_paths_of_jq_become_pointers(path: list[Any], pointers: list[str]):
    assert pointers_of([path], BODY) == tuple(map(parse_pointer, pointers))


paths = st.lists(
    st.lists(
        st.sampled_from(["a", "0", 0, -1, 7, None, 1.0, True, {"start": 0, "end": 1}, {"start": None}]),
        max_size=3,
    )
)
values = st.recursive(
    st.integers() | st.none(),
    lambda j: st.lists(j, max_size=3) | st.dictionaries(st.sampled_from("a0"), j),
    max_leaves=5,
)


@given(paths, st.dictionaries(st.sampled_from("a0"), values))
def test_whatever_jq_answers_is_understood_and_cutting_it_leaves_the_body_alone(
    answer: list[list[Any]], body: dict[str, Any]
):
    before = repr(body)
    pointers = pointers_of(answer, body)
    assert without(without(body, pointers), ()) == without(body, pointers)
    assert repr(body) == before


def test_places_are_those_of_the_whole_list_however_many_of_its_items_go():
    cut = without(BODY, (("spec", "items", "0"), ("spec", "items", "1")))
    assert cut["spec"]["items"] == ["c"]


def places(body: Body, name: str, field: str = "") -> Pointers:
    """Where the items of a name are, or a field of theirs, as jq would tell it of each body."""
    items = body.get("spec", {}).get("items") or []
    rest = (field,) if field else ()
    return tuple(("spec", "items", str(n), *rest) for n, each in enumerate(items) if each["name"] == name)


def known(cluster: Cluster, name: str, field: str) -> dict[int, Any]:
    """What is live at these places, by the port that tells items of one name apart."""
    items = cluster.spec.get("items", ())
    return {each["port"]: each.get(field) if field else each for each in items if each["name"] == name}


@given(writes, specs, st.sampled_from("ab"), st.sampled_from(["image", ""]))
def test_an_apply_that_respects_what_is_ignored_never_changes_it(
    history: list[tuple[str, Spec]], target: Spec, name: str, field: str
) -> None:
    cluster = lived(history)
    live, wanted = cluster.live(), manifest(target)
    before = known(cluster, name, field)
    handover = handed_over(wanted, live, places(live.body, name, field), places(wanted.body, name, field))
    cluster.apply(dict(handover.target.body["spec"]))
    after = known(cluster, name, field)
    if field:
        # The item is not ignored as a whole: it may come, as Git has it, and go with all that we gave it.
        wanted_ports = {each.get("port", 80) for each in target.get("items", ()) if each["name"] == name}
        # An item that leaves its port to be defaulted may be any of its name, where there are several.
        certain = len(before) == 1 or all("port" in each for each in target.get("items", ()))
        stays = {port: value for port, value in before.items() if port in wanted_ports and certain}
        assert stays.items() <= after.items()
    else:
        assert after == before


@given(writes, specs, st.sampled_from("ab"))
def test_after_an_apply_nothing_that_is_ignored_is_a_difference(
    history: list[tuple[str, Spec]], target: Spec, name: str
) -> None:
    assume(target.get("items") != [])  # of what was applied empty, nothing is recorded
    cluster = lived(history)
    cluster.apply(target)
    items = [
        {**each, "image": "other"} if each["name"] == name else each for each in cluster.spec.get("items", ())
    ]
    if items:
        cluster.update({**cluster.spec, "items": items}, "kubectl-edit")
    live, wanted = cluster.live(), manifest(target)
    cluster.apply(target)
    sides = (wanted.body, live.body, cluster.live().body)
    hidden = Hidden(*(places(body, name, "image") for body in sides))
    found = compare(Pair(KEY, wanted, live), hidden, Predicted(cluster.live().body))
    assert isinstance(found, Comparison)
    assert found.code is SyncCode.SYNCED


@given(writes, specs)
def test_what_a_manager_owns_is_found_in_the_live_body(history: list[tuple[str, Spec]], target: Spec) -> None:
    live = lived(history).live()
    held = held_by(live, ["them"])
    wanted = manifest(target).body
    for pointer in places_of(held, live.body, wanted):
        assert value_at(live.body, pointer) is not None
    cluster = Cluster(target)
    cluster.apply(target, manager="them")
    all_of_it = cluster.live()
    hidden = tuple(places_of(held_by(all_of_it, ["them"]), all_of_it.body, wanted))
    answer = compare(Pair(KEY, manifest({}), all_of_it), Hidden((), hidden))
    assert isinstance(answer, Comparison | NeedDryRun)


def test_a_managers_fields_of_an_item_are_told_by_its_key():
    cluster = Cluster({})
    cluster.apply({"items": [{"name": "a", "image": "x"}, {"name": "b", "image": "x"}]})
    cluster.update(
        {**cluster.spec, "items": [cluster.spec["items"][0], {**cluster.spec["items"][1], "image": "y"}]},
        "them",
    )
    live = cluster.live()
    target = manifest({"items": [{"name": "b", "image": "x"}, {"name": "a", "image": "x"}]})
    held = held_by(live, ["them"])
    assert list(places_of(held, live.body, target.body)) == [("spec", "items", "1", "image")]
    assert list(places_of(held, target.body, target.body)) == [("spec", "items", "0", "image")]


def test_an_item_that_a_manager_added_does_not_count_at_all():
    cluster = Cluster({})
    cluster.apply({"items": [{"name": "a"}]})
    cluster.update({**cluster.spec, "items": [*cluster.spec["items"], {"name": "z", "port": 81}]}, "them")
    live, target = cluster.live(), manifest({"items": [{"name": "a"}]})
    held = held_by(live, ["them"])
    assert ("spec", "items", "1") in set(places_of(held, live.body, target.body))
    assert ("spec", "items", "0") not in set(places_of(held, live.body, target.body))


def test_rules_that_a_controller_gathers_are_known():
    role = {"kind": "ClusterRole", "aggregationRule": {"clusterRoleSelectors": [{}]}}
    assert aggregated(None, role)
    assert not aggregated({"kind": "ClusterRole"}, None)
    assert not aggregated({**role, "kind": "Role"})


def test_an_item_that_says_its_whole_key_is_found_behind_one_that_leaves_a_part_to_be_defaulted():
    cluster = Cluster({})
    cluster.apply({"items": [{"name": "dns"}, {"name": "dns", "port": 81}]})
    cluster.update(
        {"items": [{**each, "image": str(each["port"])} for each in cluster.spec["items"]]}, "them"
    )
    live, wanted = (
        cluster.live(),
        manifest({"items": [{"name": "dns"}, {"name": "dns", "port": 81, "image": "x"}]}),
    )
    sides = (places(body, "dns", "image") for body in (live.body, wanted.body))
    cluster.apply(dict(handed_over(wanted, live, *sides).target.body["spec"]))
    assert known(cluster, "dns", "image") == {80: "80", 81: "81"}
