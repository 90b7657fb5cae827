"""What a Lease says: who holds it, and for how long others believe in a holder that is silent."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class LeaseRecord:
    """``version`` is the API server's, empty where there is no Lease yet."""

    holder: str = ""
    duration: int = 0
    """Seconds for which others believe in the holder after a renewal."""
    acquired: str = ""
    renewed: str = ""
    """Times as the API server writes them; nobody judges by them."""
    transitions: int = 0
    version: str = ""

    @property
    def said(self) -> "LeaseRecord":
        """What the holder said, whatever else was written to the Lease."""
        return replace(self, version="")
