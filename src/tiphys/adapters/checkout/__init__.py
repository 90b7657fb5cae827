"""
A checkout on this machine, as the user has it now: committed or not.

Speaks the file system and hands out our nouns, as if the working tree were a commit.
"""

from tiphys.adapters.checkout.checkout import Checkout

__all__ = ["Checkout"]
