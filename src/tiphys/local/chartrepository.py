"""
A chart repository as its authors would publish it: packed charts and an ``index.yaml``, made of folders.

Packs are the same bytes for the same folder. Who serves them is for others to know.
"""

import gzip
import hashlib
import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tiphys.model.errors import SpecError


def publish(charts: Path, into: Path) -> list[Path]:
    """
    Pack each folder of ``charts`` that has a ``Chart.yaml`` and write an index of everything in ``into``.

    Packs of earlier versions stay and stay listed, as in any chart repository.
    """
    into.mkdir(parents=True, exist_ok=True)
    packed = [_pack(chart.parent, into) for chart in sorted(charts.glob("*/Chart.yaml"))]
    _write(into / "index.yaml", yaml.safe_dump(_index(into), sort_keys=True).encode())
    return packed


def _pack(chart: Path, into: Path) -> Path:
    about = _about((chart / "Chart.yaml").read_bytes(), str(chart))
    files = sorted(path for path in chart.rglob("*") if path.is_file())
    data = io.BytesIO()
    # Without times and owners, so that the same sources have the same digest.
    with (
        gzip.GzipFile(fileobj=data, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as pack,
    ):
        for file in files:
            entry = tarfile.TarInfo(f"{about['name']}/{file.relative_to(chart)}")
            content = file.read_bytes()
            entry.size, entry.mode = len(content), 0o644
            pack.addfile(entry, io.BytesIO(content))
    return _write(into / f"{about['name']}-{about['version']}.tgz", data.getvalue())


def _index(folder: Path) -> dict[str, Any]:
    entries: dict[str, list[dict[str, Any]]] = {}
    for pack in sorted(folder.glob("*.tgz"), reverse=True):
        about = _packed_about(pack)
        created = datetime.fromtimestamp(pack.stat().st_mtime, UTC).isoformat()
        digest = hashlib.sha256(pack.read_bytes()).hexdigest()
        entry = {**about, "urls": [pack.name], "digest": digest, "created": created}
        entries.setdefault(about["name"], []).append(entry)
    return {"apiVersion": "v1", "entries": entries, "generated": datetime.now(UTC).isoformat()}


def _packed_about(pack: Path) -> dict[str, Any]:
    with tarfile.open(pack) as files:
        for entry in files:
            if Path(entry.name).match("*/Chart.yaml") and entry.name.count("/") == 1:
                content = files.extractfile(entry)
                return _about(content.read() if content else b"", str(pack))
    raise SpecError(f"{pack} has no Chart.yaml")


def _about(text: bytes, where: str) -> dict[str, Any]:
    about = yaml.safe_load(text)
    if not isinstance(about, dict) or not about.get("name") or not about.get("version"):
        raise SpecError(f"the Chart.yaml of {where} lacks a name or a version")
    return about


def _write(path: Path, data: bytes) -> Path:
    """Write only what is new, so that an unchanged file keeps its time; readers see the old or the new."""
    if not path.exists() or path.read_bytes() != data:
        new = path.with_name(f".{path.name}.new")
        new.write_bytes(data)
        new.replace(path)
    return path
