"""``tiphys app``: the commands about Applications, by the names and flags of ``argocd app``."""

import click

from tiphys.cli.lazy import LazyGroup, Row

COMMANDS = {
    "list": Row("tiphys.cli.app.look:list_", "List applications."),
    "get": Row("tiphys.cli.app.look:get", "Show an application: source, sync, health, objects."),
    "resources": Row("tiphys.cli.app.look:resources", "List the objects of an application."),
    "history": Row("tiphys.cli.app.look:history", "List what was synced before."),
    "manifests": Row(
        "tiphys.cli.app.manifests:manifests", "Print an application's objects, from Git or live."
    ),
    "diff": Row("tiphys.cli.app.diff:diff", "Show what a sync would change."),
    "sync": Row("tiphys.cli.app.sync:sync", "Make the cluster what Git says."),
    "wait": Row("tiphys.cli.app.wait:wait", "Wait until an application is synced and healthy."),
    "refresh": Row("tiphys.cli.app.refresh:refresh", "Look at Git and the cluster again, now."),
    "delete": Row("tiphys.cli.app.delete:delete", "Delete an application, with or without its objects."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def app() -> None:
    """Look at applications, sync them, wait for them.

    An application is named by its name, or by namespace/name where it lives elsewhere than the control
    plane.
    """
