"""Findings in reports: what an algorithm shows by itself, drawn, in rows and as files."""
