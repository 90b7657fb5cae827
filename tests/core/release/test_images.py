"""Where a file names its images, and what is written there."""

from collections.abc import Sequence

import pytest

from tiphys.core.release.document import read
from tiphys.core.release.edit import edited
from tiphys.core.release.images import Wish, spots, values
from tiphys.core.release.paths import parsed, shown
from tiphys.core.release.references import Reference, reference
from tiphys.model.errors import SpecError

OLD, NEW = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"

KUSTOMIZATION = f"""\
resources: [web.yaml]
images:
- name: web
  newName: ghcr.io/example/web   # ours
  newTag: v1
- name: ghcr.io/example/worker
  digest: {OLD}
"""
TWO = """\
web:
  image: {repository: ghcr.io/example/web, tag: v1}
worker:
  image: ghcr.io/example/worker:v1
migrate:
  image: ghcr.io/example/worker:v1 # the same
"""


def released(text: str, *wishes: Wish) -> str:
    file = read(text.encode(), "values.yaml")
    return edited(file, values(file, wishes)).encoded().decode()


def changed(text: str, *wishes: Wish) -> Sequence[str]:
    """The lines that are there afterwards and were not before."""
    return [x for x in released(text, *wishes).splitlines() if x not in text.splitlines()]


@pytest.mark.parametrize(
    ("text", "wish", "lines"),
    [
        ("deployment:\n  image:\n    tag: v1 # ci\n", Wish("v2"), ["    tag: v2 # ci"]),
        ("image:\n  repository: a/b\n  tag: v1\n", Wish("v2"), ["  tag: v2"]),
        ("image: a/b:v1\n", Wish("v2"), ["image: a/b:v2"]),
        ("image: localhost:5000/b\n", Wish("v2"), ["image: localhost:5000/b:v2"]),
        ("image: web\n", Wish("v2"), ["image: web:v2"]),
        ("podinfo:\n  image: {repository: a/b, tag: v1}\n", Wish("v2"), ["  image: {repository: a/b, tag: v2}"]),
        ("image: {tag: v1}\ndeployment: {image: {tag: v1}}\n", Wish("v2"), ["deployment: {image: {tag: v2}}"]),
        ("a: {b: [{c: v1}]}\n", Wish("v2", path="a.b[0].c"), ["a: {b: [{c: v2}]}"]),
        ("a: {b: [{c: v1}]}\n", Wish("v2", path="a.b.0.c"), ["a: {b: [{c: v2}]}"]),
        ("a.b: v1\n", Wish("v2", path=r"a\.b"), ["a.b: v2"]),
        ("jobImage: a/b:v1\n", Wish("v2", path="jobImage"), ["jobImage: a/b:v2"]),
        ("web:\n  tag: v1\n", Wish("v2", path="web"), ["  tag: v2"]),
        (KUSTOMIZATION, Wish("v2", name="web"), ["  newTag: v2"]),
        (KUSTOMIZATION, Wish("v2", NEW, name="worker"), [f"  digest: {NEW}"]),
        (KUSTOMIZATION, Wish("v2", path="images[0]"), ["  newTag: v2"]),
        ("image:\n  repository: a/b # x\n  port: 1\n", Wish("v2"), ["  tag: v2"]),
        ("deployment:\n  image:\n    repository: 'a/b'\n", Wish("1.10"), ["    tag: '1.10'"]),
        ("image:\r\n  'repository': \"a/b\"\r\n", Wish("v2", path="image.tag"), ["  'tag': \"v2\""]),
        ("image: {repository: a/b, pull: Always}\n", Wish("v2"), ["image: {repository: a/b, tag: v2, pull: Always}"]),
        ("x: {image: {tag: v1}}\ny:\n  image:\n    repository: a/b\n", Wish("v2", path="y.image"), ["    tag: v2"]),
        ("image:\n  repository: a/b", Wish("v2", NEW, pin=True), [f"  tag: v2@{NEW}"]),
        (
            "deployment: {image: {repository: a/b}}\nx: {image: {repository: c/d, tag: v1}}\n", Wish("v2"),
            ["deployment: {image: {repository: a/b, tag: v2}}"],
        ),
        ("images:\n- name: web\n  newName: a/b\n- name: x\n", Wish("v2", name="web"), ["  newTag: v2"]),
        ("images:\n- name: web\n", Wish("v2", NEW, name="web", pin=True), ["  newTag: v2", f"  digest: {NEW}"]),
        (TWO, Wish("v2", name="ghcr.io/example/web"), ["  image: {repository: ghcr.io/example/web, tag: v2}"]),
        (
            TWO,
            Wish("v2", name="example/worker"),
            ["  image: ghcr.io/example/worker:v2", "  image: ghcr.io/example/worker:v2 # the same"],
        ),
        (TWO, Wish("v2", repository="ghcr.io/example/web"), ["  image: {repository: ghcr.io/example/web, tag: v2}"]),
        ("image: a/b:v1\n", Wish("v2", repository="elsewhere/b"), ["image: a/b:v2"]),
        (f"image: a/b@{OLD}\n", Wish(digest=NEW), [f"image: a/b@{NEW}"]),
        (f"image: a/b:v1@{OLD}\n", Wish("v2", NEW), [f"image: a/b:v2@{NEW}"]),
        ("image: a/b:v1\n", Wish("v2", NEW), ["image: a/b:v2"]),
        ("image: a/b:v1\n", Wish("v2", NEW, pin=True), [f"image: a/b:v2@{NEW}"]),
        ("image:\n  tag: v1\n", Wish("v2", NEW, pin=True), [f"  tag: v2@{NEW}"]),
        (f"image:\n  tag: v1@{OLD}\n", Wish("v2", NEW), [f"  tag: v2@{NEW}"]),
        ('image:\n  tag: v1\n  digest: ""\n', Wish("v2", NEW), ["  tag: v2"]),
        ('image:\n  tag: v1\n  digest: ""\n', Wish("v2", NEW, pin=True), ["  tag: v2", f'  digest: "{NEW}"']),
        (f"image:\n  tag: v1\n  digest: {OLD}\n", Wish("v2", NEW), ["  tag: v2", f"  digest: {NEW}"]),
        ("---\na: 1\n---\nspec:\n  containers:\n  - image: a/b:v1\n", Wish("v2", name="a/b"), ["  - image: a/b:v2"]),
    ],
)  # fmt: skip
def test_a_wish_changes_these_lines(text: str, wish: Wish, lines: Sequence[str]):
    assert changed(text, wish) == lines


@pytest.mark.parametrize(
    ("text", "wish", "why"),
    [
        (TWO, Wish("v2"), "several images: say which.*there are: web.image.tag .ghcr.io/example/web:v1.*worker"),
        (TWO, Wish("v2", name="api"), "names no image api; there are: web.image.tag"),
        (TWO, Wish("v2", path="web.image.tga"), "has no value web.image.tga; there are: web.image.tag"),
        ("web: {tga: v1, port: 80}\n", Wish("v2", path="web.tag"), "has no value web.tag; there are: web.tga"),
        ("", Wish("v2"), "names no image: say where"),
        ("image: {repository: a/b}\n", Wish("v2", path="image.tga"), "has no value image.tga; there are: image.tag"),
        ("web: {name: x}\n", Wish("v2", path="web.tag"), "has no value web.tag; there are: web.name"),
        ("image: &i {repository: a/b}\nother: *i\n", Wish("v2", path="image.tag"), "without changing something else"),
        ("image: {repository: a/b}\n", Wish(digest=NEW), "lacks --tag"),
        ("a: {image: x/web:1}\nb: {image: y/web:1}\n", Wish("v2", name="web"), "means several images"),
        (f"image: a/b:v1@{OLD}\n", Wish("v2"), f"pinned to {OLD}.*give --digest too"),
        ("image:\n  tag: v1\n", Wish(digest=NEW), "lacks --tag"),
        ("image: {tag: v1}\n---\nimage: {tag: v1}\n", Wish("v2"), "several images"),
    ],
)  # fmt: skip
def test_what_cannot_be_found_says_what_is_there(text: str, wish: Wish, why: str):
    with pytest.raises(SpecError, match=why):
        released(text, wish)


def test_several_images_at_once():
    after = released(TWO, Wish("v2", name="web"), Wish("v3", path="worker.image"))
    assert after == TWO.replace("tag: v1", "tag: v2").replace("worker:v1\nmigrate", "worker:v3\nmigrate")


def test_two_wishes_for_one_place_are_refused():
    with pytest.raises(SpecError, match="cannot be v2 and v3 at once"):
        values(read(b"image: {tag: v1}\n", "values.yaml"), [Wish("v2"), Wish("v3")])


@pytest.mark.parametrize(
    "wish", [{"tag": "v1\n"}, {"tag": "-x"}, {"tag": "a b"}, {"digest": "sha256:12"}, {}]
)
def test_a_wish_that_no_registry_would_take_is_refused(wish: dict[str, str]):
    with pytest.raises(SpecError, match=r"tag|digest"):
        Wish(**wish)


def test_a_port_that_is_called_tag_is_no_image():
    assert spots(read(b"git: {tag: v1}\nmetrics: {digest: x}\n", "values.yaml")) == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("web", ("web", "", "")),
        ("web:1", ("web", "1", "")),
        ("localhost:5000/web", ("localhost:5000/web", "", "")),
        (f"r:5/web:1@{OLD}", ("r:5/web", "1", OLD)),
    ],
)
def test_references_are_read_and_written(text: str, parts: tuple[str, str, str]):
    assert reference(text) == Reference(*parts)
    assert str(reference(text)) == text


@pytest.mark.parametrize("text", ["a", "a.b.c", "a[0].b", "[1][2]", r"a\.b.c\[0\]", "😀.b c"])
def test_a_path_is_written_as_it_is_read(text: str):
    assert shown(parsed(text)) == text


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a[x]", "a[0]b", "a\\"])
def test_what_is_no_path_is_refused(text: str):
    with pytest.raises(SpecError, match="is not a path"):
        parsed(text)
