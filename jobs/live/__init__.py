"""Labels a camera, a file or a stream while it plays: engine, recorder, page. Read :mod:`jobs.live.engine` first."""
