"""Many runs side by side: from a comparison's file to its report.

What runs them, :mod:`archsim.comparison.runs`, loads what draws; reading a file needs none.
"""

from archsim.comparison.describe import check, describe, describe_json
from archsim.comparison.plan import CasePlan, ComparisonPlan, read_plan

__all__ = ["CasePlan", "ComparisonPlan", "check", "describe", "describe_json", "read_plan"]
