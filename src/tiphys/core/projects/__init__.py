"""What a project permits its applications, and the project that permits everything."""

from tiphys.core.projects.default import default_project

__all__ = ["default_project"]
