"""``tiphys local``: the Kubernetes control plane on this machine, with the real kubectl and helm."""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tiphys.cli.output import tell

if TYPE_CHECKING:
    from tiphys.local.place import Place

PASSED_ON: dict[str, Any] = {
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
    "help_option_names": [],
}
"""Everything after ``kubectl`` and ``helm`` is theirs."""


def with_place(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flags that name a local platform, and itself the ``place`` that they make."""

    @click.option(
        "--name",
        default="local",
        show_default=True,
        envvar="TIPHYS_LOCAL",
        help="Which of several platforms.",
    )
    @click.option(
        "--state-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where it keeps everything, instead of ~/.local/state/tiphys/NAME.",
    )
    @functools.wraps(command)
    def given(name: str, state_dir: Path | None, **rest: Any) -> None:
        from tiphys.local.place import Place, named  # noqa: PLC0415

        command(place=Place(state_dir.absolute()) if state_dir else named(name), **rest)

    return given


@click.group()
@with_place
@click.pass_context
def local(context: click.Context, /, place: "Place") -> None:
    """
    The Kubernetes control plane on this machine.

    etcd, API server, controllers and scheduler are the real ones; the node's containers are simulated, or real
    where the machine permits it and you ask for it. It listens on 127.0.0.1 alone, keeps its state in a folder,
    and goes on from there when started again. "tiphys up" starts it too, and the example platform on it.
    """
    context.obj = place


def with_node(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flag that says what the node is."""
    return click.option(
        "--node",
        type=click.Choice(["simulated", "real"]),
        # An empty text is no choice, so it cannot be the default.
        callback=lambda _context, _parameter, given: given or "",
        help="What pods run on; unless told, what runs already, or else simulated. A real node needs root.",
    )(command)


@local.command()
@with_node
@click.option(
    "--port",
    default=0,
    type=click.IntRange(0, 65535),
    help="Its port on 127.0.0.1; else that of the last time, or any free one.",
)
@click.option("--nodes", default=1, show_default=True, type=click.IntRange(min=1), help="Simulated nodes.")
@click.pass_obj
def start(place: "Place", node: str, port: int, nodes: int) -> None:
    """
    Start the control plane, and wait until it can be used.

    With --node=real pods are real containers, by a kubelet and a containerd of their own. That needs root on Linux
    and some of its features; what is missing is told, and how to get it.
    """
    from tiphys.cli.tryit import own_command  # noqa: PLC0415
    from tiphys.local import build, controlplane, realnode  # noqa: PLC0415
    from tiphys.model.errors import SpecError  # noqa: PLC0415

    if node == "real" and nodes > 1:
        raise click.UsageError("There is one real node; --nodes is for simulated ones.")
    tiphys, where = own_command(place)
    prepared = realnode.wanted(place, node, tell)
    binary = build.ensure("localkube")
    shape = controlplane.Shape(port, nodes, prepared.address if prepared else "")
    starting = controlplane.begin(place, binary, shape)
    ready, new = starting.ready(), starting.process is not None
    if not new and (nodes > 1 or (port and not ready.server.endswith(f":{port}"))):
        raise SpecError(
            f"the control plane runs already, on {ready.server}; to start it with another port or number of "
            f"nodes, stop it first: {tiphys} local{where} stop"
        )
    if prepared:
        realnode.start(place, prepared)
        tell(f"The real node is ready ({prepared.address}).")
    tell(f"The control plane {'is ready' if new else 'runs already'} (pid {ready.pid}, {ready.version}):")
    click.echo(ready.server)
    if new:
        tell(f"Talk to it with: {tiphys} local{where} kubectl get nodes")


@local.command(short_help="Start a registry of images, and print its host and port.")
@click.pass_obj
def registry(place: "Place") -> None:
    """
    Start a registry of images where it does not run yet, and print its host and port.

    It listens on 127.0.0.1 alone, in plain HTTP, and takes images from whoever asks. A real node pulls from it and
    has it from its start on; the simulated one runs any image without a look at it. It is docker-registry,
    which is fetched and unpacked where it is not installed and apt-get is there.
    """
    from tiphys.local import registry as images  # noqa: PLC0415

    click.echo(images.start(place, tell))


@local.command(short_help="Stop everything that runs here; nothing is lost.")
@click.pass_obj
def stop(place: "Place") -> None:
    """Stop everything that runs here, the engine and the Git server too. Nothing is lost."""
    from tiphys.local import parts  # noqa: PLC0415

    stopped = parts.stop(place)
    tell(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@local.command()
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The format.")
@click.pass_obj
def status(place: "Place", output: str) -> None:
    """Show what runs. Exits with 3 if the control plane does not."""
    from tiphys.local import parts  # noqa: PLC0415

    rows = parts.status(place)
    if output == "json":
        import orjson  # noqa: PLC0415

        body = [
            {"name": p.name, "state": p.state, "pid": p.pid, "address": p.address, "log": p.log} for p in rows
        ]
        about = {"stateDir": str(place.folder), "kubeconfig": str(place.kubeconfig), "parts": body}
        click.echo(orjson.dumps(about, option=orjson.OPT_INDENT_2))
    else:
        from tiphys.cli.output import table  # noqa: PLC0415

        cells = [(p.name, p.state, str(p.pid or ""), p.address, p.log) for p in rows]
        click.echo(table(("PART", "STATE", "PID", "ADDRESS", "LOG"), cells))
    if rows[0].state != "running":
        raise click.exceptions.Exit(3)


@local.command()
@click.option("--content", is_flag=True, help="Print what is in the file and not its path.")
@click.pass_obj
def kubeconfig(place: "Place", content: bool) -> None:
    """
    Print the path of the administrator's credentials.

    Use the cluster with other tools by: export KUBECONFIG=$(tiphys local kubeconfig)
    """
    from tiphys.model.errors import SpecError  # noqa: PLC0415

    if not place.kubeconfig.exists():
        raise SpecError(f"there is no control plane here yet; {_how_to_start(place)}")
    click.echo(place.kubeconfig.read_text(encoding="utf-8") if content else place.kubeconfig, nl=not content)


@local.command(short_help="Stop everything and forget it, repositories too.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def reset(place: "Place", yes: bool) -> None:
    """Stop everything and forget it: the cluster, the Git repositories, and the checkouts."""
    from tiphys.local import parts  # noqa: PLC0415

    if not yes and place.folder.exists():
        if not sys.stdin.isatty():
            raise click.UsageError("This removes everything; say --yes where nobody can be asked.")
        click.confirm(f"Remove {place.folder} with the cluster and all repositories?", abort=True, err=True)
    tell(f"Removed {place.folder}." if parts.reset(place) else "There was nothing to remove.")


@local.command(context_settings=PASSED_ON, add_help_option=False, short_help="Run the real kubectl on it.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def kubectl(place: "Place", arguments: tuple[str, ...]) -> None:
    """Run the real kubectl on the local cluster; everything after it is kubectl's."""
    _become("kubectl", place, arguments)


@local.command(context_settings=PASSED_ON, add_help_option=False, short_help="Run the real helm on it.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def helm(place: "Place", arguments: tuple[str, ...]) -> None:
    """Run the real helm on the local cluster; everything after it is helm's."""
    _become("helm", place, arguments)


def _how_to_start(place: "Place") -> str:
    from tiphys.cli.tryit import own_command  # noqa: PLC0415

    return "start it with: {} local{} start".format(*own_command(place))


def _become(tool: str, place: "Place", arguments: tuple[str, ...]) -> NoReturn:
    """End as the tool itself, so that signals, terminal and exit code are the tool's."""
    from tiphys.local import build, controlplane, tools  # noqa: PLC0415
    from tiphys.model.errors import Unavailable  # noqa: PLC0415

    if controlplane.status(place) is None and tools.speaks_to_cluster(tool, arguments):
        raise Unavailable(f"the local control plane does not run; {_how_to_start(place)}")
    binary = build.present("localkube")
    os.execve(binary, [str(binary), tool, *arguments], tools.environment(place))  # noqa: S606  no shell is wanted
