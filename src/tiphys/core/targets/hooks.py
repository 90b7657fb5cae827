"""Which rendered objects are hooks. Hooks are not run yet: their objects are set aside and named."""

from enum import Enum

from tiphys.model.objects import Body, annotations_of

ARGO_HOOK = "argocd.argoproj.io/hook"
HELM_HOOK = "helm.sh/hook"


class Role(Enum):
    """What an object is to a sync."""

    TARGET = "target"
    HOOK = "hook"
    IGNORED = "ignored"
    """Neither applied nor mentioned: Helm's test and rollback hooks, and Argo CD's ``Skip``."""


# Argo CD's Helm page maps Helm's hooks; those that it does not support are never applied.
_ROLES = {
    "Skip": Role.IGNORED,
    "test": Role.IGNORED,
    "test-success": Role.IGNORED,
    "test-failure": Role.IGNORED,
    "pre-rollback": Role.IGNORED,
    "post-rollback": Role.IGNORED,
    "crd-install": Role.TARGET,
}


def roles_of(bodies: list[Body]) -> list[Role]:
    """The role of each object. Any hook of Argo CD's kind makes Helm's hooks be ignored, as its Helm page says."""
    argo = any(ARGO_HOOK in annotations_of(body) for body in bodies)
    return [_role(body, argo=argo) for body in bodies]


def _role(body: Body, *, argo: bool) -> Role:
    annotations = annotations_of(body)
    if ARGO_HOOK in annotations:
        return _worded(annotations[ARGO_HOOK])
    if HELM_HOOK not in annotations:
        return Role.TARGET
    role = _worded(annotations[HELM_HOOK])
    return Role.IGNORED if argo and role is Role.HOOK else role


def _worded(value: str) -> Role:
    """The role that a comma list of hook words gives: the first that means something to a sync."""
    roles = [_ROLES.get(word.strip(), Role.HOOK) for word in value.split(",")]
    return next((role for role in roles if role is not Role.IGNORED), Role.IGNORED)
