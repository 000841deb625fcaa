"""Trains networks and exports them."""
