"""What is found in a Chart.yaml."""

from tiphys.core.lint.charts import ChartFacts, Dependency, chart_findings

TEXT = "name: metrics\ndependencies:\n  - name: podmeter\n    version: ^1\n    repository: https://charts.example.com\n"


def rules(*dependencies: Dependency, has_lock: bool = False) -> list[tuple[str, int]]:
    facts = ChartFacts("charts/metrics", TEXT, dependencies, has_lock)
    return [(found.rule, found.place.line) for found in chart_findings(facts)]


def test_a_range_without_a_lock_is_unpinned_and_the_line_is_named():
    ranged = Dependency("podmeter", "^1", "https://charts.example.com", exact=False)
    assert rules(ranged) == [("version-unpinned", 3), ("lock-missing", 0)]
    assert rules(ranged, has_lock=True) == []


def test_an_exact_version_lacks_only_its_digest():
    assert rules(Dependency("podmeter", "1.2.3", "https://charts.example.com", exact=True)) == [
        ("lock-missing", 0)
    ]


def test_a_library_beside_the_chart_needs_no_lock():
    assert rules(Dependency("common", "0.1.0", "file://../_common", exact=True)) == []


def test_plain_http_is_told_unless_it_stays_on_this_machine():
    def over(address: str) -> list[tuple[str, int]]:
        return rules(Dependency("podmeter", "1.2.3", address, exact=True), has_lock=True)

    assert over("http://charts.example.com") == [("plain-http", 3)]
    assert over("http://127.0.0.1:7480/charts") == []
    assert over("http://127.0.0.1.example.com/charts") == [("plain-http", 3)]
