"""Every condition that the engine writes has its row on the page, and the page names no other."""

import ast
import re
from collections.abc import Iterator

from house.pages import ROOT, page, rows

TYPE = re.compile(r"^[A-Z][A-Za-z]+(Error|Warning)$")


def written() -> Iterator[str]:
    """The texts in the engine's code that are types of conditions."""
    for folder in ("core", "reconcile", "controller"):
        for file in (ROOT / "src/tiphys" / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and TYPE.match(node.value):
                    yield node.value


def test_the_page_has_every_condition_and_no_other():
    told = {cells[0].strip("`") for cells in rows(page("reference/conditions.md"))}
    assert told == set(written())


def test_every_condition_says_what_it_means_and_what_to_do():
    for cells in rows(page("reference/conditions.md")):
        assert len(cells) == 3
        assert all(cells)
