"""Tilings, the mapper, tile streams."""
