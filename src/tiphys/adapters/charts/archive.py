"""
Looking into a chart's archive before it is kept: that it is the chart, and that unpacking it does no harm.

Unpacking is done by those who render.
"""

import gzip
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import IO

from tiphys.adapters.charts.settings import MIB, Settings


class BadArchiveError(Exception):
    """Why an archive cannot be taken."""


def looks_packed(start: bytes) -> bool:
    """Whether the first bytes are those of a gzip file."""
    return start[:2] == b"\x1f\x8b"


def check(archive: Path, name: str, settings: Settings) -> None:
    """Raises ``BadArchiveError`` unless the archive is one of the chart ``name`` and keeps within the limits."""
    try:
        # Unpacked first, within limits: a header of a tar can claim any size, and tarfile would read it whole.
        with tempfile.TemporaryFile(dir=archive.parent) as unpacked:
            _unpack(archive, unpacked, settings.unpacked_bytes)
            with tarfile.open(fileobj=unpacked, mode="r:") as members:
                _check_members(members, name, settings)
    except RecursionError as error:
        raise BadArchiveError("its headers are nested without end") from error
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise BadArchiveError(f"it is not a packed chart: {error}") from error


def _unpack(archive: Path, into: IO[bytes], most: int) -> None:
    with gzip.open(archive) as packed:
        while piece := packed.read(MIB):
            if into.tell() + len(piece) > most:
                raise BadArchiveError(f"it unpacks to more than {most // MIB} MiB")
            into.write(piece)
    into.seek(0)


def _check_members(members: tarfile.TarFile, name: str, settings: Settings) -> None:
    described = False
    size = 0
    for count, member in enumerate(members, 1):
        size += member.size
        if size > settings.unpacked_bytes:
            raise BadArchiveError(f"it unpacks to more than {settings.unpacked_bytes // MIB} MiB")
        if count > settings.unpacked_files:
            raise BadArchiveError(f"it holds more than {settings.unpacked_files} files")
        if not (member.isreg() or member.isdir()):
            raise BadArchiveError(
                f"{member.name!r} in it is a link or a device; only files and folders are taken"
            )
        steps = member.name.removeprefix("./").split("/")
        if member.name.startswith("/") or ".." in steps or "\\" in member.name or "\0" in member.name:
            raise BadArchiveError(f"{member.name!r} in it leads out of the chart's folder")
        described = described or steps == [name, "Chart.yaml"]
    if not described:
        raise BadArchiveError(f"it holds no {name}/Chart.yaml")
