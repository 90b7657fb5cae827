"""``tiphys image``: the two halves of a release, each alone."""

import click

from tiphys.cli.lazy import LazyGroup, Row

COMMANDS = {
    "build": Row("tiphys.cli.image.build:build", "Build an image and push it."),
    "set": Row("tiphys.cli.image.set:set_", "Set the images of charts, and push that as one commit."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def image() -> None:
    """Build images, and set them in a charts repository: the two halves of a release."""
