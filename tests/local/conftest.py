"""What these tests share: the built localkube, and places of their own that are left empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tiphys.local import parts
from tiphys.local.place import Place


@pytest.fixture(scope="session")
def localkube() -> Path:
    package = pytest.importorskip("tiphys_localkube", reason="tiphys-localkube is not installed")
    binary: Path = package.binary()
    if not binary.exists():
        pytest.skip("localkube is not built; run: make build")
    return binary


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "state")
    yield place
    parts.stop(place)
