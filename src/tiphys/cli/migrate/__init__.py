"""``tiphys migrate``: from another engine to this one, and back."""

import click

from tiphys.cli.lazy import LazyGroup, Row

COMMANDS = {
    "argocd": Row("tiphys.cli.migrate.argocd:argocd", "Take a cluster over from Argo CD, or hand it back.")
}


@click.group(cls=LazyGroup, table=COMMANDS)
def migrate() -> None:
    """Take a cluster over from another engine, and hand it back; nothing restarts."""
