"""Place: the tiles of a stream in order, and rounds skipped instead of taken."""

from hypothesis import given
from hypothesis import strategies as st

from archsim.machine.course import NONE, Course, Place
from archsim.mapping import Repeat, TileClass, TileStream
from tests.mapping.strategies import compute_stage, long_streams

A, B, C = (TileClass((ticks,), (0,), 1, ()) for ticks in (1, 2, 3))


def course(*body):
    return Course(TileStream((compute_stage(),), body))


def taken(place, count):
    return [place.take() for _ in range(count)]


@given(long_streams(most_tiles=100))
def test_all_tiles_are_taken_in_order(stream):
    numbered = Course(stream)
    place = Place(numbered)

    order = taken(place, stream.tiles)

    assert [numbered.classes[number] for number in order] == list(stream)
    assert (place.take(), place.is_over) == (NONE, True)


def test_places_a_round_apart_know_how_many_rounds_may_follow():
    place = Place(course(A, Repeat(10, (B, C)), A))
    taken(place, 1 + 2 * 2 + 1)  # the third round has begun
    before = place.copy()
    taken(place, 3 * 2)  # the sixth round has begun: four are left

    assert place.rounds_since(before) == (1, 3, 1)


def test_rounds_of_an_outer_loop_count_where_the_inner_one_stands_alike():
    place = Place(course(Repeat(10, (A, Repeat(5, (B,))))))
    taken(place, 3)
    before = place.copy()
    taken(place, 6)

    assert place.rounds_since(before) == (1, 1, 8)


def test_places_in_different_rounds_of_two_loops_have_nothing_in_common():
    place = Place(course(Repeat(10, (A, Repeat(5, (B,))))))
    taken(place, 3)
    before = place.copy()
    taken(place, 7)

    assert place.rounds_since(before) is None


def test_a_place_that_has_not_moved_repeats_nothing():
    place = Place(course(Repeat(10, (A, B))))
    taken(place, 3)

    assert place.rounds_since(place.copy()) is None


def test_it_says_when_a_round_has_ended():
    place = Place(course(A, Repeat(2, (B, C))))
    turns = []
    for _ in range(6):
        place.take()
        turns.append(place.has_turned)
        place.has_turned = False

    # the second round begins with the fourth tile; the sixth is not there any more
    assert turns == [False, False, False, True, False, True]


@given(long_streams(most_tiles=100), st.data())
def test_skipped_rounds_are_as_good_as_taken_ones(stream, data):
    numbered = Course(stream)
    first = data.draw(st.integers(1, stream.tiles))
    between = data.draw(st.integers(1, stream.tiles))
    place = Place(numbered)
    order = taken(Place(numbered), stream.tiles)
    taken(place, first)
    before = place.copy()
    taken(place, between)
    found = place.rounds_since(before)
    if found is None:
        return
    depth, rounds, times = found

    place.skip(depth, rounds * times)

    assert (
        order[first : first + between] * times
        == order[first + between : first + between * (times + 1)]
    )
    rest = order[first + between * (times + 1) :]
    assert taken(place, len(rest) + 1) == [*rest, NONE]


@given(long_streams(most_tiles=100), st.data())
def test_a_place_is_its_rounds_and_steps(stream, data):
    numbered = Course(stream)
    place = Place(numbered)
    taken(place, data.draw(st.integers(0, stream.tiles + 1)))

    other = Place.at(numbered, [*place.rounds], [*place.steps], has_turned=place.has_turned)

    assert (other.is_over, other.has_turned) == (place.is_over, place.has_turned)
    assert taken(other, stream.tiles) == taken(place, stream.tiles)
