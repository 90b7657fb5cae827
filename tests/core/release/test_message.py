"""The message of a release's commit."""

import subprocess
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.core.release.message import Origin, Released, message, one_line, releases, subject

IMAGE = "ghcr.io/example/web:v2"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORIGIN = Origin("sha256:12", "1f3a", "Ada <ada@example.org>", NOON, NOON + timedelta(seconds=7))
TRAILERS = [
    "Image: ghcr.io/example/web:v2",
    "Digest: sha256:12",
    "Source-Commit: 1f3a",
    "Author: Ada <ada@example.org>",
    "Image-Built: 2026-03-01T12:00:00Z",
    "Image-Pushed: 2026-03-01T12:00:07Z",
]


def trailers(text: str) -> list[str]:
    """What git itself reads."""
    command = ["git", "interpret-trailers", "--parse", "--unfold"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize(
    "text", ["Set web to v2", "Set web\n\nwith a body: yes", "Set web\n\nSo: it goes on\nand on"]
)
def test_trailers_are_read_by_git(text: str):
    assert trailers(message(text, [Released([IMAGE, IMAGE], ORIGIN)])) == TRAILERS
    assert message(text, [Released([IMAGE, IMAGE], ORIGIN)]).startswith(f"{text}\n\n")


def test_trailers_that_are_there_stay_trailers():
    assert trailers(message("Set web\n\nSigned-off-by: Ada <a@b>", [Released([IMAGE], ORIGIN)])) == [
        "Signed-off-by: Ada <a@b>",
        *TRAILERS,
    ]


def test_nothing_from_outside_makes_a_trailer_of_its_own():
    hostile = Origin(author="Eve\nDigest: sha256:66\x1b[31m\n\n# x")
    assert trailers(message("Set web", [Released(["web:v2"], hostile)])) == [
        "Image: web:v2",
        "Author: Eve Digest: sha256:66[31m # x",
    ]


def test_what_is_not_known_is_not_told():
    assert message("Set web to v2", [Released()]) == "Set web to v2\n"


def test_the_subject_names_the_charts():
    assert subject(["charts/homepage/"], "v2") == "Set homepage to v2"
    assert subject([f"charts/{x}" for x in "abcde"], "v2") == "Set a, b, c and 2 more to v2"


LINES = st.text(st.characters(codec="utf-8"), max_size=20).map(one_line)
SAID = LINES.map(lambda text: f"x{text}")
TIMES = st.none() | st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
IMAGES = st.lists(SAID, min_size=1, max_size=3, unique=True).map(tuple)
RELEASES = st.builds(Released, IMAGES, st.builds(Origin, LINES, LINES, LINES, TIMES, TIMES))
BATCHES = st.lists(
    st.builds(Released, IMAGES, st.builds(Origin, SAID, LINES, LINES, TIMES, TIMES)), max_size=4
)


@given(SAID, RELEASES)
def test_what_was_written_is_read_back(text: str, released: Released):
    assert releases(message(text, [released])) == [released]


@given(BATCHES)
def test_a_batch_is_read_back_one_by_one(batch: list[Released]):
    assert releases(message("Set 4 charts", batch)) == batch


@given(st.lists(RELEASES | st.builds(Released, st.just(()), st.builds(Origin, SAID)), max_size=4))
def test_no_image_is_told_what_is_of_another_one(batch: list[Released]):
    known = {(image, each.origin) for each in batch for image in each.images}
    told = {
        (image, each.origin) for each in releases(message("Set 4 charts", batch)) for image in each.images
    }
    assert told == known


@given(st.text() | st.lists(st.sampled_from([*TRAILERS, "", "Image:", "x", "image: y", "\r"])).map("\n".join))
def test_any_text_is_read(text: str):
    for released in releases(text):
        assert released != Released()


@pytest.mark.parametrize(
    "text",
    [
        "{}\n\nCo-authored-by: Eve <eve@example.org>\n",
        "{}Signed-off-by: Eve <eve@example.org>\n",
        "Merge 12\n\n{}",
    ],
)
def test_trailers_that_a_host_adds_are_passed_over(text: str):
    written = message("Set web", [Released([IMAGE], ORIGIN)])
    assert releases(text.format(written)) == [Released((IMAGE,), ORIGIN)]
    assert releases(text.format(written).replace("\n", "\r\n")) == [Released((IMAGE,), ORIGIN)]


@pytest.mark.parametrize(
    "text", ["", "Image: a/b:v1", "Fix it\n\nImage: a/b:v1\nas we know", "x\n\nSo: what"]
)
def test_other_commits_are_no_releases(text: str):
    assert releases(text) == []


def test_times_are_written_in_utc_and_read_only_with_a_zone():
    there = NOON.astimezone(timezone(timedelta(hours=9)))
    assert Released((), Origin(built=there)).trailers() == ["Image-Built: 2026-03-01T12:00:00Z"]
    (released,) = releases("x\n\nImage-Built: 2026-03-01T12:00:00\nImage-Pushed: yesterday\nDigest: d\n")
    assert released == Released((), Origin("d"))
