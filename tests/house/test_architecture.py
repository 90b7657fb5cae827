"""The page on the architecture names every folder that there is, and no other."""

import re

from house.pages import ROOT, page, rows

SOURCE = ROOT / "src/tiphys"
SPLIT = {"core", "adapters"}
"""Floors whose folders are told one by one."""


def packages(floor: str) -> set[str]:
    prefix = f"{floor}/" if floor else ""
    return {f"{prefix}{file.parent.name}" for file in (SOURCE / floor).glob("*/__init__.py")}


def named() -> set[str]:
    """The folders in the first cells of the page's tables."""
    cells = [cells[0] for cells in rows(page("explanation/architecture.md"))]
    return {name.rstrip("/") for cell in cells for name in re.findall(r"`([a-z/]+)`", cell)}


def test_every_folder_of_the_source_is_on_the_page():
    there = (packages("") - SPLIT).union(*(packages(floor) for floor in SPLIT))
    assert there == {name for name in named() if not name.startswith("tests/")}


def test_every_folder_of_tests_is_on_the_page():
    there = {f"tests/{folder.name}" for folder in (ROOT / "tests").iterdir() if any(folder.rglob("*.py"))}
    assert there == {name for name in named() if name.startswith("tests/")}
