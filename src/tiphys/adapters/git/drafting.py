"""
Commits made in a bare repository from the trees that are there: nothing is checked out, modes and all else stay.

The trees have to be here; the content of files that are neither read nor replaced may be missing.
"""

import time
from collections.abc import Mapping, Sequence

import pygit2
from pygit2.enums import FileMode, ObjectType

from tiphys.model.commits import Draft, Person
from tiphys.model.errors import SpecError

_FILES = (FileMode.BLOB, FileMode.BLOB_EXECUTABLE)


def file_id(repository: pygit2.Repository, commit: str, path: str) -> str:
    """The id of a file's content, empty where there is no file. Raises ``SpecError`` for a symlink."""
    entry = _entry(_root(repository, commit), path)
    if entry is None or entry.filemode == FileMode.TREE:
        return ""
    if entry.filemode not in _FILES:
        raise SpecError(f"{path} is a symlink or a submodule: name the file that it leads to")
    return str(entry.id)


def names(repository: pygit2.Repository, commit: str, folder: str) -> Sequence[str]:
    """What a folder holds; empty where there is none."""
    root = _root(repository, commit)
    found = _entry(root, folder) if folder else root
    return [str(entry.name) for entry in found] if isinstance(found, pygit2.Tree) else []


def write(repository: pygit2.Repository, parent: str, draft: Draft) -> bytes:
    """The content of a commit on top of the parent, its files written; there is no such commit yet."""
    tree = _with(
        repository, _root(repository, parent), {tuple(p.split("/")): c for p, c in draft.files.items()}
    )
    author, committer = _signature(draft.author), _signature(draft.committer)
    content = repository.create_commit_string(author, committer, draft.message, tree, [parent])
    return str(content).encode()


def committed(repository: pygit2.Repository, content: bytes, signature: str) -> str:
    """The commit of this content, signed if there is a signature; no ref leads to it. Answers its SHA."""
    if not signature:
        return str(repository.odb.write(ObjectType.COMMIT, content))
    return str(repository.create_commit_with_signature(content.decode(), signature.rstrip("\n")))


def _root(repository: pygit2.Repository, commit: str) -> pygit2.Tree:
    return repository[commit].peel(pygit2.Tree)


def _entry(tree: pygit2.Tree, path: str) -> pygit2.Object | None:
    """What the path leads to, known by its entry alone: the content need not be here."""
    try:
        return tree[path]
    except KeyError:
        return None


def _with(
    repository: pygit2.Repository, tree: pygit2.Tree, files: Mapping[tuple[str, ...], bytes]
) -> pygit2.Oid:
    """The tree with other content in some of its files, each of which it has."""
    builder = repository.TreeBuilder(tree)
    below: dict[str, dict[tuple[str, ...], bytes]] = {}
    for (name, *rest), content in files.items():
        if rest:
            below.setdefault(name, {})[tuple(rest)] = content
        else:
            # With the mode that it has: what is executable stays so.
            builder.insert(name, repository.create_blob(content), tree[name].filemode)
    for name, inner in below.items():
        folder = repository[tree[name].id].peel(pygit2.Tree)
        builder.insert(name, _with(repository, folder, inner), FileMode.TREE)
    return builder.write()


def _signature(person: Person) -> pygit2.Signature:
    # Git has no room for these characters in a name, and none for an empty one.
    name, email = (
        "".join(c for c in text if c not in "<>\n\0").strip() for text in (person.name, person.email)
    )
    return pygit2.Signature(name or email or "unknown", email or "unknown", int(time.time()), 0)
