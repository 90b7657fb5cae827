"""Charts of a real HTTP repository, with all that goes wrong in such."""

import asyncio
import gzip
import hashlib
import io
import tarfile
import time
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from adapters.charts.conftest import Charts, packed
from tiphys.adapters.charts import HttpChartRepositories, Settings
from tiphys.adapters.charts.index import Listed, parsed
from tiphys.model.errors import SpecError, Unavailable
from tiphys.model.rendering import ChartPin

PAGE = web.Response(text="<!DOCTYPE html><html>Sign in</html>", content_type="text/html")


def link(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


async def test_versions_come_in_the_order_of_the_index(charts: HttpChartRepositories, upstream: Charts):
    upstream.publish("keda", "2.0.0")
    upstream.publish("keda", "2.1.0-rc.1+build")
    upstream.publish("other")
    assert await charts.versions(upstream.url, "keda") == ["2.1.0-rc.1+build", "2.0.0"]
    assert await charts.versions(upstream.url + "/", "other") == ["1.0.0"]


async def test_an_archive_is_the_one_that_was_published(charts: HttpChartRepositories, upstream: Charts):
    pack = upstream.publish("keda", "2.0.0")
    archive = await charts.fetch(ChartPin(upstream.url, "keda", "2.0.0"))
    assert archive.read_bytes() == pack
    assert archive.name == "keda-2.0.0.tgz"


async def test_many_at_once_share_one_fetch(charts: HttpChartRepositories, upstream: Charts):
    upstream.publish("keda")
    pin = ChartPin(upstream.url, "keda", "1.0.0")
    assert (
        len({await fetched for fetched in asyncio.as_completed([charts.fetch(pin) for _ in range(20)])}) == 1
    )
    assert upstream.requests == ["index.yaml", "keda-1.0.0.tgz"]


async def test_what_was_fetched_outlives_its_repository(
    charts: HttpChartRepositories, upstream: Charts, tmp_path: Path
):
    pack = upstream.publish("keda")
    pin = ChartPin(upstream.url, "keda", "1.0.0")
    await charts.fetch(pin)
    upstream.files.clear()
    async with HttpChartRepositories(tmp_path / "charts") as restarted:
        assert (await restarted.fetch(pin)).read_bytes() == pack
    assert upstream.requests.count("keda-1.0.0.tgz") == 1


async def test_another_archive_under_the_same_version_changes_nothing(
    charts: HttpChartRepositories, upstream: Charts
):
    first = upstream.publish("keda")
    pin = ChartPin(upstream.url, "keda", "1.0.0")
    await charts.fetch(pin)
    upstream.publish("keda", pack=packed("keda", more=b"changed"))
    assert (await charts.fetch(pin)).read_bytes() == first


async def test_an_index_is_held_for_a_while_and_asked_for_only_if_it_changed(
    upstream: Charts, tmp_path: Path
):
    upstream.publish("keda")
    async with HttpChartRepositories(tmp_path / "charts") as charts:
        for _ in range(3):
            await charts.versions(upstream.url, "keda")
    assert upstream.requests == ["index.yaml"]
    async with HttpChartRepositories(tmp_path / "charts") as charts:
        upstream.files["index.yaml"] = upstream.files["index.yaml"]
        assert await charts.versions(upstream.url, "keda") == ["1.0.0"]
    assert len(upstream.requests) == 2


async def test_a_version_published_a_moment_ago_is_found(upstream: Charts, tmp_path: Path):
    upstream.publish("keda", "1.0.0")
    async with HttpChartRepositories(tmp_path / "charts", Settings(hold_seconds=1.2)) as charts:
        await charts.versions(upstream.url, "keda")
        upstream.publish("keda", "1.1.0")
        upstream.publish("new")
        await asyncio.sleep(1.1)
        assert await charts.fetch(ChartPin(upstream.url, "keda", "1.1.0"))
        assert await charts.versions(upstream.url, "new") == ["1.0.0"]


async def test_while_a_repository_is_away_its_last_index_serves(
    charts: HttpChartRepositories, upstream: Charts, tmp_path: Path
):
    upstream.publish("keda")
    await charts.versions(upstream.url, "keda")
    for fault in (web.Response(status=503), web.Response(status=404), PAGE):
        upstream.faults["index.yaml"] = fault
        async with HttpChartRepositories(tmp_path / "charts") as restarted:
            with capture_logs() as logs:
                assert await restarted.versions(upstream.url, "keda") == ["1.0.0"]
            assert "its last known index is used" in logs[0]["event"]


async def test_archives_may_be_elsewhere(charts: HttpChartRepositories, upstream: Charts):
    pack = upstream.publish("keda", urls=[f"{upstream.other_url}/keda-1.0.0.tgz"])
    upstream.faults["old.tgz"] = web.Response(status=302, headers={"Location": "/far/away/keda-1.0.0.tgz"})
    upstream.publish("moved", pack=packed("moved"), urls=["gone.tgz", "charts/moved-1.0.0.tgz"])
    upstream.publish("keda", "2.0.0", pack=pack, urls=["old.tgz"])
    assert (await charts.fetch(ChartPin(upstream.url, "keda", "1.0.0"))).read_bytes() == pack
    assert (await charts.fetch(ChartPin(upstream.url, "keda", "2.0.0"))).read_bytes() == pack
    assert await charts.fetch(ChartPin(upstream.url, "moved", "1.0.0"))


async def test_an_unknown_chart_or_version_names_what_is_there(
    charts: HttpChartRepositories, upstream: Charts
):
    upstream.publish("keda", "2.0.0")
    upstream.publish("keda", "2.0.1")
    with pytest.raises(SpecError, match=r"stable has no chart kedaa; it has keda"):
        await charts.versions(upstream.url, "kedaa")
    with pytest.raises(SpecError, match=r"keda of http.*stable has no version 2.0.2; it has 2.0.1, 2.0.0"):
        await charts.fetch(ChartPin(upstream.url, "keda", "2.0.2"))


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (web.Response(status=404), "did the repository move or close"),
        (web.Response(status=410), "did the repository move or close"),
        (web.Response(status=401), "asks for credentials"),
        (web.Response(status=429), "HTTP 429"),
        (web.Response(status=500), "HTTP 500"),
        (PAGE, "a web page"),
        (web.Response(text="just: text"), "no entries"),
        (web.Response(text="- a list"), "not a mapping"),
        (web.Response(text="a: [unfinished"), "not YAML"),
        (web.Response(body=b"\xff\xfe\x00"), "not YAML"),
        (web.Response(text='{"entries": 3}'), "no entries"),
        (web.Response(text="{]"), "no index"),
        (web.Response(text=""), "not a mapping"),
        (web.Response(status=302, headers={"Location": "/stable/index.yaml"}), "without end"),
    ],
)
async def test_a_repository_that_gives_no_index_is_told_of(
    charts: HttpChartRepositories, upstream: Charts, fault: web.Response, why: str
):
    upstream.faults["index.yaml"] = fault
    with pytest.raises(Unavailable, match=rf"index of chart repository http.*stable: .*{why}"):
        await charts.versions(upstream.url, "keda")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("oci://ghcr.io/charts", "OCI registries are not built yet"),
        ("file:///etc", "starts with https://"),
        ("@bitnami", "is an alias"),
        ("alias:bitnami", "is an alias"),
        ("", "starts with https://"),
        ("http://169.254.169.254/latest", "metadata"),
        ("http://a:b:c", "not a URL"),
    ],
)
async def test_a_url_that_is_no_repository_is_refused(charts: HttpChartRepositories, url: str, why: str):
    with pytest.raises(SpecError, match=why):
        await charts.versions(url, "keda")


@pytest.mark.parametrize("name", ["../../x", "a/b", "", ".x", "a\0b"])
async def test_a_name_that_could_lead_elsewhere_is_refused(
    charts: HttpChartRepositories, upstream: Charts, name: str
):
    for pin in (ChartPin(upstream.url, name, "1.0.0"), ChartPin(upstream.url, "keda", name)):
        with pytest.raises(SpecError, match="no name or no version"):
            await charts.fetch(pin)
    assert upstream.requests == []


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/x", "http://0xa9fea9fe/x", "http://[::ffff:a9fe:a9fe]/x", "file:///etc/passwd"],
)
async def test_nobody_is_led_to_a_metadata_service(
    charts: HttpChartRepositories, upstream: Charts, target: str
):
    upstream.publish("keda", urls=["away"])
    upstream.faults["away"] = web.Response(status=302, headers={"Location": target})
    with pytest.raises((SpecError, Unavailable), match=r"metadata|starts with https://"):
        await charts.fetch(ChartPin(upstream.url, "keda", "1.0.0"))


async def test_credentials_in_a_url_are_never_told_and_go_nowhere_else(
    charts: HttpChartRepositories, upstream: Charts
):
    seen: list[str | None] = []
    upstream.publish("keda", urls=[f"{upstream.other_url}/keda-1.0.0.tgz"])
    answer = upstream.answer

    async def noting(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return await answer(request)

    app = web.Application()
    app.router.add_get("/{path:.*}", noting)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    upstream.publish("keda", "2.0.0", urls=[f"http://localhost:{port}/keda-2.0.0.tgz"])
    url = f"http://ada:secret@127.0.0.1:{port}/stable"
    await charts.fetch(ChartPin(url, "keda", "2.0.0"))
    assert [bool(header) for header in seen] == [True, False]
    with pytest.raises(SpecError) as caught:
        await charts.fetch(ChartPin(url, "keda", "9.9.9"))
    assert "secret" not in str(caught.value)
    await runner.cleanup()


def bomb() -> bytes:
    return packed("keda", **{"keda/big": bytes(30 << 20)})


def long_header() -> bytes:
    """A tar whose extended header alone is 30 MiB."""
    header = tarfile.TarInfo("keda/x")
    header.type, header.size = tarfile.XHDTYPE, 30 << 20
    return gzip.compress(header.tobuf() + bytes(30 << 20), 1)


def nested_headers() -> bytes:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 4
    return gzip.compress((header.tobuf() + b"abc\0" + bytes(508)) * 5000, 1)


@pytest.mark.parametrize(
    ("pack", "why"),
    [
        (packed("keda", **{"../evil": b"x"}), "'../evil' in it leads out"),
        (packed("keda", **{"keda/../../evil": b"x"}), "leads out"),
        (packed("keda", **{"/etc/passwd": b"x"}), "'/etc/passwd' in it leads out"),
        (packed("keda", **{"keda\\..\\x": b"x"}), "leads out"),
        (packed("keda", link=link("keda/Chart.lock", "/etc/passwd")), "'keda/Chart.lock' in it is a link"),
        (packed("other"), "holds no keda/Chart.yaml"),
        (bomb(), "unpacks to more than 8 MiB"),
        (long_header(), "unpacks to more than 8 MiB"),
        (nested_headers(), "nested|not a packed chart"),
        (packed("keda", **{f"keda/{n}": b"" for n in range(200)}), "more than 100 files"),
        (packed("keda")[:-20], "not a packed chart"),
        (gzip.compress(b"not a tar at all" * 100), "not a packed chart"),
        (b"\x1f\x8b" + bytes(100), "not a packed chart"),
        (packed("keda", big=bytes(100)) + bytes(3 << 20), "larger than 2 MiB"),
    ],
    ids=[
        "a member above",
        "a member above from within",
        "an absolute member",
        "a member of Windows",
        "a symlinked lock",
        "another chart",
        "a bomb",
        "a long header",
        "nested headers",
        "many files",
        "cut short",
        "no tar",
        "no gzip",
        "too long",
    ],
)
async def test_an_archive_that_could_do_harm_is_not_kept(
    upstream: Charts, tmp_path: Path, pack: bytes, why: str
):
    upstream.publish("keda", pack=pack)
    settings = Settings(archive_bytes=2 << 20, unpacked_bytes=8 << 20, unpacked_files=100)
    async with HttpChartRepositories(tmp_path / "charts", settings) as charts:
        with pytest.raises(SpecError, match=rf"chart keda 1.0.0 from http.*stable.*: .*({why})"):
            await charts.fetch(ChartPin(upstream.url, "keda", "1.0.0"))
    assert [path.name for path in (tmp_path / "charts").rglob("*") if path.is_file()] == ["index.json"]


async def test_an_archive_that_is_not_what_the_index_says_is_not_kept(
    charts: HttpChartRepositories, upstream: Charts
):
    pin = ChartPin(upstream.url, "keda", "1.0.0")
    upstream.publish("keda", digest="0" * 64)
    with pytest.raises(Unavailable, match="not the one that the index describes"):
        await charts.fetch(pin)
    upstream.faults["keda-1.0.0.tgz"] = PAGE
    with pytest.raises(Unavailable, match="no packed chart but text/html"):
        await charts.fetch(pin)
    upstream.faults["keda-1.0.0.tgz"] = web.Response(status=404)
    with pytest.raises(Unavailable, match="did the repository move"):
        await charts.fetch(pin)
    del upstream.faults["keda-1.0.0.tgz"]
    upstream.publish(
        "keda", digest="sha256:" + hashlib.sha256(upstream.files["keda-1.0.0.tgz"]).hexdigest().upper()
    )
    assert await charts.fetch(pin)


async def test_a_version_without_urls_and_a_host_that_is_away_are_told(
    charts: HttpChartRepositories, upstream: Charts
):
    upstream.publish("keda", urls=[])
    with pytest.raises(Unavailable, match="tells no URL"):
        await charts.fetch(ChartPin(upstream.url, "keda", "1.0.0"))
    with pytest.raises(Unavailable, match="nothing answers at this address"):
        await charts.versions("http://127.0.0.1:1/", "keda")
    with pytest.raises(Unavailable, match="host name cannot be used"):
        await charts.versions("http://charts.invalid/", "keda")


async def test_a_repository_that_never_ends_its_answer_is_left(upstream: Charts, tmp_path: Path):
    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(100):
            await answer.write(b"a")
            await asyncio.sleep(0.05)
        return answer

    upstream.instead = drip
    async with HttpChartRepositories(tmp_path / "charts", Settings(seconds=0.4)) as charts:
        began = time.monotonic()
        with pytest.raises(Unavailable, match=r"not done within 0.4 seconds"):
            await charts.versions(upstream.url, "keda")
        assert time.monotonic() - began < 3


async def test_an_index_past_the_limit_is_refused(upstream: Charts, tmp_path: Path):
    upstream.files["index.yaml"] = b"entries: {}\n#" + b"x" * (2 << 20)
    async with HttpChartRepositories(tmp_path / "charts", Settings(index_bytes=1 << 20)) as charts:
        with pytest.raises(SpecError, match="larger than 1 MiB"):
            await charts.versions(upstream.url, "keda")


async def test_a_fetch_that_was_cut_short_leaves_nothing_behind(upstream: Charts, tmp_path: Path):
    upstream.publish("keda")
    async with HttpChartRepositories(tmp_path / "charts") as charts:
        archive = await charts.fetch(ChartPin(upstream.url, "keda", "1.0.0"))
    (archive.parent / ".new-abc").mkdir()
    (archive.parent / ".new-abc/chart.tgz").write_bytes(b"half")
    async with HttpChartRepositories(tmp_path / "charts"):
        assert {path.name for path in archive.parent.iterdir()} == {"index.json", "keda-1.0.0.tgz"}


def test_an_index_is_read_whatever_else_is_in_it():
    text = b"""\
apiVersion: v1
annotations: &bomb {a: [[[1, {b: 2}]]]}
entries:
  keda:
    - version: 1.10
      digest: SHA
      dependencies: [{name: x, version: 9, urls: [wrong]}]
      urls:
        - a.tgz
        - {not: a url}
      twice: *bomb
    - version: [not, a, version]
    - just text
    - {urls: &list [b.tgz], version: "2", digest: ~}
  empty: []
  odd: text
  ? [complex, key]
  : - version: 3
serverInfo: {}
"""
    index = parsed(text)
    assert index.of("keda") == (Listed("1.10", ("a.tgz",), "sha"), Listed("2", ("b.tgz",), "~"))
    assert index.of("empty") == index.of("odd") == ()
    assert index.of("none") is None
    assert parsed(b' {"entries": {"a": [{"version": "1", "urls": ["x"]}, 3]}}').of("a") == (
        Listed("1", ("x",), ""),
    )


def test_a_yaml_bomb_is_only_as_large_as_it_is_written():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)]
    began = time.monotonic()
    assert parsed("\n".join([*lines, "entries: {a: [{version: 1, urls: *a39}]}"]).encode()).of("a")
    assert time.monotonic() - began < 1


def test_what_was_packed_for_these_tests_unpacks():
    with tarfile.open(fileobj=io.BytesIO(packed("keda"))) as pack:
        assert pack.getnames() == ["keda/Chart.yaml", "keda/templates/a.yaml"]
