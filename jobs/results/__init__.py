"""Reads finished tables, for review and report: indexes, intervals, lanes, boxes, stills."""
