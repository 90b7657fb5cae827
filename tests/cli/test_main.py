"""What every command has in common: the help, exit codes, and how bad news is told."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tiphys.cli import main
from tiphys.cli.app import COMMANDS
from tiphys.cli.lazy import Row
from tiphys.model.errors import Refused, SpecError

LIGHT = {"tiphys", "tiphys.cli", "tiphys.cli.main", "tiphys.cli.lazy", "tiphys.model", "tiphys.model.errors"}


def loaded_by(*words: str) -> set[str]:
    """The modules that a command line loads, in a process of its own."""
    program = (
        "import sys; sys.argv[1:] or exit(1)\n"
        "from tiphys.cli.main import run\n"
        "code = run(sys.argv[1:])\n"
        "print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_the_help_loads_nothing_but_click():
    loaded = loaded_by("--help")
    assert {name for name in loaded if name.startswith("tiphys")} == LIGHT
    assert not loaded & {"asyncio", "rich", "aiohttp", "msgspec", "orjson", "yaml", "structlog"}


def test_the_help_of_app_loads_its_table_alone():
    loaded = loaded_by("app", "--help")
    assert {name for name in loaded if name.startswith("tiphys")} == {*LIGHT, "tiphys.cli.app"}


def test_completion_of_a_command_loads_nothing_of_the_engine(monkeypatch):
    monkeypatch.setenv("_TIPHYS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "tiphys app re")
    monkeypatch.setenv("COMP_CWORD", "2")
    loaded = loaded_by("completing")
    assert {name for name in loaded if name.startswith("tiphys")} == {*LIGHT, "tiphys.cli.app"}


@pytest.mark.parametrize("table", [main.COMMANDS, COMMANDS], ids=["tiphys", "app"])
def test_every_row_of_a_table_is_a_command_with_help(table):
    context = click.Context(main.tiphys)
    group = main.LazyGroup("any", table=table)
    for name in table:
        command = group.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.help


def test_a_misspelt_command_is_told_with_near_ones(tiphys):
    outcome = tiphys("app", "snyc")
    assert outcome.code == 2
    assert "tiphys app has no command 'snyc'. Did you mean sync?" in outcome.err


@pytest.fixture
def failing(monkeypatch):
    """A command ``fail`` that raises what the test gives."""

    def put(error):
        @click.command()
        def fail():
            raise error

        module = type(sys)("failing_command")
        module.fail = fail
        monkeypatch.setitem(sys.modules, "failing_command", module)
        monkeypatch.setitem(main.COMMANDS, "fail", Row("failing_command:fail", "Fail."))

    return put


def test_bad_news_is_one_message_on_stderr(tiphys, failing):
    failing(Refused("no: ask for the right"))
    outcome = tiphys("fail")
    assert (outcome.code, outcome.out, outcome.err) == (1, "", "Error: no: ask for the right\n")


def test_bad_news_of_a_task_in_a_group_is_told_as_itself(tiphys, failing):
    failing(ExceptionGroup("unhandled errors", [SpecError("values.yaml is not a mapping")]))
    assert tiphys("fail").err == "Error: values.yaml is not a mapping\n"


def test_a_bug_is_a_line_and_a_hint(tiphys, failing):
    failing(KeyError("spec"))
    outcome = tiphys("fail")
    assert outcome.code == 1
    assert "a bug in tiphys: KeyError: 'spec'" in outcome.err
    assert "tiphys --debug fail" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_bug_with_debug_is_a_traceback(tiphys, failing):
    failing(KeyError("spec"))
    assert "Traceback" in tiphys("--debug", "fail").err


def test_an_interrupt_exits_with_130(tiphys, failing):
    failing(KeyboardInterrupt())
    outcome = tiphys("fail")
    assert (outcome.code, outcome.err) == (130, "")


@pytest.mark.parametrize("words", [["--help"], ["completion", "fish"]])
def test_a_reader_that_goes_away_is_no_error(words):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tiphys.cli.main", *words]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.stderr == ""


def test_a_reader_that_goes_away_in_a_group_of_tasks_is_no_error(tiphys, failing):
    failing(ExceptionGroup("unhandled errors", [BrokenPipeError()]))
    outcome = tiphys("fail")
    assert (outcome.code, outcome.err) == (141, "")


def test_an_answer_that_has_no_room_is_told_without_a_traceback():
    command = [sys.executable, "-m", "tiphys.cli.main", "version"]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: a disk is full\n")


def test_version_in_every_format(tiphys):
    assert tiphys("version", "--short").out.startswith("tiphys: v")
    assert '"version": "v' in tiphys("version", "-o", "json").out
    assert "version: v" in tiphys("version", "-o", "yaml").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_completion_script(tiphys, shell):
    outcome = tiphys("completion", shell)
    assert outcome.code == 0
    assert "_TIPHYS_COMPLETE" in outcome.out


def test_fish_is_shown_a_help_text_with_commas_whole(tiphys):
    assert """string split --max 1 ",\"""" in tiphys("completion", "fish").out
