"""``tiphys image``: the two halves of a release, each alone."""

import click

from tiphys.cli.lazy import LazyGroup, Row

COMMANDS = {
    "set": Row("tiphys.cli.image.set:set_", "Set the images of charts, and push that as one commit."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def image() -> None:
    """Set images in a charts repository.

    Every other byte of the files stays as it is.
    """
