"""Reads finished results, for review and report: job.json, tables, stills. Whatever cannot be read is a ResultError."""
