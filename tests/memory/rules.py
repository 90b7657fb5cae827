"""What an API server refuses, in its words, for the kinds that tests use."""

import re
from collections.abc import Iterator, Mapping

from memory.kinds import Served
from tiphys.model.objects import Body, Kind, part

IMMUTABLE: Mapping[Kind, tuple[tuple[str, ...], ...]] = {
    Kind("batch", "Job"): (("spec", "template"), ("spec", "selector"), ("spec", "completions")),
    Kind("apps", "Deployment"): (("spec", "selector"),),
    Kind("apps", "StatefulSet"): (("spec", "selector"), ("spec", "serviceName")),
}
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_CONFIG_KEY_HELP = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_RESTARTS = {"Job": ("OnFailure", "Never")}


class Refusal(Exception):
    """What the API server answers with: a code, a reason in one word, and a sentence."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


def check(served: Served, body: Body, old: Body | None) -> None:
    """Raise ``Refusal`` for what cannot be."""
    faults = [*_faults(served.kind, body), *(_immutable(served.kind, body, old) if old else ())]
    if not faults:
        return
    noun = f"{served.kind.kind}.{served.kind.group}" if served.kind.group else served.kind.kind
    told = faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"
    raise Refusal(422, "Invalid", f'{noun} "{body["metadata"]["name"]}" is invalid: {told}')


def _faults(kind: Kind, body: Body) -> Iterator[str]:
    if kind == ("", "ConfigMap"):
        for name in part(body, "data"):
            if not _CONFIG_KEY.fullmatch(name):
                yield f'data[{name}]: Invalid value: "{name}": {_CONFIG_KEY_HELP}'
    pod = part(body, "spec", "template", "spec")
    if kind.group in ("apps", "batch") and pod:
        yield from _pod_faults(kind, pod)
    replicas = part(body, "spec").get("replicas", 0)
    if kind.group == "apps" and isinstance(replicas, int) and replicas < 0:
        yield f"spec.replicas: Invalid value: {replicas}: must be greater than or equal to 0"
    selected = part(body, "spec", "selector", "matchLabels")
    labels = part(body, "spec", "template", "metadata", "labels")
    if kind.group == "apps" and not (selected and selected.items() <= labels.items()):
        yield "spec.template.metadata.labels: Invalid value: `selector` does not match template `labels`"


def _pod_faults(kind: Kind, pod: Body) -> Iterator[str]:
    allowed = _RESTARTS.get(kind.kind, ("Always",))
    if pod.get("restartPolicy") not in allowed:
        words = ", ".join(f'"{word}"' for word in allowed)
        wrong = f'Unsupported value: "{pod.get("restartPolicy")}": supported values: {words}'
        yield f"spec.template.spec.restartPolicy: {wrong}"
    for number, container in enumerate(pod.get("containers") or ()):
        if not container.get("image"):
            yield f"spec.template.spec.containers[{number}].image: Required value"


def _immutable(kind: Kind, body: Body, old: Body) -> Iterator[str]:
    for path in IMMUTABLE.get(kind, ()):
        was, now = part(old, *path[:-1]).get(path[-1]), part(body, *path[:-1]).get(path[-1])
        if was != now:
            yield f"{'.'.join(path)}: Invalid value: {now}: field is immutable"
