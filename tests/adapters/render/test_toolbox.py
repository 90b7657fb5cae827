"""Whatever a request does to a child, the next request is answered and nothing of the child is left."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import tiphys_toolbox
from adapters.render.specimens import chart_yaml, lay
from tiphys.adapters.render import Limits, Toolbox, best_version, engine_versions, jq, jq_paths
from tiphys.model.errors import SpecError, Unavailable

FOREVER = "def f: f; f"
HUGE = '{{ repeat 3000000000 "x" }}'
TOWER = '{{ define "t" }}{{ tpl (printf "{{ include \\"t\\" . }}") . }}{{ end }}{{ include "t" . }}'
BUILT_UP = '{{ $x := "x" }}{{ range until 40 }}{{ $x = printf "%s%s" $x $x }}{{ end }}{{ $x }}'
ENDLESS = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
SLOW = '{{ range until 10000 }}{{ range until 10000 }}{{ $x := sha256sum "x" }}{{ end }}{{ end }}'
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n"
    for a, b in zip("abcdefghi", "bcdefghij", strict=False)
)


def children() -> set[int]:
    """The processes that this one started and that still run."""
    found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return {int(pid) for pid in found if "toolbox" in Path(f"/proc/{pid}/comm").read_text()}


def about(pid: int, what: str) -> bytes:
    return Path(f"/proc/{pid}/{what}").read_bytes()


def cwd(pid: int) -> Path:
    return Path(f"/proc/{pid}/cwd")


def runs(pid: int) -> bool:
    try:
        return b"Z (zombie)" not in about(pid, "status")
    except FileNotFoundError:
        return False


@pytest.fixture
async def small(binary: Path) -> AsyncIterator[Toolbox]:
    """A toolbox of one child that is soon idle and may use little."""
    async with Toolbox(binary, limits=Limits(children=1, idle_seconds=0.1, memory_mib=128)) as opened:
        yield opened


def chart(folder: Path, template: str) -> dict[str, str]:
    lay({"Chart.yaml": chart_yaml("c"), "templates/c.yaml": template}, folder)
    return {"dir": str(folder), "releaseName": "r", "namespace": "n"}


async def answers(toolbox: Toolbox) -> bool:
    return await jq(toolbox, ".a", {"a": 1}, 5) == [1]


async def test_nothing_runs_before_the_first_request_nor_after_the_end(binary):
    before = children()
    async with Toolbox(binary) as toolbox:
        assert children() == before
        assert await answers(toolbox)
        assert len(children() - before) == 1
    assert children() == before


async def test_a_child_is_kept_for_the_next_request_and_ended_when_idle(binary):
    before = children()
    async with Toolbox(binary, limits=Limits(idle_seconds=0.3)) as toolbox:
        await answers(toolbox)
        kept = children() - before
        await answers(toolbox)
        assert children() - before == kept
        await asyncio.sleep(0.6)
        assert children() == before
        assert await answers(toolbox)


async def test_no_more_children_run_than_are_allowed(binary):
    before = children()
    async with Toolbox(binary, limits=Limits(children=2)) as toolbox:
        assert all(await asyncio.gather(*(answers(toolbox) for _ in range(20))))
        assert len(children() - before) <= 2


async def test_a_child_sees_nothing_of_our_environment(toolbox, monkeypatch):
    monkeypatch.setenv("TIPHYS_SECRET", "hunter2")
    await answers(toolbox)
    (pid,) = children()
    seen = about(pid, "environ")
    assert b"hunter2" not in seen
    assert sorted(pair.split(b"=")[0] for pair in seen.split(b"\0") if pair) == [
        b"GOTRACEBACK",
        b"HOME",
        b"PATH",
        b"TZ",
    ]
    assert list(cwd(pid).iterdir()) == []
    assert os.getpgid(pid) == pid


async def test_a_child_has_no_network(toolbox):
    assert (await toolbox.call("version", {}, 5))["network"] is False


@pytest.mark.parametrize("template", [HUGE, BUILT_UP, TOWER], ids=["huge", "built up", "tower"])
async def test_what_needs_too_much_memory_is_told_so(template, tmp_path, small):
    with pytest.raises(SpecError, match="render c needed more memory than the 128 MiB") as told:
        await small.call("helm.render", chart(tmp_path, template), 20, doing="render c")
    assert "Unavailable" not in str(told.value)
    assert await answers(small)


@pytest.mark.parametrize("template", [ENDLESS, SLOW], ids=["endless", "slow"])
async def test_what_does_not_end_is_ended_at_the_deadline(template, tmp_path, toolbox):
    began = time.monotonic()
    with pytest.raises(SpecError, match=r"render c took longer than 0.3 s"):
        await toolbox.call("helm.render", chart(tmp_path, template), 0.3, doing="render c")
    assert time.monotonic() - began < 3
    assert await answers(toolbox)


async def test_a_jq_program_ends_at_its_deadline_and_leaves_the_child_alive(toolbox):
    await answers(toolbox)
    before = children()
    with pytest.raises(SpecError, match="did not end within its deadline"):
        await jq(toolbox, FOREVER, None, 0.2)
    assert children() == before


async def test_a_yaml_bomb_is_refused(toolbox):
    with pytest.raises(SpecError, match="document contains excessive aliasing"):
        await toolbox.call("yaml.decode", {"text": BOMB, "name": "bomb.yaml"}, 10)


async def test_a_child_killed_between_requests_is_replaced(toolbox):
    await answers(toolbox)
    (pid,) = children()
    os.kill(pid, signal.SIGKILL)
    assert await answers(toolbox)
    assert pid not in children()


async def test_a_child_killed_during_a_request_is_replaced_once(tmp_path, toolbox):
    request = toolbox.call("helm.render", chart(tmp_path, SLOW), 30, doing="render c")
    running = asyncio.create_task(request)
    killed: set[int] = set()
    while len(killed) < 2:
        await asyncio.sleep(0.02)
        for pid in children() - killed:
            await asyncio.sleep(0.05)
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    with pytest.raises(Unavailable, match="render c: the toolbox ended with signal 9"):
        await running
    assert await answers(toolbox)


async def test_a_cancelled_request_leaves_no_answer_behind(tmp_path, small):
    slow = asyncio.create_task(small.call("helm.render", chart(tmp_path, SLOW), 30))
    await asyncio.sleep(0.15)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert await jq(small, ".b", {"b": "mine"}, 5) == ["mine"]


async def test_closing_fails_what_still_runs(tmp_path, binary):
    toolbox = Toolbox(binary)
    slow = asyncio.create_task(toolbox.call("helm.render", chart(tmp_path, SLOW), 30, doing="render c"))
    await asyncio.sleep(0.15)
    await toolbox.aclose()
    with pytest.raises(Unavailable, match="the toolbox is closed"):
        await slow
    with pytest.raises(Unavailable, match="the toolbox is closed"):
        await answers(toolbox)
    assert children() == set()


PARENT = """
import asyncio, sys
from pathlib import Path
from tiphys.adapters.render import Toolbox

async def main():
    toolbox = Toolbox(Path(sys.argv[1]))
    request = {"dir": sys.argv[2], "releaseName": "r", "namespace": "n"}
    asking = asyncio.create_task(toolbox.call("helm.render", request, 60))
    await asyncio.sleep(0.3)
    print(*[child.pid for child in toolbox._busy], flush=True)
    await asking

asyncio.run(main())
"""


async def test_a_child_ends_when_its_parent_dies_even_in_the_middle_of_a_request(binary, tmp_path):
    folder = chart(tmp_path, SLOW)["dir"]
    pipe = asyncio.subprocess.PIPE
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, binary, folder, stdout=pipe)
    assert parent.stdout
    pid = int(await parent.stdout.readline())
    assert runs(pid)
    parent.kill()
    await parent.wait()
    until = time.monotonic() + 2
    while runs(pid):
        assert time.monotonic() < until
        await asyncio.sleep(0.02)


async def test_a_missing_or_foreign_program_is_told(tmp_path):
    async with Toolbox(tmp_path / "toolbox") as toolbox:
        with pytest.raises(Unavailable, match="toolbox is missing; build it with `make build`"):
            await answers(toolbox)
    (tmp_path / "toolbox").write_bytes(b"\x7fELF of another machine")
    (tmp_path / "toolbox").chmod(0o755)
    async with Toolbox(tmp_path / "toolbox") as toolbox:
        with pytest.raises(Unavailable, match="Exec format error"):
            await answers(toolbox)


async def test_a_request_too_large_is_not_sent(toolbox):
    with pytest.raises(SpecError, match="65 MiB to read; the toolbox takes 64"):
        await toolbox.call("yaml.decode", {"text": "x" * (65 << 20)}, 10, doing="read it")


async def test_helm_chooses_versions(toolbox):
    known = ["1.0.0", "v1.4.2", "1.5.0-rc.1", "latest", "2.0.0", "1.4.10+build"]
    assert await best_version(toolbox, "^1.0", known, 5) == "1.4.10+build"
    assert await best_version(toolbox, ">=1.5.0-0 <2", known, 5) == "1.5.0-rc.1"
    assert await best_version(toolbox, "1.4.2", known, 5) == "v1.4.2"
    assert await best_version(toolbox, "", known, 5) == "2.0.0"
    assert await best_version(toolbox, ">3", known, 5) is None
    with pytest.raises(SpecError, match='"newest" is not a version constraint'):
        await best_version(toolbox, "newest", known, 5)


async def test_jq_keeps_numbers_and_sees_nothing_else(toolbox):
    assert await jq(toolbox, ".[] | . + 1", [1000660000, 9007199254740993, 1.5], 5) == [
        1000660001,
        9007199254740994,
        2.5,
    ]
    assert await jq(toolbox, "[env, $ENV]", None, 5) == [[{}, {}]]
    for program in ["input", 'include "x"; .', ".a | nope", ".[", "error(1)"]:
        with pytest.raises(SpecError, match="jq: "):
            await jq(toolbox, program, {"a": 1}, 5)


@pytest.mark.parametrize("value", [2**70, "\ud800"])
async def test_what_json_cannot_carry_is_told(value, toolbox):
    with pytest.raises(SpecError, match="jq: "):
        await jq(toolbox, ".", value, 5)


async def test_a_long_message_is_shortened(toolbox):
    with pytest.raises(SpecError) as told:
        await jq(toolbox, "error($x)" + "x" * 100_000, None, 5)
    assert len(str(told.value)) < 5000


async def test_the_versions_built_in_are_told(toolbox):
    built_in = await engine_versions(toolbox, 5)
    assert built_in["toolbox"] == tiphys_toolbox.__version__
    assert built_in["helm"] == "v4.2.4"


CONTAINERS = {
    "spec": {"containers": [{"name": "web", "image": "a"}, {"name": "sidecar", "image": "b"}], "none": None}
}


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ('.spec.containers[] | select(.name == "sidecar") | .image', [["spec", "containers", 1, "image"]]),
        (".spec.containers[-1]", [["spec", "containers", -1]]),
        (".spec.containers[0], .spec.nothing # a note", [["spec", "containers", 0]]),
        (".spec.initContainers[]?.image", []),
        # As in Argo CD, a rule that does not fit an object is no mistake.
        (".spec.none[].image", []),
        (".spec.containers[].image[]", []),
    ],
)
async def test_a_path_expression_leads_to_what_is_there(expression, paths, toolbox):
    assert list(await jq_paths(toolbox, expression, CONTAINERS, 5, 10)) == paths


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        (".spec |", "unexpected token"),
        ("nosuch(.a)", "function not defined"),
        (".spec | length", "computes a value"),
        (".spec.containers[].name | ascii_upcase", "computes a value"),
        ("def f: f; f", "did not end"),
        ("repeat(.spec)", "more than 3 fields"),
        (".. | select(. != null)", "more than 3 fields"),
    ],
)
async def test_what_is_no_path_or_never_ends_says_so_and_quotes_no_object(expression, why, toolbox):
    with pytest.raises(SpecError, match=why) as told:
        await jq_paths(toolbox, expression, CONTAINERS, 0.3, 3)
    assert "sidecar" not in str(told.value)
    assert await answers(toolbox)
