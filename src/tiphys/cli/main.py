"""
The command ``tiphys``: its table of commands, and the one place that catches what went wrong.

Data goes to stdout, everything else to stderr. What each command does is told in its own file, which is
imported only when it is run.
"""

import os
import sys
from collections.abc import Sequence
from errno import ENOSPC
from typing import NoReturn

import click

from tiphys.cli.lazy import LazyGroup, Row
from tiphys.model.errors import TiphysError

COMMANDS = {
    "up": Row("tiphys.cli.up:up", "Start a platform on this machine, with a live view."),
    "app": Row("tiphys.cli.app:app", "Look at applications, sync them, wait for them."),
    "render": Row("tiphys.cli.render:render", "Render a chart or an Application from a checkout, offline."),
    "release": Row(
        "tiphys.cli.release:release", "Build an image, push it, and set it in charts: the step of a CI."
    ),
    "trace": Row("tiphys.cli.trace:trace", "Show when a commit or an image became live, step by step."),
    "image": Row("tiphys.cli.image:image", "Build images, set them in charts: the halves of a release."),
    "bootstrap": Row(
        "tiphys.cli.bootstrap:bootstrap", "Install or upgrade a chart as helm would, without it."
    ),
    "uninstall": Row("tiphys.cli.uninstall:uninstall", "Take a release off a cluster; workloads run on."),
    "doctor": Row("tiphys.cli.doctor:doctor", "Say what is wrong, or will be, with charts or a cluster."),
    "migrate": Row("tiphys.cli.migrate:migrate", "Take a cluster over from Argo CD, and hand it back."),
    "promote": Row("tiphys.cli.promote:promote", "Set what runs healthy in one environment in another one."),
    "local": Row("tiphys.cli.local:local", "The Kubernetes control plane on this machine."),
    "controller": Row("tiphys.cli.controller:controller", "Run the engine against a cluster."),
    "version": Row("tiphys.cli.version:version", "Print the version."),
    "completion": Row("tiphys.cli.completion:completion", "Print the completion script of a shell."),
}

EPILOG = """
\b
Exit codes:
  0    done
  1    failed, timed out, or refused; "app diff": there is a difference
  2    the command line is wrong; "app diff": it could not be computed
  3    "release --wait", "image set --wait": pushed, and not seen live
  130  interrupted

\b
Environment:
  KUBECONFIG                          the cluster's credentials
  TIPHYS_NAMESPACE, ARGOCD_NAMESPACE  the control plane's namespace (argocd)
  NO_COLOR                            no colours
  KUBECTL_EXTERNAL_DIFF               the program that "app diff" shows differences with
"""

FAILURE_CODE = "tiphys.failure-code"
"""The key in a context's ``meta`` where a command says how to exit when it fails; 1 if it says nothing."""

_COMPLETION = "_TIPHYS_COMPLETE"


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--debug", is_flag=True, envvar="TIPHYS_DEBUG", help="Show a traceback where something fails.")
def tiphys(debug: bool) -> None:
    """Tiphys keeps clusters as Git says: Applications, as with Argo CD."""
    del debug  # read by ``run``, which outlives the context


def main() -> NoReturn:
    """The entry point: run the command line of this process and exit."""
    code = run(sys.argv[1:])
    _close_stdout()
    sys.exit(code)


def run(args: Sequence[str]) -> int:
    """
    Run a command line and return its exit code; whatever went wrong has been said on stderr.

    Nothing else in the command line catches.
    """
    if instruction := os.environ.get(_COMPLETION):
        return _complete(instruction)
    context: click.Context | None = None
    code = 0
    try:
        with tiphys.make_context("tiphys", list(args)) as context:
            tiphys.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as asked:
        code = asked.exit_code
    except click.ClickException as usage:
        usage.show()
        code = usage.exit_code
    except (KeyboardInterrupt, click.Abort, EOFError):
        code = 130
    except Exception as error:  # noqa: BLE001 - the one place that catches
        if isinstance(_root(error), BrokenPipeError):
            return 141  # as if SIGPIPE had ended us, as it does other programs whose reader went away
        _tell(error, args, debug=bool(context and context.params.get("debug")))
        code = context.meta.get(FAILURE_CODE, 1) if context else 1
    return code


def _complete(instruction: str) -> int:
    from click.shell_completion import shell_complete  # noqa: PLC0415 - only when completing

    return shell_complete(tiphys, {}, "tiphys", _COMPLETION, instruction)


def _tell(error: Exception, args: Sequence[str], *, debug: bool) -> None:
    """Say what failed: a message meant for the user as it is, a bug in one line and how to see more."""
    if debug:
        import traceback  # noqa: PLC0415 - only for a failure

        traceback.print_exception(error)
    root = _root(error)
    if isinstance(root, TiphysError):
        click.echo(f"Error: {root}", err=True)
        return
    if isinstance(root, OSError) and root.errno == ENOSPC:
        click.echo(f"Error: a disk is full{f': {root.filename}' if root.filename else ''}", err=True)
        return
    click.echo(f"Error: a bug in tiphys: {type(root).__name__}: {root}", err=True)
    if not debug:
        click.echo(f"See where with: tiphys --debug {' '.join(args)}", err=True)


def _root(error: BaseException) -> BaseException:
    """The one error in a group of one, as task groups raise it."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _close_stdout() -> None:
    """Let nothing be written at exit to where nothing can be written any more: Python would complain of it."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
