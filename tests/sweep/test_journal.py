"""The file of outcomes: nothing is lost that was once written, whatever happens after."""

import errno
import os
import resource
import signal

import pytest

from archsim.errors import RunError
from archsim.sweep import journal as journal_module
from archsim.sweep.journal import HEADER, Journal
from archsim.sweep.outcome import infeasible

OUTCOME = {
    "feasible": True,
    "reason": "",
    "latency_s": 0.1 + 0.2,
    "energy_j": 1e-9,
    "edp_js": 5e-324,
    "power_w": 3.0,
    "macs": 10**15,
    "dram_bytes": 0,
    "on_chip_bytes": 7,
    "parameter_bytes": 8,
    "limited_by": "compute",
}


def key(number):
    return f"{number:016x}"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "folder" / "outcomes.csv"


@pytest.fixture
def ten(file):
    with Journal(file) as journal:
        journal.append([(key(number), OUTCOME) for number in range(10)])
    return file


def test_what_was_written_is_read_to_the_last_digit(file):
    failed = infeasible('no room for "x",\n two lines, a comma')
    with Journal(file) as journal:
        journal.append([(key(1), OUTCOME), (key(2**64 - 1), failed)])

        assert journal.get(key(1)) == OUTCOME

    with Journal(file) as journal:
        assert journal.get(key(1)) == OUTCOME
        assert journal.get(key(2**64 - 1)) == failed
        assert journal.get(key(3)) is None
        assert key(1) in journal
        assert key(3) not in journal
        assert len(journal) == 2


@pytest.mark.parametrize("cut", [1, 5, 60, 80])
def test_a_cut_off_last_line_is_told_of_and_only_that_one_is_gone(ten, cut):
    os.truncate(ten, ten.stat().st_size - cut)

    with Journal(ten) as journal:
        assert len(journal) == 9
        assert "the last line is cut off" in journal.repairs[0]
        journal.append([(key(9), OUTCOME)])

    with Journal(ten) as journal:
        assert len(journal) == 10
        assert journal.repairs == []


def test_every_place_to_cut_leaves_all_whole_lines(ten):
    whole = ten.read_bytes()
    for length in range(0, len(whole), 7):
        ten.write_bytes(whole[:length])

        with Journal(ten) as journal:
            assert len(journal) == max(0, whole[:length].count(b"\n") - 1)


def test_broken_lines_in_the_middle_are_told_of_and_the_others_kept(ten):
    lines = ten.read_bytes().splitlines(keepends=True)
    lines[3] = b"\x00" * 40 + b"\n"
    lines[5] = lines[5].replace(b"0.3", b"0.3.3")
    ten.write_bytes(b"".join(lines))

    with Journal(ten) as journal:
        assert len(journal) == 8
        assert "2 lines are broken" in journal.repairs[0]
        assert journal.get(key(9)) == OUTCOME


def test_a_file_of_other_columns_is_not_touched(file):
    file.parent.mkdir()
    file.write_text("a,b\n1,2\n")

    with pytest.raises(RunError, match="not what this version of archsim writes"):
        Journal(file).__enter__()

    assert file.read_text() == "a,b\n1,2\n"


def test_a_file_without_a_whole_first_line_begins_anew(file):
    file.parent.mkdir()
    file.write_bytes(HEADER[:10])

    with Journal(file) as journal:
        assert len(journal) == 0

    assert file.read_bytes() == HEADER


def test_two_sweeps_do_not_write_one_file(ten):
    with Journal(ten), pytest.raises(RunError, match="another sweep is writing here"):
        Journal(ten).__enter__()


def test_many_lines_are_found_again(file, monkeypatch):
    monkeypatch.setattr(journal_module, "MOST_UNSORTED", 50)
    numbers = [number * 7919 % 2003 for number in range(2003)]
    with Journal(file) as journal:
        for start in range(0, 2003, 10):
            part = numbers[start : start + 10]
            journal.append([(key(n), {**OUTCOME, "macs": n}) for n in part])

    with Journal(file) as journal:
        assert len(journal) == 2003
        assert all(journal.get(key(n))["macs"] == n for n in numbers[::17])


def test_a_full_disk_is_told_of_and_leaves_the_file_as_it_was(ten, monkeypatch):
    before = ten.read_bytes()
    write = os.write

    def full(descriptor, data):
        write(descriptor, bytes(data[:50]))  # a part still finds room
        raise OSError(errno.ENOSPC, "No space left on device")

    with Journal(ten) as journal:
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(RunError, match=r"No space left on device. The 10 points before are"):
            journal.append([(key(11), OUTCOME)])
        monkeypatch.undo()

        assert ten.read_bytes() == before
        journal.append([(key(11), OUTCOME)])
        assert len(journal) == 11


def test_a_limit_on_the_size_of_files_is_a_full_disk(ten):
    """The system's own error, from a quota of this process."""
    before = ten.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Journal(ten) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 30, limit[1]))
        try:
            with pytest.raises(RunError, match="File too large"):
                journal.append([(key(11), OUTCOME)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
            signal.signal(signal.SIGXFSZ, handler)

    assert ten.read_bytes() == before


@pytest.mark.parametrize("whole", [0, 1, 3])
def test_an_interrupt_while_the_disk_is_waited_for_keeps_whole_lines(ten, monkeypatch, whole):
    """What the file has is what the journal knows of, so that the table has it, too."""
    rows = [(key(number), OUTCOME) for number in range(10, 13)]
    write = os.write

    def interrupted(descriptor, data):
        length = len(bytes(data)) // len(rows)
        write(descriptor, bytes(data)[: whole * length + (whole < len(rows)) * 5])
        raise KeyboardInterrupt

    with Journal(ten) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", interrupted)
            with pytest.raises(KeyboardInterrupt):
                journal.append(rows)

        assert len(journal) == 10 + whole
        assert [number for number in range(20) if key(number) in journal] == list(range(10 + whole))
        journal.append([(key(19), OUTCOME)])
        assert journal.get(key(19)) == OUTCOME

    with Journal(ten) as journal:
        assert not journal.repairs
        assert len(journal) == 11 + whole
