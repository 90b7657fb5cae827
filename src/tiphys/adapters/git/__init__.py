"""
Git: repositories behind ``http(s)://`` and ``file://`` URLs, each cloned once, bare, on disk.

Speaks Git and hands out our nouns. Which revisions matter, and when to look again, others decide.
"""

from tiphys.adapters.git.process import allowed_environment
from tiphys.adapters.git.push import Branch
from tiphys.adapters.git.repositories import GitRepositories
from tiphys.adapters.git.settings import Settings
from tiphys.adapters.git.signing_in import Credentials
from tiphys.adapters.git.topic import Topic

__all__ = ["Branch", "Credentials", "GitRepositories", "Settings", "Topic", "allowed_environment"]
