"""What the revisions so far mean for the next one."""

import pytest

from tiphys.core.bootstrap.history import History, history_of
from tiphys.core.bootstrap.records import Record


def past(*statuses: str) -> History:
    """Revisions from 1 on, by how they ended."""
    bodies = [
        {"name": "shop", "namespace": "web", "version": n, "info": {"status": s}}
        for n, s in enumerate(statuses, 1)
    ]
    return history_of(reversed([Record(body) for body in bodies]))


@pytest.mark.parametrize(
    ("statuses", "revision", "upgrades"),
    [
        ([], 1, False),
        (["deployed"], 2, True),
        (["superseded", "failed"], 3, True),
        (["failed"], 2, False),
        (["pending-install"], 2, False),
        (["superseded", "uninstalled"], 3, False),
        (["superseded", "uninstalling"], 3, False),
    ],
)
def test_the_next_revision_is_an_upgrade_if_one_ever_went_well(
    statuses: list[str], revision: int, *, upgrades: bool
) -> None:
    found = past(*statuses)
    assert (found.revision, found.upgrades) == (revision, upgrades)


@pytest.mark.parametrize(
    ("statuses", "baseline"),
    [
        (["deployed"], [1]),
        (["superseded", "deployed"], [2]),
        (["deployed", "failed", "pending-upgrade"], [1, 2, 3]),
        (["failed", "failed"], [1, 2]),
        (["superseded", "uninstalled"], []),
        (["uninstalled", "failed"], [2]),
        (["superseded", "uninstalling"], [1, 2]),
    ],
)
def test_what_was_tried_since_the_last_success_is_not_forgotten(
    statuses: list[str], baseline: list[int]
) -> None:
    assert [record.version for record in past(*statuses).baseline] == baseline


def test_only_the_last_revision_can_stand_in_the_way() -> None:
    assert past("pending-install", "deployed").pending is None
    waiting = past("deployed", "pending-rollback").pending
    assert waiting is not None
    assert waiting.version == 2


def test_the_oldest_make_room_and_what_is_deployed_stays() -> None:
    assert past(*["superseded"] * 8, "deployed").surplus() == ()
    assert [r.version for r in past(*["superseded"] * 9, "deployed").surplus()] == [1]
    assert [r.version for r in past("deployed", *["failed"] * 10).surplus()] == [2, 3]
