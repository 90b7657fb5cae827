"""
Registries of images, by the OCI distribution protocol: which tags there are, what they point to, when that was built.

Which of the tags is wanted, others decide.
"""

from tiphys.adapters.registry.registries import Registries
from tiphys.adapters.registry.settings import Settings

__all__ = ["Registries", "Settings"]
