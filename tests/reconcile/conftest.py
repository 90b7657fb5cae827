"""The stage of the stories."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import tiphys_toolbox
from reconcile.stage import Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """An engine on an empty cluster and an empty repository."""
    if not tiphys_toolbox.binary().exists():
        pytest.skip("the toolbox is not built (make build)")
    stage = Stage(tmp_path)
    await stage.begin()
    yield stage
    await stage.end()
