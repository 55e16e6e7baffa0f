"""Reports: results as terminal text, tables, traces and figures."""

from archsim.report.documents import write
from archsim.report.summary import summary

__all__ = ["summary", "write"]
