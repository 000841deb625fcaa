"""What a page says instead of its content.

::

    PageError
    ├── NotFoundError     404: there is no such thing, or it may not be shown
    ├── NotReadyError     409: it is still being made
    └── UnreadableError   422: it is there and cannot be read

Each takes one argument, the message; :mod:`jobs.web.app` makes a page or a JSON object of it.
"""

from typing import ClassVar

from jobs.errors import JobError


class PageError(JobError):
    """Base of what pages say instead of their content."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "This page cannot be shown"


class NotFoundError(PageError):
    """There is no such thing, or it may not be shown."""

    status = 404
    title = "Not found"


class NotReadyError(PageError):
    """It is still being made."""

    status = 409
    title = "Not ready yet"


class UnreadableError(PageError):
    """It is there and cannot be read."""

    status = 422
    title = "Cannot be read"
