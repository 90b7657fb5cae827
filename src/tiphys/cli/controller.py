"""``tiphys controller``: the engine as a process."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click


@click.command(epilog="Settings are also read from the environment: see docs/reference/settings.md.")
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="Credentials of the cluster.")
@click.option("--context", default="", help="The kubeconfig's context to use.")
@click.option("-n", "--namespace", default="", help="The control plane's namespace.  [default: argocd]")
@click.option("--state", type=click.Path(path_type=Path), help="The folder for clones, charts and renders.")
@click.option("--poll", default="", help="How often repositories are asked for new commits.  [default: 10s]")
@click.option(
    "--listen",
    default="",
    help="Where to answer probes, metrics and webhooks, or off.  [default: 127.0.0.1:7470]",
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="What to log.")
@click.option("--log-format", type=click.Choice(["auto", "text", "json"]), help="Text for people or JSON.")
def controller(
    namespace: str, poll: str, log_level: str | None, log_format: str | None, **given: Path | str | None
) -> None:
    """
    Run the engine against a cluster, until SIGTERM.

    It follows the Applications of the cluster, polls their repositories, renders, compares and syncs. Whatever it
    keeps on disk may be lost at the price of fetching it again; what it knows is in the Applications.
    """
    # Here, so that `tiphys --help` loads nothing of the engine.
    import os  # noqa: PLC0415

    from tiphys.core.languages.durations import parse_duration  # noqa: PLC0415
    from tiphys.wiring.controller import run_controller  # noqa: PLC0415
    from tiphys.wiring.logs import begin_logs  # noqa: PLC0415
    from tiphys.wiring.settings import settings_from  # noqa: PLC0415

    settings = settings_from(os.environ)
    flags: dict[str, Any] = {
        **given,
        "namespace": namespace,
        "poll": parse_duration(poll) if poll else None,
        "log_level": log_level,
        "log_format": log_format,
    }
    settings = replace(settings, **{name: value for name, value in flags.items() if value not in (None, "")})
    begin_logs(settings.log_level, settings.log_format)
    run_controller(settings)
