"""Every rule of ``tiphys doctor`` has its row on the page, with its level, and the page has no other."""

from house.pages import page, rows
from tiphys.core.lint.finding import RULES


def test_the_page_has_every_rule_in_order_with_its_level():
    told = [(cells[0].strip("`"), cells[1]) for cells in rows(page("reference/doctor.md"))]
    assert told == [(name, rule.level.name.lower()) for name, rule in RULES.items()]


def test_every_rule_says_what_is_wrong_and_what_to_do():
    for cells in rows(page("reference/doctor.md")):
        assert len(cells) == 5
        assert all(cells)
