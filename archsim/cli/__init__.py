"""The command line: reads arguments, calls the library, prints what it returns.

Exit codes: 0 success, 1 a run failed, 2 the user's input is wrong, 130 interrupted.
"""

from archsim.cli.commands import entry, main

__all__ = ["entry", "main"]
