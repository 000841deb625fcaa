"""Measures trained networks."""
