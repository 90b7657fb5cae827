"""How much of this machine rendering may take. Read once by ``wiring``; this package reads no environment."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Counts, seconds and MiB."""

    children: int = 2
    """How many child processes may run at once; further requests wait for one."""
    idle_seconds: float = 60
    """After how long without a request a child is ended; the next request starts another, in about 20 ms."""
    memory_mib: int = 512
    """What one child may use; passing it ends the child and fails the request."""
    render_seconds: float = 90
    """For rendering a chart or reading files."""
    query_seconds: float = 1
    """For a jq program, as in Argo CD."""
    answer_seconds: float = 15
    """For small things: a version range, one text."""
