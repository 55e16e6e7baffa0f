"""Sweeps as text, figures, tables and a page."""

from archsim.report.sweep.files import write_sweep
from archsim.report.sweep.text import sweep_json, sweep_text

__all__ = ["sweep_json", "sweep_text", "write_sweep"]
