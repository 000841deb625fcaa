"""What can go wrong with one movie.

::

    PipelineError
    ├── InputError               the movie's fault: trying again cannot help
    │   └── NotAMovieError       nothing in the file can be shown as moving pictures
    ├── DetectorError            a face detector is missing or cannot be used
    ├── OverlayError             the movie cannot be copied with its labels as a subtitle track
    └── FfmpegError              FFmpeg could not write the video; carries its last words

Errors of PyAV and FFmpeg are translated into these where those libraries are called.
"""


class PipelineError(Exception):
    """Base of all errors of the ``pipeline`` package."""


class InputError(PipelineError):
    """The movie cannot be processed, and trying again cannot help."""


class NotAMovieError(InputError):
    """Nothing in the file can be shown as moving pictures."""


class DetectorError(PipelineError):
    """A face detector is missing or cannot be used."""


class OverlayError(PipelineError):
    """The movie cannot be copied untouched with its labels as a subtitle track; it can be drawn on and encoded."""


class FfmpegError(PipelineError):
    """FFmpeg could not write the video."""
