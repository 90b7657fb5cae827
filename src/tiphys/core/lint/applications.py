"""What can be said of an Application and the objects that it renders, before anything is applied."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tiphys.core.lint.charts import plain_http
from tiphys.core.lint.finding import Finding, Place
from tiphys.core.lint.words import odd_annotations, odd_finalizers, odd_options
from tiphys.model.api import Application
from tiphys.model.objects import Body, Key, Kind, annotations_of, part
from tiphys.model.pods import images_of

WAVE = "argocd.argoproj.io/sync-wave"
_RESPECT = "RespectIgnoreDifferences=true"
_REPLICAS = ("spec", "replicas")
_APPLICATION = Kind("argoproj.io", "Application")
_HOOK, _HELM_HOOK = "argocd.argoproj.io/hook", "helm.sh/hook"
_TEMPLATE = ("spec", "template", "metadata", "annotations")


@dataclass(frozen=True, slots=True)
class Seen:
    """A rendered object."""

    key: Key
    body: Body
    file: str
    ignored: Sequence[tuple[str, ...]] = ()
    """The fields of it that the Application ignores and that Git names."""


@dataclass(frozen=True)
class AppFacts:
    """What is known of an Application."""

    application: Application
    place: Place
    objects: Sequence[Seen] = ()
    scaled: Collection[Key] = ()
    """Workloads that an autoscaler, live or rendered, scales."""
    nondeterministic: Sequence[str] = ()
    """Functions of its templates that answer differently each time."""
    watch_problems: Sequence[str] = ()
    """What of its annotations about watched images cannot be acted on, in sentences."""
    idle_rules: Sequence[str] = ()
    """Rules of ignoreDifferences that fit none of the objects, as a person would write them."""

    @property
    def name(self) -> str:
        """``namespace/name``, or the name alone where no namespace is known."""
        metadata = self.application.metadata
        return f"{metadata.namespace}/{metadata.name}" if metadata.namespace else metadata.name


def application_findings(facts: AppFacts) -> Iterator[Finding]:
    """Everything that can be said of one Application."""
    yield from _words(facts)
    yield from plain_http(
        facts.application.spec.source.repo_url if facts.application.spec.source else "", facts.place
    )
    yield from _ignored(facts)
    yield from _replicas(facts)
    yield from _waves(facts)
    yield from _hooks(facts)
    for each in facts.objects:
        yield from _images(facts, each)
    if facts.nondeterministic:
        words = ", ".join(facts.nondeterministic)
        yield Finding(
            "nondeterministic-template",
            facts.place,
            f"its templates use {words}, whose answer differs from render to render",
            "take such values from a Secret that is made elsewhere",
        )


def duplicates(all_facts: Iterable[AppFacts]) -> Iterator[Finding]:
    """What more than one Application is or wants."""
    names: dict[str, list[AppFacts]] = defaultdict(list)
    wanted: dict[tuple[str, Key], list[tuple[AppFacts, Seen]]] = defaultdict(list)
    for facts in all_facts:
        names[facts.name].append(facts)
        destination = facts.application.spec.destination
        for each in facts.objects:
            wanted[(destination.server or destination.name, each.key)].append((facts, each))
    for name, several in names.items():
        for facts in several[1:]:
            said = f"there is another Application {name}, in {several[0].place}"
            yield Finding("duplicate-application", facts.place, said, "give one of the two another name")
    for (_, key), claims in wanted.items():
        owners = list(dict.fromkeys(facts.name for facts, _ in claims))
        for facts, each in claims[1:] if len(owners) > 1 else ():
            said = f"{key} is wanted by the Applications {' and '.join(owners)}"
            yield Finding("duplicate-object", _at(facts, each), said, "let one of the two have it")


def _words(facts: AppFacts) -> Iterator[Finding]:
    policy, metadata = facts.application.spec.sync_policy, facts.application.metadata
    own = [*odd_finalizers(metadata.finalizers)]
    own += [
        f"spec.syncPolicy.syncOptions: {said}" for said in odd_options(policy.sync_options if policy else ())
    ]
    own += [*odd_annotations(metadata.annotations), *facts.watch_problems]
    for said in own:
        yield Finding("misspelt-word", facts.place, said, "correct or remove it")
    for each in facts.objects:
        for said in odd_annotations(annotations_of(each.body)):
            # An Application among the objects is examined for itself.
            if each.key.of != _APPLICATION:
                yield Finding("misspelt-word", _at(facts, each), said, "correct or remove it")


def _ignored(facts: AppFacts) -> Iterator[Finding]:
    policy = facts.application.spec.sync_policy
    if _RESPECT not in (policy.sync_options if policy else ()):
        for each in facts.objects:
            for field_ in each.ignored:
                if not (field_ == _REPLICAS and each.key in facts.scaled):
                    yield _not_respected(facts, each, "/" + "/".join(field_))
    for rule in facts.idle_rules:
        said = f"spec.ignoreDifferences has a rule for {rule}, which it does not render"
        yield Finding(
            "ignores-nothing", facts.place, said, "remove the rule, or correct its group, kind and name"
        )


def _not_respected(facts: AppFacts, each: Seen, field_: str) -> Finding:
    return Finding(
        "ignored-not-respected",
        _at(facts, each),
        f"{facts.name} ignores {field_} of {each.key}, and Git names a value for it, which each sync writes again",
        f"remove it from Git, or add the sync option {_RESPECT}",
    )


def _replicas(facts: AppFacts) -> Iterator[Finding]:
    for each in facts.objects:
        if each.key in facts.scaled and "replicas" in part(each.body, "spec"):
            yield Finding(
                "autoscaled-replicas",
                _at(facts, each),
                f"{each.key} has spec.replicas in Git and is scaled by an autoscaler, whose number counts",
                "leave spec.replicas out where there is an autoscaler",
            )


def _waves(facts: AppFacts) -> Iterator[Finding]:
    waves = {each.key: annotations_of(each.body).get(WAVE) for each in facts.objects}
    for each in facts.objects:
        if WAVE in part(each.body, *_TEMPLATE):
            said = f"{each.key} has its sync wave on the pod template, where nobody looks for it"
            yield Finding("wave-without-effect", _at(facts, each), said, "move it to metadata.annotations")
    named = [wave for wave in waves.values() if wave is not None]
    if named and len({wave or "0" for wave in waves.values()}) == 1:
        said = f"all of its objects are in wave {named[0]}: there is nothing to order"
        yield Finding(
            "wave-without-effect", facts.place, said, "remove the waves, or give one object another"
        )


def _hooks(facts: AppFacts) -> Iterator[Finding]:
    argo = [each for each in facts.objects if _HOOK in annotations_of(each.body)]
    helm = [each for each in facts.objects if _HELM_HOOK in annotations_of(each.body) and each not in argo]
    if argo and helm:
        names = ", ".join(str(each.key) for each in helm)
        said = f"{argo[0].key} is a hook of Argo CD's kind, so Helm's hooks do not run: {names}"
        yield Finding("helm-hooks-ignored", _at(facts, argo[0]), said, f"write them as {_HOOK} too")


def _images(facts: AppFacts, each: Seen) -> Iterator[Finding]:
    for image in sorted(set(images_of(each.body))):
        name = image.rpartition("/")[2]
        tag = name.partition(":")[2]
        if "@" not in image and tag in ("", "latest"):
            said = f"{each.key} runs {image!r}, which is another image whenever somebody pushes one"
            yield Finding(
                "image-unpinned", _at(facts, each), said, "name a tag that does not move, or a digest"
            )


def _at(facts: AppFacts, each: Seen) -> Place:
    return Place(each.file, 0, facts.name)
