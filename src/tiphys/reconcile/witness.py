"""Who is told what the stories did, to keep figures of it. What is made of it the stories do not know."""

from typing import Protocol

from tiphys.model.api import Application, OperationState


class Witness(Protocol):
    """Is told at once, and never raises."""

    def ended(self, application: Application, state: OperationState) -> None:
        """An operation of an application ended, as its state tells."""


class Nobody:
    """Is told for nothing."""

    def ended(self, application: Application, state: OperationState) -> None:
        """Nothing is kept."""
