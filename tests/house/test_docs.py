"""What our pages say is there: files, sections, commands and flags; and some things that they never say."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from house.pages import PAGES, ROOT, code, fences, prose
from tiphys.cli.main import tiphys

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
OUTSIDE = re.compile(r"^[a-z]+:")
ADDRESS = re.compile(r"https?://(?:[^/@\s]*@)?([\w.-]+)")
KNOWN_HOSTS = {"github.com", "go.dev", "kubernetes.default.svc", "taskfile.dev", "127.0.0.1", "localhost"}
SOMEBODYS = re.compile(r"/(?:home|Users)/\w+/")
SUBSTITUTED = re.compile(r"\$\(([^()]*)\)")
PASSED_ON = {"kubectl", "helm"}

pages = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


@pages
def test_links_lead_somewhere(path: Path):
    wanted = (link for link in LINK.findall(prose(path.read_text())) if not OUTSIDE.match(link))
    lost = [link for link in wanted if not leads_somewhere(path, link)]
    assert not lost


@pages
def test_no_page_speaks_of_the_machine_on_which_it_was_written(path: Path):
    text = path.read_text()
    assert not SOMEBODYS.findall(text)
    assert not [place for place in (ROOT, Path.home()) if f"{place}/" in text and len(place.parts) > 1]


@pages
def test_addresses_are_examples_or_well_known(path: Path):
    hosts = {
        host for host in ADDRESS.findall(path.read_text()) if not re.search(r"(^|\.)example\.com$", host)
    }
    assert hosts <= KNOWN_HOSTS


@pages
def test_commands_that_are_named_exist(path: Path):
    troubles = [trouble(line) for line in commands(path.read_text())]
    assert not list(filter(None, troubles))


def test_every_page_of_the_docs_is_in_the_index():
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text())}
    assert {p for p in PAGES if p.is_relative_to(index.parent)} - listed - {index} <= {
        p for p in PAGES if p.parent.name == "decisions"
    }


def test_every_decision_is_named_by_its_number():
    found = sorted(p for p in PAGES if p.parent.name == "decisions" and p.name != "README.md")
    for number, decision in enumerate(found, 1):
        assert decision.name.startswith(f"{number:04}-")
        assert decision.read_text().startswith(f"# {number}. ")


def leads_somewhere(path: Path, link: str) -> bool:
    file, _, section = link.partition("#")
    target = (path.parent / file) if file else path
    return target.exists() and (not section or section in sections(target.read_text()))


def sections(text: str) -> set[str]:
    """The names by which a page's headings are linked to."""
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def commands(text: str) -> Iterator[str]:
    """Every ``tiphys …`` of shell blocks and of the running text."""
    blocks = [block for language, block in fences(text) if language in ("sh", "console", "")]
    lines = [*"\n".join(blocks).replace("\\\n", " ").splitlines(), *code(text)]
    inner = [each for line in lines for each in SUBSTITUTED.findall(line)]
    # A release may be called tiphys: what other programs are told is theirs.
    ours = [line for line in lines if not PASSED_ON.intersection(line.split()[:1])]
    for line in (*inner, *(SUBSTITUTED.sub("OUTPUT", line) for line in ours)):
        yield from re.findall(r"(?:^|[\s;|(&])(tiphys(?: [^;|&)#]*)?)", f" {line}")


def trouble(line: str) -> str:
    """What is wrong with a command line, as far as the tree of commands can tell."""
    words = shlex.split(line.replace("…", "").replace("'", "").replace('"', ""))[1:]
    command: click.Command = tiphys
    context = click.Context(tiphys)
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            flag, equals, _ = word.partition("=")
            options = {name: p for p in command.params for name in (*p.opts, *p.secondary_opts)}
            if flag not in {*options, "-h", "--help"}:
                return f"{line}: {command.name} has no {flag}"
            if takes_value(options.get(flag)) and not equals and words:
                words.pop(0)
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            if not found:
                return f"{line}: {command.name} has no command {word}"
            command = found
            if word in PASSED_ON:
                return ""
    return ""


def takes_value(option: click.Parameter | None) -> bool:
    return isinstance(option, click.Option) and not option.is_flag
