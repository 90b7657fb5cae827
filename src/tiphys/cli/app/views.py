"""
An Application as text, in the shapes that ``argocd`` users know.

Values in, text out. What the words mean was decided by the engine.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from tiphys.cli.app.family import Family
from tiphys.cli.app.states import states_of
from tiphys.cli.output import fields, instant, moment, span, table
from tiphys.model.api import Application, ApplicationSource, OperationState, RevisionHistory
from tiphys.model.objects import Key

LISTING = (
    "NAME", "CLUSTER", "NAMESPACE", "PROJECT", "STATUS", "HEALTH", "SYNCPOLICY", "CONDITIONS",
    "REPO", "PATH", "TARGET",
)  # fmt: skip
RESOURCES = ("GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE")

_SHORT = 7
_SHA = 40


def qualified(app: Application) -> str:
    """``argocd/homepage``."""
    return "/".join(filter(None, (app.metadata.namespace, app.metadata.name)))


def listing(apps: Iterable[Application]) -> str:
    """The table of ``app list``."""
    return table(LISTING, (_listed(app) for app in apps))


def _listed(app: Application) -> tuple[str, ...]:
    source = (sources_of(app) or (ApplicationSource(repo_url=""),))[0]
    return (
        qualified(app),
        _cluster(app),
        app.spec.destination.namespace,
        app.spec.project,
        app.status.sync.status,
        app.status.health.status,
        _short_policy(app),
        _condition_types(app),
        source.repo_url,
        source.path,
        source.target_revision,
    )


def header(app: Application) -> str:
    """The block that ``app get`` begins with."""
    sources = sources_of(app)
    rows = [
        ("Name:", qualified(app)),
        ("Project:", app.spec.project),
        ("Server:", _cluster(app)),
        ("Namespace:", app.spec.destination.namespace),
        ("Sources:" if len(app.spec.sources) > 1 else "Source:", ""),
        *(row for source in sources for row in _source(source)),
        ("SyncWindow:", "Sync Allowed"),
        ("Sync Policy:", _policy(app)),
        ("Sync Status:", _sync(app)),
        ("Health Status:", _health(app)),
    ]
    return fields(rows)


def sources_of(app: Application) -> tuple[ApplicationSource, ...]:
    """Where its manifests come from; with ``sources``, ``source`` is not looked at."""
    return app.spec.sources or ((app.spec.source,) if app.spec.source else ())


def _source(source: ApplicationSource) -> list[tuple[str, str]]:
    optional = (
        ("  Path:", source.path),
        ("  Chart:", source.chart),
        ("  Ref:", source.ref),
        ("  Helm Values:", ",".join(source.helm.value_files) if source.helm else ""),
        ("  Name Prefix:", source.kustomize.name_prefix if source.kustomize else ""),
    )
    named = [("- Repo:", source.repo_url), ("  Target:", source.target_revision)]
    return named + [row for row in optional if row[1]]


def _cluster(app: Application) -> str:
    return app.spec.destination.server or app.spec.destination.name


def _policy(app: Application) -> str:
    return {"Auto": "Automated", "Auto-Prune": "Automated (Prune)"}.get(_short_policy(app), "Manual")


def _short_policy(app: Application) -> str:
    automated = app.spec.sync_policy.automated if app.spec.sync_policy else None
    if not automated or automated.enabled is False:
        return "Manual"
    return "Auto-Prune" if automated.prune else "Auto"


def _condition_types(app: Application) -> str:
    counted = Counter(condition.type for condition in app.status.conditions)
    return ",".join(f"{t}({n})" if n > 1 else t for t, n in counted.items()) or "<none>"


def _sync(app: Application) -> str:
    status, sources = app.status.sync.status, sources_of(app)
    target = sources[0].target_revision if sources else ""
    place = {"Synced": f" to {target}", "OutOfSync": f" from {target}"}.get(status, "")
    revision = app.status.sync.revision
    fixed = len(target) in (_SHORT, _SHA) and not set(target) - set("0123456789abcdef")
    return f"{status}{place}{f' ({revision[:_SHORT]})' if revision and not fixed else ''}"


def _health(app: Application) -> str:
    health = app.status.health
    return f"{health.status} ({health.message})" if health.message else health.status


def conditions(app: Application) -> str:
    """The table of conditions."""
    rows = ((c.type, c.message, moment(c.last_transition_time)) for c in app.status.conditions)
    return table(("CONDITION", "MESSAGE", "LAST TRANSITION"), rows)


def operation(state: OperationState, now: datetime | None = None) -> str:
    """The block about the latest operation."""
    result = state.sync_result
    named = [
        ("Operation:", "Sync"),
        ("Sync Revision:", ", ".join(result.revisions) or result.revision),
    ] if result else []  # fmt: skip
    end = instant(state.finished_at) if state.finished_at else (now or datetime.now(UTC))
    rows = [
        *named,
        ("Phase:", state.phase),
        ("Start:", moment(state.started_at)),
        ("Finished:", moment(state.finished_at)),
        ("Duration:", span(end - instant(state.started_at))),
        *([("Message:", state.message)] if state.message else []),
    ]
    return fields(rows)


def resource_table(app: Application) -> str:
    """The table of the application's objects, those of the latest operation first."""
    states = states_of(app)
    rows = ((s.group, s.kind, s.namespace, s.name, s.status, s.health, s.hook, s.message) for s in states)
    return table(RESOURCES, rows)


def tree(app: Application, family: Family) -> str:
    """The table of the application's objects, each with what it made below it."""
    rows: list[tuple[str, ...]] = []
    for state in states_of(app):
        rows.append((f"{state.kind}/{state.name}", state.status, state.health, state.message))
        rows += _branches(state.key, family, "")
    return table(("KIND/NAME", "STATUS", "HEALTH", "MESSAGE"), rows)


def _branches(key: Key, family: Family, indent: str) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    children = sorted(family.get(key, []), key=lambda child: child.key)
    for child in children:
        last = child is children[-1]
        rows.append(
            (f"{indent}{'└─' if last else '├─'}{child.key.kind}/{child.key.name}", "", child.health, "")
        )
        rows += _branches(child.key, family, f"{indent}{'  ' if last else '│ '}")
    return rows


def parameters(app: Application) -> str:
    """The Helm parameters of the sources."""
    helms = [source.helm for source in sources_of(app) if source.helm]
    return table(("NAME", "VALUE"), ((p.name, _cut(p.value)) for h in helms for p in h.parameters))


def _cut(value: str, limit: int = 80) -> str:
    return value if len(value) <= limit else f"{value[: limit - 3]}..."


def whole(
    app: Application,
    family: Family | None = None,
    *,
    show_operation: bool = False,
    show_params: bool = False,
) -> str:
    """What ``app get`` prints, an empty line between its parts; a tree where ``family`` is given."""
    objects = resource_table(app) if family is None else tree(app, family)
    parts = [
        header(app),
        conditions(app) if app.status.conditions else "",
        operation(app.status.operation_state) if show_operation and app.status.operation_state else "",
        parameters(app) if show_params else "",
        objects if states_of(app) else "",
    ]
    return "\n\n".join(filter(None, parts))


def history_table(entries: Sequence[RevisionHistory]) -> str:
    """The table of ``app history``, one for each repository that was ever synced from."""
    told: dict[str, list[tuple[str, str, str]]] = {}
    for entry in entries:
        for source, revision in _deployed(entry):
            named = f"{source.target_revision} ({revision[:_SHORT]})" if revision else source.target_revision
            told.setdefault(source.repo_url, []).append((str(entry.id), moment(entry.deployed_at), named))
    return "\n\n".join(
        f"SOURCE  {repo}\n{table(('ID', 'DATE', 'REVISION'), rows)}" for repo, rows in told.items()
    )


def _deployed(entry: RevisionHistory) -> list[tuple[ApplicationSource, str]]:
    if entry.sources:
        revisions = [*entry.revisions, *[""] * len(entry.sources)]
        return list(zip(entry.sources, revisions, strict=False))
    return [(entry.source or ApplicationSource(repo_url=""), entry.revision)]
