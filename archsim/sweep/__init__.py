"""Many designs: points on axes, run or searched, kept as they come.

``archsim.sweep`` is this package and, called, what it does: ``archsim.sweep("rank.yaml")``.
"""

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that can be called like the function of its name."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from archsim.sweep.run import sweep  # noqa: PLC0415 - reading a plan needs no table

        return sweep(*arguments, **options)


# Importing a module of this package puts the package where the function is looked for.
sys.modules[__name__].__class__ = _Callable
