"""Why a result cannot be shown.

::

    ResultError
    ├── NotFoundError     there is no such thing, or it may not be shown
    ├── NotReadyError     it is still being made
    └── UnreadableError   it exists but cannot be read

Each takes one argument, the message. :mod:`jobs.web.app` maps them to an HTTP status and a page.
"""

from jobs.errors import JobError


class ResultError(JobError):
    """Base of the reasons why a result cannot be shown."""


class NotFoundError(ResultError):
    """There is no such thing, or it may not be shown."""


class NotReadyError(ResultError):
    """It is still being made."""


class UnreadableError(ResultError):
    """It exists but cannot be read."""
