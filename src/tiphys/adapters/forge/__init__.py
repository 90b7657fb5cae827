"""
Forges: where pull requests are opened, on GitHub, GitLab, Gitea and Forgejo.

Speaks their APIs. What is proposed, and when, others decide.
"""

from tiphys.adapters.forge.apps import App, app_of, token_of
from tiphys.adapters.forge.forges import Forge, forge
from tiphys.adapters.forge.places import KINDS, Place, place_of
from tiphys.adapters.forge.web import Limits, Web

__all__ = ["KINDS", "App", "Forge", "Limits", "Place", "Web", "app_of", "forge", "place_of", "token_of"]
