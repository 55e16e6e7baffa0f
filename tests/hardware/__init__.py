"""Closed forms of components, and the rules of architectures."""
