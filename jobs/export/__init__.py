"""Results as files for other programs: ``moodreel export`` and ``moodreel clip``.

A format is a file in :mod:`jobs.export.formats`.
"""
