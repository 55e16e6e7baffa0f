"""A channel in a domain: who asks for it, from when on it is free, when it gives a turn."""

from archsim.machine.channel import Finish, Timing

NEVER = -1

Request = tuple[int, int, int, int]
"""When asked, 0 for a write or 1 for a read, the lane's number, the stage."""


class Server:
    """A channel as the turns of one domain see it."""

    __slots__ = ("finish", "free", "requests", "rhythm", "turn")

    def __init__(self, timing: Timing, free: int) -> None:
        self.finish: Finish = timing.finish
        self.rhythm = timing.rhythm
        self.free = free
        self.requests: list[Request] = []
        """A heap."""
        self.turn = NEVER
        """When it gives its next turn, as far as is known."""
