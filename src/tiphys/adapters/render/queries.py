"""jq expressions."""

from typing import Any

from tiphys.adapters.render.toolbox import Toolbox


async def jq(toolbox: Toolbox, program: str, value: object, deadline_seconds: float) -> list[Any]:
    """Everything that the program emits for one input. Raises ``SpecError`` if it fails or does not end."""
    answer = await toolbox.call("jq", {"program": program, "input": value}, deadline_seconds)
    return list(answer["results"])
