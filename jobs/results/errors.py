"""Why a result cannot be shown.

::

    ResultError
    ├── NotFoundError     it does not exist, or may not be shown
    ├── NotReadyError     it is still being made
    └── UnreadableError   it exists but cannot be read

Each takes one argument, the message. :mod:`jobs.web.app` maps them to an HTTP status and a page; reports turn them
into a ``ReportError``.
"""

from jobs.errors import JobError


class ResultError(JobError):
    """Base of the reasons why a result cannot be shown."""


class NotFoundError(ResultError):
    """The result does not exist, or may not be shown."""


class NotReadyError(ResultError):
    """The result is still being made."""


class UnreadableError(ResultError):
    """The result exists but cannot be read."""
