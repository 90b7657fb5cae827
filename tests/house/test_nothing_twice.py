"""No logic stands twice: no run of code lines is found in two places of the sources."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = 7
"""So many lines in a row that are the same to the letter are one piece of code written twice."""


def code_lines(path: Path) -> list[tuple[int, str]]:
    """The lines of a file that do something, with their numbers: without imports, docstrings and comments."""
    text = path.read_text()
    passed_over: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant(value=str())):
                passed_over.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate((line.strip() for line in text.splitlines()), start=1)
    return [
        (n, line) for n, line in lines if n not in passed_over and line.strip("()[]{},") and line[0] != "#"
    ]


def test_no_logic_stands_twice():
    places = defaultdict(list)
    for folder in ("src", "toolbox/src", "localkube/src", "deploy", "bench"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            lines = code_lines(path)
            for start in range(len(lines) - RUN + 1):
                run = tuple(line for _, line in lines[start : start + RUN])
                places[run].append(f"{path.relative_to(ROOT)}:{lines[start][0]}")
    twice = sorted(" and ".join(found) for found in places.values() if len(found) > 1)
    assert not twice, "the same code in two places; make one piece serve both:\n" + "\n".join(twice)
