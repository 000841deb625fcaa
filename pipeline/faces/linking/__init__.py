"""Detections -> tracks: :mod:`pipeline.faces.linking.link` first."""
