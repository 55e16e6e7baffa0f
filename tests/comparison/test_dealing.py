"""Jobs dealt to processes: all are done, and each process goes on with what it knows."""

import os
from functools import partial

import pytest

from archsim.comparison.dealing import Job, _Table, deal


def answer(number):
    if number < 0:
        raise ValueError(f"no {number}")
    return number, os.getpid()


def jobs(numbers):
    return [Job(number % 3, partial(answer, number)) for number in numbers]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_job_is_done_once(workers):
    found = list(deal(jobs(range(7)), workers))

    assert sorted(number for number, _ in found) == list(range(7))
    assert len({process for _, process in found}) <= workers


def test_without_jobs_nothing_is_done():
    assert list(deal([], 2)) == []


def test_what_a_job_raises_ends_it_all():
    with pytest.raises(ValueError, match="no -1"):
        list(deal(jobs([1, -1, 2]), 2))


def taken(table, last, of_others=()):
    job = table.take(last, set(of_others))
    return job and (job.sort, job.work())


def test_a_process_goes_on_with_its_sort_then_with_one_that_nobody_is_at():
    table = _Table(Job(sort, partial(str, n)) for n, sort in enumerate("aaabbbbbcc"))

    assert taken(table, None) == ("a", "0")
    assert taken(table, None, "a") == ("b", "3")
    assert taken(table, "a", "b") == ("a", "1")
    assert taken(table, "a", "b") == ("a", "2")
    assert taken(table, "a", "b") == ("c", "8")
    assert taken(table, "c", "b") == ("c", "9")
    assert taken(table, "c", "b") == ("b", "4")  # the other one is at it, but it has most left
    assert [taken(table, "b")[1] for _ in "567"] == ["5", "6", "7"]
    assert taken(table, "b") is None
