"""One movie: decoded, faces found and followed, tables and an annotated video made of it.

Knows nothing of jobs, workers, the web or Keras. Start reading at :mod:`pipeline.analyze`.
"""
