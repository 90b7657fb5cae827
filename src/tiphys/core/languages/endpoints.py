"""Where a server listens, as people write it: ``127.0.0.1:8080``, ``[::1]:8080``, ``:8080``."""

import re

from tiphys.model.errors import SpecError

_ENDPOINT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\[\]:/\s]*)):(?P<port>\d{1,5})")
_MOST = 65535


def parse_endpoint(text: str) -> tuple[str, int]:
    """Host (``""`` is every interface) and port (0 is any free one). Raises ``SpecError``."""
    found = _ENDPOINT.fullmatch(text)
    if not found or int(found["port"]) > _MOST:
        raise SpecError(
            f"{text!r} is no address to listen on: write it like 127.0.0.1:8080, [::1]:8080 or :8080"
        )
    return found["six"] or found["host"] or "", int(found["port"])
