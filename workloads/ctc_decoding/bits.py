"""Records of fields that need not fill bytes, one behind the other in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import gcd

import numpy as np
from numpy.typing import ArrayLike, NDArray

ROWS_AT_ONCE = 1 << 13
"""Records packed in one go: a multiple of 8, so that each go ends at a byte."""


def bits_for(largest: int) -> int:
    """Return how many bits hold the whole numbers from 0 to ``largest``; at least one."""
    return max(1, largest.bit_length())


@dataclass(frozen=True, eq=False)
class PackedRecords:
    """An image of equal records; field f of each takes ``widths[f]`` bits, lowest bit first."""

    widths: tuple[int, ...]
    count: int
    image: bytes

    @classmethod
    def pack(cls, widths: Sequence[int], columns: Sequence[ArrayLike]) -> "PackedRecords":
        """Pack one column of whole numbers for each field."""
        arrays = [np.asarray(column, dtype=np.int64) for column in columns]
        for width, array in zip(widths, arrays, strict=True):
            assert array.size == 0 or 0 <= array.min() <= array.max() < 1 << width, width
        count = len(arrays[0])
        image = b"".join(
            np.packbits(
                np.concatenate(
                    [
                        _columns_of_bits(array[start : start + ROWS_AT_ONCE], width)
                        for width, array in zip(widths, arrays, strict=True)
                    ],
                    axis=1,
                ),
                bitorder="little",
            ).tobytes()
            for start in range(0, count, ROWS_AT_ONCE)
        )
        return cls(tuple(widths), count, image)

    @cached_property
    def record_bits(self) -> int:
        """Bits of one record."""
        return sum(self.widths)

    @property
    def size_bytes(self) -> int:
        """Bytes of the image; its last byte may not be full."""
        return len(self.image)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """The first bit of each field in its record."""
        return tuple(accumulate(self.widths[:-1], initial=0))

    @cached_property
    def word_bits(self) -> int:
        """Bits of the longest word of which every field is one or several."""
        return gcd(*self.widths)

    @property
    def words(self) -> NDArray[np.int64]:
        """The records as words of one length, records by words."""
        bits = np.unpackbits(np.frombuffer(self.image, dtype=np.uint8), bitorder="little")
        shape = (self.count, self.record_bits // self.word_bits, self.word_bits)
        words = bits[: self.count * self.record_bits].reshape(shape)
        return np.asarray(words @ (1 << np.arange(self.word_bits)))

    def with_words(self, words: ArrayLike) -> "PackedRecords":
        """Return records of the same fields that hold other words."""
        columns = np.asarray(words, dtype=np.int64).T
        packed = PackedRecords.pack([self.word_bits] * len(columns), list(columns))
        return PackedRecords(self.widths, packed.count, packed.image)

    def read(self, record: int, field: int) -> int:
        """Return one field of one record."""
        return self._bits(record * self.record_bits + self.offsets[field], self.widths[field])

    def whole(self, record: int) -> int:
        """Return all fields of a record as one number, the first field lowest."""
        return self._bits(record * self.record_bits, self.record_bits)

    def _bits(self, first: int, width: int) -> int:
        touched = self.image[first >> 3 : (first + width + 7) >> 3]
        return int.from_bytes(touched, "little") >> (first & 7) & (1 << width) - 1


def _columns_of_bits(column: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    return ((column[:, None] >> np.arange(width)) & 1).astype(np.uint8)
