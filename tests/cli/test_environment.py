"""Flags come from the environment where a template of a CI sets them, and answers go back as assignments."""

import click
import pytest
from click.testing import CliRunner

from tiphys.cli.environment import assignments, from_environment


@click.command(cls=from_environment("TRY"))
@click.argument("charts", nargs=-1, required=True)
@click.option("--build-arg", "arguments", multiple=True)
@click.option("--tag", default="usual")
@click.option("--pin", is_flag=True)
@click.option("--named", envvar="OTHER")
def tried(**flags: object) -> None:
    """Tell the flags."""
    click.echo(repr(flags))


def _told(*args: str, **environment: str) -> str:
    return CliRunner().invoke(tried, args, env=environment).output


def test_what_may_be_repeated_stands_one_a_line_and_may_hold_spaces() -> None:
    told = _told(TRY_CHARTS="web\n\n  worker \n", TRY_BUILD_ARG="GREETING=good day\nX=1")
    assert "'charts': ('web', 'worker')" in told
    assert "'arguments': ('GREETING=good day', 'X=1')" in told


@pytest.mark.parametrize(
    ("environment", "part"),
    [
        ({"TRY_TAG": "v2"}, "'tag': 'v2'"),
        ({"TRY_TAG": ""}, "'tag': 'usual'"),
        ({"TRY_PIN": "true"}, "'pin': True"),
        ({"TRY_PIN": "false"}, "'pin': False"),
        ({"OTHER": "its own"}, "'named': 'its own'"),
        ({"TRY_NAMED": "not asked"}, "'named': None"),
    ],
)
def test_a_variable_is_a_flag_and_a_blank_one_is_none(environment: dict[str, str], part: str) -> None:
    assert part in _told("web", **environment)


def test_the_command_line_comes_first() -> None:
    assert "'charts': ('mine',)" in _told("mine", TRY_CHARTS="theirs")


def test_an_answer_has_one_line_for_each_fact_whatever_it_holds() -> None:
    facts = {"tag": "v2\nevil=1", "changed": True, "changes": [1], "attempts": 2}
    assert assignments(facts) == "tag=v2 evil=1\nchanged=true"
