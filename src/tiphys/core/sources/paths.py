"""Paths inside a repository: relative, with forward slashes, and never out of it."""

from tiphys.model.errors import SpecError


def inside(base: str, path: str, what: str) -> str:
    """
    ``path`` as seen from the folder ``base``, as a path from the repository's root (``""`` is the root itself).

    A leading ``/`` means the repository's root, as in Argo CD's ``valueFiles``. Raises ``SpecError``, which calls the
    path ``what``, if it leaves the repository.
    """
    if "\0" in path:
        raise SpecError(f"{what} {path!r} holds a NUL character: correct the path")
    steps = [] if path.startswith("/") else [s for s in base.split("/") if s not in ("", ".")]
    for step in path.split("/"):
        if step in ("", "."):
            continue
        if step != "..":
            steps.append(step)
        elif steps:
            steps.pop()
        else:
            raise SpecError(f"{what} {path!r} leaves the repository: paths may not climb above its root")
    return "/".join(steps)


def joined(folder: str, name: str) -> str:
    """``name`` in ``folder``, where the root is ``""``."""
    return f"{folder}/{name}" if folder else name
