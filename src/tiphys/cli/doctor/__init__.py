"""``tiphys doctor``: what is wrong, or will be, with a charts repository or with a cluster."""

from tiphys.cli.doctor.doctor import doctor

__all__ = ["doctor"]
