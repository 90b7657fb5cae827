"""``tiphys image``: the two halves of a release, each alone, and images that are watched."""

import click

from tiphys.cli.lazy import LazyGroup, Row

COMMANDS = {
    "build": Row("tiphys.cli.image.build:build", "Build an image and push it."),
    "set": Row("tiphys.cli.image.set:set_", "Set the images of charts, and push that as one commit."),
    "list": Row("tiphys.cli.image.list:list_", "List the images that are watched, and what is newer."),
    "tags": Row("tiphys.cli.image.tags:tags", "Tell which tag of a repository a policy chooses."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def image() -> None:
    """Build images, set them in a charts repository, and see which are watched."""
