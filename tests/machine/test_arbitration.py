"""Channel: who comes first, whatever order SimPy happens to run processes in."""

from itertools import permutations

import pytest
import simpy

from archsim.machine.channel import Channel

READ, WRITE = True, False


def serve(requests, order):
    """Start the askers in an order; return (name, start, waited) in the order of service.

    A request is (when, hops, is_read, priority, ticks); it is made after so many events
    at ``when`` itself.
    """
    env = simpy.Environment()
    channel, served = Channel(env), []

    def ask(name):
        at, hops, is_read, priority, ticks = requests[name]
        yield env.timeout(at)
        for _ in range(hops):
            yield env.timeout(0)
        waited = yield from channel.transfer(ticks, 8, is_read=is_read, priority=(priority, 0))
        served.append((name, int(env.now) - ticks, waited))

    for name in order:
        env.process(ask(name))
    env.run()
    assert channel.busy_ticks == sum(request[-1] for request in requests.values())
    assert channel.passed_bits == 8 * len(requests)
    return served


REQUESTS = {
    "late but urgent": (3, 0, READ, 0, 5),
    "first": (0, 0, READ, 9, 5),
    "read": (2, 0, READ, 1, 4),
    "lesser read": (2, 0, READ, 7, 4),
    "write": (2, 0, WRITE, 8, 3),
}


@pytest.mark.parametrize("order", [*permutations(REQUESTS)], ids="-".join)
def test_time_then_direction_then_priority_decide(order):
    """First come first served; of one time writes before reads, then program order."""
    assert serve(REQUESTS, order) == [
        ("first", 0, 0),
        ("write", 5, 3),
        ("read", 8, 6),
        ("lesser read", 12, 10),
        ("late but urgent", 16, 13),
    ]


@pytest.mark.parametrize("order", [*permutations(["early", "hopping"])])
def test_a_grant_waits_for_all_that_happens_at_its_time(order):
    """The write is asked for three events into tick 4 and still comes before the read."""
    requests = {"early": (4, 0, READ, 0, 2), "hopping": (4, 3, WRITE, 1, 2)}

    assert serve(requests, order) == [("hopping", 4, 0), ("early", 6, 2)]


@pytest.mark.parametrize("order", [*permutations(["holder", "waiter", "newcomer"])])
def test_a_release_lets_those_decide_who_ask_at_that_very_time(order):
    requests = {
        "holder": (0, 0, READ, 0, 6),
        "waiter": (6, 0, READ, 1, 1),
        "newcomer": (6, 5, WRITE, 2, 1),
    }

    assert [name for name, _, _ in serve(requests, order)] == ["holder", "newcomer", "waiter"]


def test_parts_of_one_operation_are_served_in_order():
    env = simpy.Environment()
    channel, served = Channel(env), []

    def ask(part):
        yield from channel.transfer(3, 8, is_read=True, priority=(4, part))
        served.append((part, env.now))

    for part in (2, 0, 1):
        env.process(ask(part))
    env.run()

    assert served == [(0, 3), (1, 6), (2, 9)]


def test_a_channel_rests_between_requests():
    requests = {"one": (0, 0, READ, 0, 2), "two": (10, 0, READ, 0, 2)}

    assert serve(requests, requests) == [("one", 0, 0), ("two", 10, 0)]
