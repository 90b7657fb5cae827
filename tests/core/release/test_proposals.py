"""The branch of a proposal, and the words of its request."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.release.images import Wish
from tiphys.core.release.proposals import head_of, text_of

V2 = Wish("v2")


@pytest.mark.parametrize(
    ("charts", "wishes", "base", "head"),
    [
        (["homepage"], [Wish("1f3a2b4")], "", "tiphys/homepage-1f3a2b4"),
        (["charts/homepage"], [V2], "", "tiphys/homepage-v2"),
        (["charts/web/values.yaml", "api"], [V2], "", "tiphys/web-api-v2"),
        (["charts/web/values-prod.yaml"], [V2], "", "tiphys/web-values-prod-v2"),
        (
            ["overlays/prod/kustomization.yaml"],
            [Wish("v2", name="example/web")],
            "",
            "tiphys/overlays-prod-web-v2",
        ),
        (["web"], [Wish("v2", path="worker.image.tag")], "", "tiphys/web-worker.image.tag-v2"),
        (["web"], [Wish("v2", name="a"), Wish("v2", name="b")], "", "tiphys/web-a-v2-b"),
        (["web"], [Wish(digest=f"sha256:{'ab' * 32}")], "", "tiphys/web-sha256-abababababab"),
        (["web"], [V2], "release/1.x", "tiphys/release-1.x-web-v2"),
    ],
)
def test_a_branch_is_named_for_what_is_set_where(charts: list[str], wishes: list[Wish], base: str, head: str):
    assert head_of(charts, wishes, base) == head


def test_a_long_name_is_cut_and_stays_its_own():
    many = [f"chart-{number}" for number in range(40)]
    one, other = head_of(many, [V2]), head_of([*many, "one-more"], [V2])
    assert one != other
    assert max(len(one), len(other)) < 100


TAGS = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z", fullmatch=True)


@given(st.lists(st.text(), max_size=4), TAGS, st.text(max_size=20))
def test_git_takes_every_name(charts: list[str], tag: str, base: str):
    head = head_of(charts, [Wish(tag)], base)
    assert re.fullmatch(r"tiphys/[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?", head)
    assert ".." not in head
    assert not head.endswith((".lock", "."))


def test_the_subject_is_the_title():
    assert text_of("Set web to v2\n\nImage: web:v2\nAuthor: Ada\n") == (
        "Set web to v2",
        "Image: web:v2\nAuthor: Ada",
    )
    assert text_of("Set web to v2\n") == ("Set web to v2", "")
