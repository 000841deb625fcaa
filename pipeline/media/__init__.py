"""Reads movies: open, probe, cut into segments, decode, deinterlace; runs FFmpeg's own program."""

from pipeline.media.library_gaps import fill_gaps

fill_gaps()
