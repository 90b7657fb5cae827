"""``tiphys image build``: an image is built from a Dockerfile, pushed, and its digest told."""

import asyncio
import os
from dataclasses import dataclass, replace

import click

from tiphys.cli.image.outcome import Flags
from tiphys.cli.options import Command, Flag, command, with_output
from tiphys.cli.output import data
from tiphys.core.release.references import Reference, expect_tag, reference
from tiphys.model.builds import Build, Made
from tiphys.model.errors import SpecError


def with_build(command: Command) -> Command:
    """Give a command the flags about an image that is built."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option("--image", metavar="REPOSITORY", required=True, help="Its name, like ghcr.io/example/homepage."),
    click.option("--tag", default="", help="Its tag.  [default: 12 digits of the commit, as CI or the checkout say]"),
    click.option("--allow-dirty", is_flag=True, help="Build what no commit has, and end the tag in -dirty."),
    click.option("--dockerfile", metavar="FILE", default="", help="The Dockerfile.  [default: that of the context]"),
    click.option("--platform", "platforms", multiple=True, help="Like linux/arm64; may be repeated."),
    click.option("--build-arg", "arguments", metavar="NAME=VALUE", multiple=True, help="For ARG; may be repeated."),
    click.option("--secret", "secrets", metavar="id=…,src=…", multiple=True, help="For RUN --mount=type=secret."),
    click.option("--label", "labels", metavar="NAME=VALUE", multiple=True, help="A label; may be repeated."),
    click.option("--target", metavar="STAGE", default="", help="The stage to build.  [default: the last]"),
    click.option("--cache", metavar="REPOSITORY", default="", help="Where layers are kept between builds."),
    click.option(
        "--builder",
        type=click.Choice(("docker", "podman", "buildah")),
        help="What builds.  [default: the first that is there and can]",
    ),
)  # fmt: skip


@command(
    epilog="""
\b
Examples:
  tiphys image build --image ghcr.io/example/homepage
  tiphys image build app --image ghcr.io/example/homepage --tag v2 --platform linux/arm64
\b
Credentials are those of docker login, podman login or buildah login.
"""
)
@click.argument("context", default=".", type=click.Path(exists=True, file_okay=False))
@with_build
@with_output("text", "json")
def build(context: str, output: str, **flags: Flag) -> None:
    """Build an image of a folder with a Dockerfile, push it, and print its name with its digest."""
    made = asyncio.run(built(context, flags))
    if output == "json":
        data(image_facts(made), output)
    else:
        click.echo(str(made.image))


@dataclass(frozen=True, slots=True)
class Built:
    """An image that was built and pushed, and when."""

    image: Reference
    made: Made
    commit: str
    """Of the application: as CI or the checkout tell it, empty without either."""


def image_facts(built: Built) -> dict[str, str]:
    """What scripts read of it."""
    times = {"built": built.made.built, "pushed": built.made.pushed}
    return {
        "image": built.image.repository,
        "tag": built.image.tag,
        "digest": built.image.digest,
        **{name: at.strftime("%Y-%m-%dT%H:%M:%SZ") for name, at in times.items()},
    }


async def built(context: str, flags: Flags) -> Built:
    """The image that the flags ask for, built and pushed."""
    from tiphys.wiring.building import commit_of, labels_of, open_builder, tag_of  # noqa: PLC0415 - the help needs none

    wanted = reference(flags["image"])
    if wanted.digest or (wanted.tag and flags["tag"]):
        raise SpecError(f"--image {flags['image']}: name the repository, and the tag with --tag")
    if not (tag := wanted.tag or flags["tag"]):
        tag = tag_of(context, flags["dockerfile"], os.environ, dirty=flags["allow_dirty"])
    expect_tag(tag)
    wanted = replace(wanted, tag=tag)
    program = await open_builder(flags["builder"] or "", os.environ)
    made = await program.build(
        Build(
            str(wanted),
            context,
            flags["dockerfile"],
            flags["platforms"],
            flags["arguments"],
            flags["secrets"],
            flags["target"],
            flags["cache"],
            labels_of(context, flags["dockerfile"], flags["labels"], os.environ),
        )
    )
    return Built(replace(wanted, digest=made.digest), made, commit_of(context, os.environ))
