"""Reports: results as terminal text, tables, traces and figures."""

from archsim.report.documents import write
from archsim.report.files import check_writable
from archsim.report.summary import summary

__all__ = ["check_writable", "summary", "write"]
