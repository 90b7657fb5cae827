"""
How findings are told: text for people, JSON and YAML for scripts, SARIF 2.1.0 for the pages of forges.

SARIF's terms are those of its standard (OASIS, sarif-v2.1.0).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from tiphys.cli.output import coloured, one_line
from tiphys.core.lint.finding import RULES, Finding, Level

_COLOURS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "blue"}
_SARIF = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "note"}


def text(findings: Sequence[Finding]) -> str:
    """A paragraph for each: how bad, where, what, and what to do."""
    return "\n".join(f"{_head(f)}\n  {one_line(f.said)}\n  -> {one_line(f.remedy)}" for f in findings)


def summary(findings: Sequence[Finding], looked_at: str) -> str:
    """One line: how many of which level, in what."""
    counts = Counter(finding.level for finding in findings)
    parts = [
        counted(counts[level], level.name.lower()) for level in sorted(Level, reverse=True) if counts[level]
    ]
    return f"{', '.join(parts) or 'Nothing found'} in {looked_at}."


def facts(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """What scripts read."""
    return [
        {
            "rule": f.rule,
            "level": f.level.name.lower(),
            "file": f.place.file,
            "line": f.place.line,
            "subject": f.place.subject,
            "message": f.said,
            "remedy": f.remedy,
        }
        for f in findings
    ]


def sarif(findings: Sequence[Finding], version: str) -> dict[str, Any]:
    """One run of a SARIF log."""
    rules = list(RULES)
    driver = {
        "name": "tiphys doctor",
        "version": version,
        "rules": [
            {
                "id": name,
                "shortDescription": {"text": RULES[name].about},
                "defaultConfiguration": {"level": _SARIF[RULES[name].level]},
            }
            for name in rules
        ],
    }
    results = [_result(finding, rules.index(finding.rule)) for finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, number: int) -> dict[str, Any]:
    place = finding.place
    location: dict[str, Any] = {}
    if place.file:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": place.file, "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": max(place.line, 1)},
        }
    if place.subject:
        location["logicalLocations"] = [{"name": place.subject}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": _SARIF[finding.level],
        "message": {"text": f"{finding.said}. Remedy: {finding.remedy}."},
        "locations": [location],
    }


def _head(finding: Finding) -> str:
    level = finding.level.name.lower()
    told = click.style(level, fg=_COLOURS[finding.level], bold=True) if coloured() else level
    return f"{told} {finding.rule}: {one_line(str(finding.place))}"


def counted(number: int, word: str) -> str:
    """``1 chart``, ``2 charts``."""
    return f"{number} {word}{'s' if number != 1 else ''}"
