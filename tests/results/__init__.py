"""Metrics, bounds and results of hand-made traces."""
