"""What both engines are asked: whether they give the same."""

from archsim.machine import simulate


def check_equal(plan, architecture):
    """The fast engine's trace is the event engine's."""
    assert simulate(plan, architecture) == simulate(plan, architecture, engine="event")
