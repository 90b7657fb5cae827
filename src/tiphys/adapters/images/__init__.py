"""Images: built and pushed by docker buildx, podman or buildah, whichever is there, with the credentials they keep."""

from tiphys.adapters.images.builders import Builder, Program, builder

__all__ = ["Builder", "Program", "builder"]
