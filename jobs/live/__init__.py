"""A camera, a file or a stream, labelled while it plays: engine, recorder, page. Read :mod:`jobs.live.engine` first."""
