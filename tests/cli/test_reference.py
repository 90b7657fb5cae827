"""The reference page says what the commands say."""

from pathlib import Path

from tiphys.cli.reference import page

PAGE = Path(__file__).parents[2] / "docs/reference/cli.md"


def test_the_reference_is_up_to_date():
    assert PAGE.read_text() == page(), "write it anew: python -m tiphys.cli.reference > docs/reference/cli.md"


def test_the_environment_does_not_show_in_the_reference(monkeypatch):
    before = page()
    monkeypatch.setenv("TIPHYS_NAMESPACE", "elsewhere")
    monkeypatch.setenv("COLUMNS", "60")
    assert page() == before
