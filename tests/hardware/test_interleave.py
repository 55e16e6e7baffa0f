"""Runs in memory of what is wanted in another order: as counted one by one."""

from itertools import product
from math import prod

from hypothesis import given
from hypothesis import strategies as st

from archsim.hardware.interleave import runs_in_memory
from archsim.ir.tile import Layout


def addresses_in_order(layout):
    """Where the numbers lie, in the order in which they are wanted."""
    steps = [prod(layout.shape[place + 1 :]) for place in range(len(layout.shape))]
    wanted = [
        [digit * steps[place] for digit in range(layout.shape[place])] for place in layout.order
    ]
    return [sum(digits) for digits in product(*wanted)]


def counted(places):
    """Runs of neighbours, and the mean distance of their starts."""
    starts = [place for place in sorted(places) if place - 1 not in places]
    return len(starts), (starts[-1] - starts[0]) // (len(starts) - 1) if starts[1:] else 0


layouts = st.lists(st.integers(1, 5), min_size=1, max_size=4).flatmap(
    lambda shape: st.permutations(range(len(shape))).map(
        lambda order: Layout(tuple(shape), tuple(order))
    )
)


@given(layouts, st.data())
def test_the_first_numbers_lie_in_as_many_runs_as_are_counted(layout, data):
    wanted = addresses_in_order(layout)
    first = data.draw(st.integers(1, len(wanted)))

    assert runs_in_memory(first, first, 0, layout) == counted(set(wanted[:first]))


@given(layouts, st.data())
def test_pieces_of_an_extent_lie_in_as_many_runs_as_are_counted(layout, data):
    """A tile that covers part of the inner extents wants some numbers, a stride apart."""
    wanted = addresses_in_order(layout)
    outer = data.draw(st.integers(0, len(layout.order)))
    stride = prod(layout.shape[place] for place in layout.order[outer:])
    run = data.draw(st.integers(1, stride))
    times = data.draw(st.integers(1, len(wanted) // stride))
    here = [wanted[number * stride + each] for number in range(times) for each in range(run)]

    assert runs_in_memory(run * times, run, stride, layout) == counted(set(here))


def test_a_large_tensor_is_counted_as_a_small_one():
    layout = Layout((512, 4096, 128), (1, 0, 2))

    assert runs_in_memory(2**27, 2**27, 0, layout) == (512, 4096 * 128)
