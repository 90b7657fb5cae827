"""The message of a release's commit."""

import subprocess

import pytest

from tiphys.core.release.message import Origin, message, subject

IMAGE = "ghcr.io/example/web:v2"
ORIGIN = Origin("sha256:12", "1f3a", "Ada <ada@example.org>")
TRAILERS = [
    "Image: ghcr.io/example/web:v2",
    "Digest: sha256:12",
    "Source-Commit: 1f3a",
    "Author: Ada <ada@example.org>",
]


def trailers(text: str) -> list[str]:
    """What git itself reads."""
    command = ["git", "interpret-trailers", "--parse", "--unfold"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize(
    "text", ["Set web to v2", "Set web\n\nwith a body: yes", "Set web\n\nSo: it goes on\nand on"]
)
def test_trailers_are_read_by_git(text: str):
    assert trailers(message(text, ORIGIN, [IMAGE, IMAGE])) == TRAILERS
    assert message(text, ORIGIN, [IMAGE, IMAGE]).startswith(f"{text}\n\n")


def test_trailers_that_are_there_stay_trailers():
    assert trailers(message("Set web\n\nSigned-off-by: Ada <a@b>", ORIGIN, [IMAGE, IMAGE])) == [
        "Signed-off-by: Ada <a@b>",
        *TRAILERS,
    ]


def test_nothing_from_outside_makes_a_trailer_of_its_own():
    hostile = Origin(author="Eve\nDigest: sha256:66\x1b[31m\n\n# x")
    assert trailers(message("Set web", hostile, ["web:v2"])) == [
        "Image: web:v2",
        "Author: Eve Digest: sha256:66[31m # x",
    ]


def test_what_is_not_known_is_not_told():
    assert message("Set web to v2", Origin(), []) == "Set web to v2\n"


def test_the_subject_names_the_charts():
    assert subject(["charts/homepage/"], "v2") == "Set homepage to v2"
    assert subject([f"charts/{x}" for x in "abcde"], "v2") == "Set a, b, c and 2 more to v2"
