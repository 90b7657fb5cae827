"""
The error tree, sorted by who must act.

Expected bad news is a value (a failed apply is a ``Result``, a sick pod a ``Health``). An error ends a look at an
application; only the worker, the API's answers and the command line catch it. Anything else that is raised is a bug.
"""


class TiphysError(Exception):
    """An error whose message is meant for the user: what was being done, why it failed, what to do next."""


class SpecError(TiphysError):
    """The user's files or Application are wrong: told as a condition; we wait for a change."""


class InvalidSpec(SpecError):
    """The Application itself is wrong, whatever its repository holds."""


class Refused(TiphysError):
    """A project or a role says no: told as a condition; we wait for a change."""


class Unavailable(TiphysError):
    """Something outside did not answer: told as a condition; we try again, later each time."""


class Stale(TiphysError):
    """The world moved while we looked: we look again, at once."""
