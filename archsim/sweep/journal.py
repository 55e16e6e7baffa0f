"""What has been run so far, on disk: a line per point, under the hash of its configuration.

Lines are only ever added, each batch forced to the disk before the next, so that whatever ends
the process leaves whole lines and perhaps a broken last one. That is cut off, and its point run
again. Memory holds a number and a place in the file per line, no line.
"""

import csv
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Self

import numpy as np

from archsim.errors import RunError
from archsim.results.sweep import COUNTS, NUMBERS, WORDS
from archsim.sweep.outcome import COLUMNS, Outcome

FIELDS = ("config_hash", *COLUMNS)
HEADER = (",".join(FIELDS) + "\n").encode()
MOST_UNSORTED = 4096
HASH = 16
"""Hexadecimal digits of a point's configuration."""


class Journal:
    """The file of outcomes of one sweep, open for one process."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.repairs: list[str] = []
        """What was found broken and is run again, in words."""
        self._keys = np.empty(0, np.uint64)
        self._places = np.empty(0, np.int64)
        self._added: dict[int, int] = {}
        """Keys and places of the latest lines, not yet among the sorted ones."""
        self._end = 0

    def __enter__(self) -> Self:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._writer = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._reader = self.file.open("rb")
        try:
            fcntl.flock(self._writer, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._look()
        except BlockingIOError:
            self._close()
            raise RunError(f"{self.file}: another sweep is writing here; wait for it") from None
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def __len__(self) -> int:
        return len(self._keys) + len(self._added)

    def __contains__(self, key: str) -> bool:
        return self._place(int(key, 16)) is not None

    def get(self, key: str) -> Outcome | None:
        """Return what came out under a hash; none where it was not run."""
        place = self._place(int(key, 16))
        if place is None:
            return None
        self._reader.seek(place)
        return _outcome(_cells(self._reader.readline()))

    def append(self, rows: Iterable[tuple[str, Outcome]]) -> None:
        """Add outcomes under their hashes, and wait until they are on the disk.

        Raises:
            RunError: if they cannot be written; the file is then as it was before.
        """
        lines = [(int(key, 16), _line(key, outcome)) for key, outcome in rows]
        try:
            self._write(b"".join(line for _, line in lines))
        finally:  # an interrupt mostly comes while the disk is waited for: what is there counts
            self._find(lines)
        if len(self._added) > MOST_UNSORTED:
            self._settle()

    def _find(self, lines: list[tuple[int, bytes]]) -> None:
        """Note the places of the latest lines, as far as they are in the file; cut off a part."""
        size = os.fstat(self._writer).st_size
        for key, line in lines:
            if self._end + len(line) > size:
                os.ftruncate(self._writer, self._end)
                return
            self._added[key] = self._end
            self._end += len(line)

    def _close(self) -> None:
        self._reader.close()
        os.close(self._writer)

    def _write(self, lines: bytes) -> None:
        left = memoryview(lines)
        try:
            while left:
                left = left[os.write(self._writer, left) :]
            os.fsync(self._writer)
        except OSError as error:
            os.ftruncate(self._writer, self._end)  # which needs no room
            raise RunError(
                f"{self.file}: {error.strerror}. The {len(self):,} points before are kept; "
                "make room, and the same command goes on"
            ) from error

    def _place(self, key: int) -> int | None:
        if key in self._added:
            return self._added[key]
        at = int(np.searchsorted(self._keys, np.uint64(key)))
        if at < len(self._keys) and int(self._keys[at]) == key:
            return int(self._places[at])
        return None

    def _look(self) -> None:
        """Go through the file once: find its lines, cut off what is broken at its end."""
        first = self._reader.readline()
        if not first.endswith(b"\n"):
            os.ftruncate(self._writer, 0)
            self._write(HEADER)
            self._end = len(HEADER)
            return
        if first != HEADER:
            raise RunError(
                f"{self.file}: not what this version of archsim writes; move it away, or give "
                "another folder"
            )
        self._end = len(HEADER)
        broken = 0
        while line := self._reader.readline():
            if not line.endswith(b"\n"):
                self.repairs.append(f"{self.file}: the last line is cut off; its point runs again")
                os.ftruncate(self._writer, self._end)
                break
            cells = _cells(line)
            if not _is_whole(cells):
                broken += 1
            elif self._place(int(cells[0], 16)) is None:
                self._added[int(cells[0], 16)] = self._end
            self._end += len(line)
            if len(self._added) > MOST_UNSORTED:
                self._settle()
        if broken:
            lines = "line is" if broken == 1 else "lines are"
            self.repairs.append(
                f"{self.file}: {broken:,} {lines} broken; what they held runs again"
            )

    def _settle(self) -> None:
        """Sort the latest lines in among the others."""
        count = len(self._added)
        keys = np.concatenate([self._keys, np.fromiter(self._added, np.uint64, count)])
        places = np.fromiter(self._added.values(), np.int64, count)
        order = np.argsort(keys)
        self._keys = keys[order]
        self._places = np.concatenate([self._places, places])[order]
        self._added = {}


def _is_whole(cells: list[str]) -> bool:
    """Whether a line is one that was written here, from end to end."""
    if len(cells) != len(FIELDS) or len(cells[0]) != HASH:
        return False
    try:
        int(cells[0], 16)
        _outcome(cells)
    except ValueError:
        return False
    return cells[1] in ("true", "false")


def _cells(line: bytes) -> list[str]:
    text = line.decode(errors="replace")
    return next(iter(_rows([text])), [])


def _rows(lines: Iterable[str]) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, strict=True)
    except csv.Error:
        return


def _line(key: str, outcome: Mapping[str, Any]) -> bytes:
    text = StringIO()
    cells = [cell_of(outcome[column]) for column in COLUMNS]
    csv.writer(text, lineterminator="\n").writerow([key, *cells])
    return text.getvalue().encode()


def cell_of(value: object) -> str:
    """Return a value as tables hold it: numbers to the last digit, nothing for none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _outcome(cells: list[str]) -> Outcome:
    found: Outcome = dict(zip(COLUMNS, cells[1:], strict=True))
    found["feasible"] = found["feasible"] == "true"
    for column in NUMBERS:
        found[column] = float(found[column]) if found[column] else None
    for column in COUNTS:
        found[column] = int(found[column]) if found[column] else None
    for column in WORDS:
        found[column] = found[column] or None
    return found
