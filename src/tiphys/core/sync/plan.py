"""
The tasks of a sync: what to apply and what to prune, in which wave.

Made anew at each look from what is wanted and what is live; nothing of it is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tiphys.core.sync.options import effective, wave_of
from tiphys.core.sync.order import rank
from tiphys.model.api import Operation, SyncOperation
from tiphys.model.flow import Comparison, Pair, SyncCode, Task
from tiphys.model.objects import Key, Manifest

PHASES = ("PreSync", "Sync", "PostSync")


@dataclass(frozen=True)
class Wanted:
    """What a look found, as far as a sync needs it."""

    pairs: Sequence[Pair]
    comparisons: Mapping[Key, Comparison]
    pins: Mapping[Key, str] = field(default_factory=dict)
    """The live version that a target was made for, where it carries live values."""
    namespace: str = ""
    """The destination namespace, to be created where the options say so."""
    namespace_lives: bool = True


def plan(operation: Operation, wanted: Wanted, options: Iterable[str] = ()) -> tuple[Task, ...]:
    """The tasks in their order. ``options`` are the application's own; the operation's are added."""
    sync = operation.sync or SyncOperation()
    words = (*options, *sync.sync_options, *_strategy(sync))
    chosen = [pair for pair in wanted.pairs if selects(sync, pair.key) and _is_due(pair, wanted)]
    tasks = [_task(pair, wanted, words, sync) for pair in chosen]
    namespace = _namespace_task(wanted, words, tasks)
    return tuple(sorted(_with_prunes_reversed([*namespace, *tasks]), key=position))


def position(task: Task) -> tuple[int, int, int, str, str]:
    """Phase, wave, prunes before applies, kind, name."""
    return (
        PHASES.index(task.phase),
        task.wave,
        -1 if task.prunes else rank(task.key.kind),
        task.key.name,
        task.key.namespace,
    )


def selects(sync: SyncOperation, key: Key) -> bool:
    """Whether a sync means the object; without a selection, all are meant."""
    return not sync.resources or any(
        (chosen.group, chosen.kind, chosen.name) == (key.group, key.kind, key.name)
        and (not key.namespace or chosen.namespace in ("", key.namespace))
        for chosen in sync.resources
    )


def _is_due(pair: Pair, wanted: Wanted) -> bool:
    """What is live and wanted by nobody is only pruned where it is certain that nobody wants it."""
    comparison = wanted.comparisons.get(pair.key)
    return bool(pair.target or (comparison and comparison.requires_pruning))


def _strategy(sync: SyncOperation) -> tuple[str, ...]:
    """The sync options that a strategy stands for."""
    strategy = sync.sync_strategy
    ways = (strategy.apply, strategy.hook) if strategy else ()
    return ("Force=true",) if any(way and way.force for way in ways) else ()


def _task(pair: Pair, wanted: Wanted, words: Iterable[str], sync: SyncOperation) -> Task:
    known = pair.target or pair.live
    annotations = known.annotations if known else {}
    comparison = wanted.comparisons.get(pair.key)
    options = effective(words, annotations)
    rewrites = options & {"Replace=true", "Force=true"} and not operation_is_automatic(sync)
    return Task(
        key=pair.key,
        target=pair.target,
        wave=wave_of(annotations),
        options=options,
        in_sync=bool(comparison and comparison.code is SyncCode.SYNCED and not rewrites),
        resource_version=wanted.pins.get(pair.key, ""),
    )


def operation_is_automatic(sync: SyncOperation) -> bool:
    """Whether a sync heals drift, which never rewrites what is in sync."""
    return sync.auto_heal_attempts_count > 0


def _namespace_task(wanted: Wanted, words: Iterable[str], tasks: Sequence[Task]) -> list[Task]:
    """The namespace that ``CreateNamespace=true`` asks for, ahead of everything; a manifest of it outranks this."""
    if wanted.namespace_lives or not wanted.namespace or "CreateNamespace=true" not in effective(words, {}):
        return []
    key = Key("", "Namespace", "", wanted.namespace)
    if any(task.key == key for task in tasks):
        return []
    # Without a tracking id: Argo CD never prunes a namespace that it made this way.
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": wanted.namespace}}
    first = min((task.wave for task in tasks), default=0)
    return [Task(key, Manifest(key, body), wave=first)]


def _with_prunes_reversed(tasks: list[Task]) -> list[Task]:
    """Prunes go through the waves backwards: what came last goes first; ``PruneLast=true`` after everything."""
    waves = sorted({task.wave for task in tasks if task.prunes})
    mirrored = dict(zip(waves, reversed(waves), strict=True))
    last = max((task.wave for task in tasks), default=0) + 1

    def placed(task: Task) -> Task:
        if not task.prunes:
            return task
        return replace(task, wave=last if "PruneLast=true" in task.options else mirrored[task.wave])

    return [placed(task) for task in tasks]
