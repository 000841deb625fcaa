"""What can go wrong with a run.

::

    JobError
    ├── UsageError       the command line or the settings: exit code 2, before any work
    ├── SampleError      the sample movie cannot be made
    ├── ReportError      a report cannot be made of what is there
    ├── SourceError      a camera, file or stream gives no pictures (any more)
    ├── ReviewFileError  review.json cannot be read or written, or belongs to an earlier state of the movie
    │   └── ReviewConflictError  somebody else changed the same thing meanwhile
    ├── WorkspaceError   the output folder cannot be used
    ├── DiskFullError    there is too little room for what comes next: the run stops and can be resumed
    ├── StoppedError     the run was stopped before a unit began
    └── WorkerDiedError  a worker process died or hung; the unit may be tried again
        └── NodeLostError  its whole machine went away
"""


class JobError(Exception):
    """Base of all errors of the ``jobs`` package."""


class UsageError(JobError):
    """The command line or the settings are wrong."""


class SampleError(JobError):
    """The sample movie cannot be made."""


class ReportError(JobError):
    """A report cannot be made of what is there."""


class SourceError(JobError):
    """A live source gives no pictures, or none any more."""


class ReviewFileError(JobError):
    """``review.json`` cannot be read or written, or belongs to an earlier state of the movie."""


class ReviewConflictError(ReviewFileError):
    """Somebody else changed the same thing since the author of a correction looked."""


class WorkspaceError(JobError):
    """The output folder cannot be used."""


class DiskFullError(JobError):
    """There is too little room on the disk for what comes next."""


class StoppedError(JobError):
    """The run was stopped before a unit began."""


class WorkerDiedError(JobError):
    """A worker process died while it worked on a unit."""


class NodeLostError(WorkerDiedError):
    """A unit's machine went away; neither the unit nor its neighbours are to blame."""
