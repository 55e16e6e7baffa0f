"""How hard long randomised tests try: the gate has time for a share of their cases only."""

import os

SHARE = float(os.environ.get("ARCHSIM_SLOW_SHARE", "1"))


def cases(most):
    """Return how many of so many cases a run tries."""
    return max(1, int(most * SHARE))
