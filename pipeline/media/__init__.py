"""Reads movies: open, probe, cut into segments, decode, deinterlace; runs FFmpeg's own program."""
