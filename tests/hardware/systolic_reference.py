"""A systolic array lived through cycle by cycle: registers, edges, and the product it makes.

It knows nothing of closed forms. Operands enter at the edges, each row (or column) one cycle
after the one before, and move one unit a cycle; every unit multiplies what meets in it.
"""

from dataclasses import dataclass

import numpy as np


@dataclass
class Run:
    """What an array did for a product."""

    product: np.ndarray
    cycles: int = 0
    inputs: int = 0
    weights: int = 0
    outputs: int = 0
    output_reads: int = 0


def run(spec, a, b, lanes=1, pace=1):
    """Multiply ``a`` (m x k) by ``b`` (k x n); a step of ``lanes`` products takes ``pace``."""
    flow = spec.dataflow
    out = Run(np.zeros((a.shape[0], b.shape[1])))
    if flow == "output_stationary":
        folds = list(_output_folds(spec, a, b, lanes, out))
        waves = [_Wave(left, top, None) for left, top, _ in folds]
        results = _live(spec, waves, pace, out, _OutputStationary)
        for (_, _, (rows, columns)), result in zip(folds, results, strict=True):
            block = out.product[rows, columns]
            block += result[: block.shape[0], : block.shape[1]]
            out.outputs += block.size
        return out
    swapped = flow == "input_stationary"
    moving, still = (b.T, a.T) if swapped else (a, b)
    folds = list(_stationary_folds(spec, moving, still, lanes))
    waves = [_Wave(stream, None, fixed) for stream, fixed, _ in folds]
    results = _live(spec, waves, pace, out, _Stationary)
    product = np.zeros((moving.shape[0], still.shape[1]))
    counts = {"moving": 0, "still": 0}
    seen = set()
    for (_, _, (depth, columns)), result in zip(folds, results, strict=True):
        block = product[:, columns]
        block += result[:, : block.shape[1]]
        counts["moving"] += moving[:, depth].size
        counts["still"] += still[depth, columns].size
        out.outputs += block.size
        out.output_reads += block.size * (columns.start in seen)
        seen.add(columns.start)
    out.product = product.T if swapped else product
    out.inputs, out.weights = (
        (counts["still"], counts["moving"]) if swapped else (counts["moving"], counts["still"])
    )
    return out


@dataclass
class _Wave:
    """A fold: what enters from the left, what from the top, what lies in the units."""

    left: np.ndarray
    """steps x rows x lanes"""
    top: np.ndarray | None
    """steps x columns x lanes"""
    fixed: np.ndarray | None
    """rows x columns x lanes"""


def _blocks(extent, size):
    return [slice(start, min(start + size, extent)) for start in range(0, extent, size)]


def _laned(matrix, axis, lanes):
    """Cut k into steps of ``lanes``, filled up with zeros; the lanes become the last axis."""
    matrix = np.moveaxis(matrix, axis, 0)
    steps = -(-len(matrix) // lanes)
    padded = np.zeros((steps * lanes, *matrix.shape[1:]))
    padded[: len(matrix)] = matrix
    return np.moveaxis(padded.reshape(steps, lanes, *matrix.shape[1:]), 1, -1)


def _padded(array, shape):
    out = np.zeros(shape)
    out[tuple(slice(0, extent) for extent in array.shape)] = array
    return out


def _size(spec, block, most):
    is_whole = spec.edges == "full_size" or spec.overlap == "full"
    return most if is_whole else block.stop - block.start


def _output_folds(spec, a, b, lanes, out):
    for columns in _blocks(b.shape[1], spec.columns):
        for rows in _blocks(a.shape[0], spec.rows):
            left = _laned(a[rows], 1, lanes)
            top = _laned(b[:, columns], 0, lanes)
            out.inputs += a[rows].size
            out.weights += b[:, columns].size
            height = _size(spec, rows, spec.rows)
            width = _size(spec, columns, spec.columns)
            yield (
                _padded(left, (len(left), height, lanes)),
                _padded(top, (len(top), width, lanes)),
                (rows, columns),
            )


def _stationary_folds(spec, moving, still, lanes):
    steps = _laned(still, 0, lanes)  # steps along k x n x lanes
    stream = _laned(moving, 1, lanes)  # steps along k x m x lanes
    for columns in _blocks(still.shape[1], spec.columns):
        for rows in _blocks(len(steps), spec.rows):
            height = _size(spec, rows, spec.rows)
            width = _size(spec, columns, spec.columns)
            left = np.moveaxis(stream[rows], 0, 1)
            depth = slice(rows.start * lanes, min(rows.stop * lanes, still.shape[0]))
            yield (
                _padded(left, (len(left), height, lanes)),
                _padded(steps[rows][:, columns], (height, width, lanes)),
                (depth, columns),
            )


def _live(spec, waves, pace, out, array_type):
    """Live through all folds as the array's overlap allows; return each fold's result."""
    if spec.overlap == "full":
        array = array_type(waves, pace)
        out.cycles = array.run() + spec.fold_overhead_cycles
        return array.results
    results, clock = [], 0
    loaded = 0  # the cycle at which the fold's stationary operand is in its registers
    for number, wave in enumerate(waves):
        if wave.fixed is not None:
            if spec.overlap == "none" or number == 0:
                loaded = clock + _load(wave.fixed)
            clock = max(clock, loaded)
            if spec.overlap == "stationary_load" and number + 1 < len(waves):
                # The registers behind are free once this fold's operand has moved on.
                loaded = clock + _load(waves[number + 1].fixed)
        array = array_type([wave], pace)
        clock += array.run() + spec.fold_overhead_cycles
        results += array.results
    out.cycles = clock
    return results


def _load(fixed):
    """Shift a stationary operand in from the top, a row a cycle; return the cycles."""
    registers = np.full(fixed.shape, np.nan)
    cycles = 0
    while not np.array_equal(registers, fixed):
        registers[1:] = registers[:-1].copy()
        registers[0] = fixed[len(fixed) - 1 - cycles]
        cycles += 1
    return cycles


class _OutputStationary:
    """Both operands move; every unit adds up its own result."""

    def __init__(self, waves, pace):
        self.waves, self.pace = waves, pace
        self.rows = max(wave.left.shape[1] for wave in waves)
        self.columns = max(wave.top.shape[1] for wave in waves)
        self.results = [np.zeros((self.rows, self.columns)) for _ in waves]
        self.entering = [(f, s) for f, w in enumerate(waves) for s in range(len(w.left))]

    def run(self):
        """Return the cycles until the last unit has finished its last product."""
        lanes = self.waves[0].left.shape[2]
        shape = (self.rows, self.columns)
        right, down = np.zeros((*shape, lanes)), np.zeros((*shape, lanes))
        tag = np.full(shape, -1)  # which fold the operands in a unit belong to
        cycle, left_to_do = 0, len(self.entering) * self.rows * self.columns
        while left_to_do:
            right[:, 1:], down[1:] = right[:, :-1].copy(), down[:-1].copy()
            tag[:, 1:] = tag[:, :-1].copy()
            for row in range(self.rows):
                entry = self._entry(cycle - row)
                tag[row, 0] = -1 if entry is None else entry[0]
                right[row, 0] = 0 if entry is None else self.waves[entry[0]].left[entry[1], row]
            for column in range(self.columns):
                entry = self._entry(cycle - column)
                down[0, column] = 0 if entry is None else self.waves[entry[0]].top[entry[1], column]
            for fold in set(tag[tag >= 0].tolist()):
                here = tag == fold
                self.results[fold][here] += (right[here] * down[here]).sum(axis=-1)
                left_to_do -= int(here.sum())
            cycle += 1
        return cycle + self.pace - 1

    def _entry(self, time):
        number, rest = divmod(time, self.pace)
        return self.entering[number] if not rest and 0 <= number < len(self.entering) else None


class _Stationary:
    """One operand lies in the units, the other moves right, partial sums move down."""

    def __init__(self, waves, pace):
        self.waves, self.pace = waves, pace
        self.rows, self.columns = waves[0].fixed.shape[:2]
        self.results = [np.zeros((len(wave.left), self.columns)) for wave in waves]
        self.entering = [(f, s) for f, w in enumerate(waves) for s in range(len(w.left))]

    def run(self):
        """Return the cycles until the last sum has left the last column."""
        lanes = self.waves[0].left.shape[2]
        shape = (self.rows, self.columns)
        right, sums = np.zeros((*shape, lanes)), np.zeros(shape)
        tag = np.full(shape, -1)  # which entry the operand in a unit belongs to
        cycle, left_to_do = 0, len(self.entering) * self.columns
        while left_to_do:
            right[:, 1:], tag[:, 1:] = right[:, :-1].copy(), tag[:, :-1].copy()
            for row in range(self.rows):
                number, rest = divmod(cycle - row, self.pace)
                enters = not rest and 0 <= number < len(self.entering)
                tag[row, 0] = number if enters else -1
                fold, step = self.entering[number] if enters else (0, 0)
                right[row, 0] = self.waves[fold].left[step, row] if enters else 0
            above = np.vstack([np.zeros(self.columns), sums[:-1]])
            sums = np.zeros(shape)
            for row, column in np.argwhere(tag >= 0):
                fold, _ = self.entering[tag[row, column]]
                fixed = self.waves[fold].fixed[row, column]
                sums[row, column] = above[row, column] + (right[row, column] * fixed).sum()
            for column in np.flatnonzero(tag[-1] >= 0):
                fold, step = self.entering[tag[-1, column]]
                self.results[fold][step, column] = sums[-1, column]
                left_to_do -= 1
            cycle += 1
        return cycle + self.pace - 1
