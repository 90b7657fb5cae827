from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tiphys.adapters.cluster.readings import Reading
from tiphys.adapters.cluster.store import Change, Store
from tiphys.model.objects import Key, Kind

CONFIG_MAP = Kind("", "ConfigMap")
A = Key("", "ConfigMap", "web", "a")


def reading(version: int, *, key: Key = A, uid: str = "1", application: str = "shop") -> Reading:
    return Reading(key, uid, str(version), application, b'{"metadata":{"name":"a","namespace":"web"}}')


def store(*seen: Reading) -> tuple[Store, list[Change]]:
    changes: list[Change] = []
    made = Store((), changes.append)
    for each in seen:
        made.see(each)
    return made, changes


def test_an_older_reading_never_replaces_a_newer() -> None:
    made, changes = store(reading(5), reading(3), reading(5))
    assert made.get(A).version == "5"
    assert len(changes) == 1


def test_what_was_deleted_does_not_come_back_by_old_news() -> None:
    made, _ = store(reading(5))
    made.bury(A, "1")
    made.see(reading(6))
    assert made.get(A) is None
    made.see(reading(7, uid="2"))
    assert made.get(A).uid == "2"


def test_the_end_of_an_earlier_object_does_not_touch_its_successor() -> None:
    made, _ = store(reading(9, uid="2"))
    made.gone(reading(8, uid="1"))
    assert made.get(A).uid == "2"


def test_an_answer_of_our_own_write_that_comes_after_the_deletion_is_old() -> None:
    made, _ = store(reading(5))
    made.gone(reading(8))
    made.see(reading(7))
    assert made.get(A) is None


def test_a_list_that_began_before_our_write_does_not_take_it_away() -> None:
    made, _ = store(reading(9))
    made.complete(CONFIG_MAP, (), "8")
    assert made.get(A) is not None
    made.complete(CONFIG_MAP, (), "9")
    assert made.get(A) is None


def test_an_object_is_tracked_by_one_application_at_a_time() -> None:
    made, changes = store(reading(1), reading(2, application="other"))
    assert [*made.tracked("shop")] == []
    assert [r.version for r in made.tracked("other")] == ["2"]
    assert changes[-1].applications == {"shop", "other"}


def test_an_object_that_is_nobodys_is_kept_only_if_wanted() -> None:
    made, changes = store(reading(1, application=""))
    assert made.get(A) is None
    assert changes == []
    made.want(A)
    made.see(reading(2, application=""))
    assert made.get(A).version == "2"


def test_an_object_that_becomes_nobodys_is_told_and_dropped() -> None:
    made, changes = store(reading(1), reading(2, application=""))
    assert made.get(A) is None
    assert changes[-1].after is not None
    assert changes[-1].applications == {"shop"}


def test_absence_is_known_once_told_and_until_something_appears() -> None:
    made, _ = store()
    made.want(A)
    assert not made.known_absent(A)
    made.confirm(A, None, None)
    assert made.known_absent(A)
    made.see(reading(1))
    assert not made.known_absent(A)
    made.gone(reading(2))
    assert made.known_absent(A)


def test_a_single_read_is_believed_unless_something_came_between() -> None:
    made, _ = store(reading(500))
    made.confirm(A, made.get(A), reading(3, uid="restored"))
    assert made.get(A).uid == "restored"
    before = made.get(A)
    made.see(reading(9, uid="restored"))
    made.confirm(A, before, None)
    assert made.get(A).version == "9"


def test_after_a_rewind_the_next_reading_is_the_newer() -> None:
    made, _ = store(reading(500))
    made.rewind(CONFIG_MAP)
    made.see(reading(3))
    assert made.get(A).version == "3"


KEYS = [Key("", "ConfigMap", "web", name) for name in "abc"]
HISTORY = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["shop", "other", ""]), st.booleans()),
    min_size=1,
    max_size=20,
)


@given(HISTORY, st.randoms(use_true_random=False))
def test_whatever_the_order_of_news_the_newest_state_is_kept(history, random) -> None:
    """A watch tells in order, but our own writes and single reads come in at any point, late or early."""
    made, _ = store()
    for key in KEYS:
        made.want(key)
    final: dict[Key, Reading | None] = {}
    news = []
    for version, (key, application, deleted) in enumerate(history, start=1):
        uid = f"{key.name}-{sum(1 for k, _, d in history[: version - 1] if k == key and d)}"
        event = reading(version, key=key, uid=uid, application=application)
        final[key] = None if deleted else event
        news.append((event, deleted))
    early = [event for event, deleted in news if not deleted and random.random() < 0.5]
    for event, deleted in news:
        if early and random.random() < 0.5:
            made.see(early.pop(random.randrange(len(early))))
        made.gone(event) if deleted else made.see(event)
    for event in early:
        made.see(event)
    assert {k: r and r.version for k, r in final.items()} == {
        k: (g := made.get(k)) and g.version for k in final
    }
    for application in ("shop", "other"):
        expected = {k for k, r in final.items() if r and r.application == application}
        assert {r.key for r in made.tracked(application)} == expected


def test_a_reading_is_decoded_once_for_all_who_ask_soon() -> None:
    made, _ = store(reading(1))
    kept = made.get(A)
    assert made.live(kept) is made.live(replace(kept))
