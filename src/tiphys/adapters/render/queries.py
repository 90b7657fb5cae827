"""jq expressions."""

from collections.abc import Sequence
from typing import Any

from tiphys.adapters.render.toolbox import Toolbox
from tiphys.model.errors import SpecError

_NO_PATH = "invalid path"
"""How the engine's error begins where an expression computes something instead of leading somewhere."""


async def jq(toolbox: Toolbox, program: str, value: object, deadline_seconds: float) -> list[Any]:
    """Everything that the program emits for one input. Raises ``SpecError`` if it fails or does not end."""
    answer = await toolbox.call("jq", {"program": program, "input": value}, deadline_seconds)
    return list(answer["results"])


async def jq_paths(
    toolbox: Toolbox, expression: str, value: object, deadline_seconds: float, most: int
) -> Sequence[Sequence[Any]]:
    """
    Where a jq path expression leads to in a value; nowhere where it does not fit, as in Argo CD.

    Raises ``SpecError`` for what is no path expression, does not end, or leads to more than ``most`` places.
    """
    # On a line of its own, so that a comment ends before our bracket.
    found = f"path({expression}\n) as $path | select(getpath($path) != null) | $path"
    program = f"try [limit({most + 1}; {found})] catch {{error: tostring}}"
    try:
        results = await jq(toolbox, program, value, deadline_seconds)
    except SpecError as error:
        raise SpecError(str(error).rpartition(f"{program}: ")[2]) from error
    match results:
        case [{"error": str(said)}] if said.startswith(_NO_PATH):
            # What the engine says of it may quote the object.
            raise SpecError("it is no path expression: it computes a value")
        case [list(paths)] if len(paths) > most:
            raise SpecError(f"it names more than {most} fields of one object")
        case [list(paths)]:
            return paths
    return ()
