"""A systolic array lived through cycle by cycle: registers, edges, and the product it makes.

It knows nothing of closed forms. Operands enter at the edges, each row (or column) one cycle
after the one before, and move one unit a cycle; every unit multiplies what meets in it. NaN
stands for "nothing": what lies there was never fetched, and is never stored. Everything else
that crosses an edge of the array is counted as an access of its memory.
"""

from dataclasses import dataclass

import numpy as np


@dataclass
class Run:
    """What an array did for a product."""

    product: np.ndarray
    """NaN where nothing is stored yet."""
    cycles: int = 0
    load: int = 0
    """Cycles in which the array waited for a stationary operand."""
    stream: int = 0
    """Cycles in which the corner where operands enter was at work."""
    inputs: int = 0
    weights: int = 0
    outputs: int = 0
    output_reads: int = 0


def run(spec, a, b, lanes=1, pace=1):
    """Multiply ``a`` (m x k) by ``b`` (k x n); a step of ``lanes`` products takes ``pace``."""
    if spec.dataflow == "output_stationary":
        folds = list(_output_folds(spec, a, b, lanes))
        run = Run(np.full((a.shape[0], b.shape[1]), np.nan))
        run.inputs, run.weights = _live(spec, folds, pace, run, _OutputStationary)
    elif spec.dataflow == "weight_stationary":
        folds = list(_stationary_folds(spec, a, b, lanes))
        run = Run(np.full((a.shape[0], b.shape[1]), np.nan))
        run.inputs, run.weights = _live(spec, folds, pace, run, _Stationary)
    else:  # weights stream past inputs; the array makes the transpose of the product
        folds = list(_stationary_folds(spec, b.T, a.T, lanes))
        run = Run(np.full((b.shape[1], a.shape[0]), np.nan))
        run.weights, run.inputs = _live(spec, folds, pace, run, _Stationary)
        run.product = run.product.T
    return run


@dataclass
class _Fold:
    """What enters from the left, what comes from the top, and where results belong."""

    left: np.ndarray
    """steps x rows x lanes"""
    top: np.ndarray
    """steps x columns x lanes if it streams, rows x columns x lanes if it is stationary"""
    block: tuple[slice, slice]


def _blocks(extent, size):
    return [slice(start, min(start + size, extent)) for start in range(0, extent, size)]


def _laned(matrix, lanes):
    """Cut the rows into steps of ``lanes``, filled up with nothing: steps x columns x lanes."""
    steps = -(-len(matrix) // lanes)
    filled = _padded(matrix, (steps * lanes, matrix.shape[1]))
    return np.moveaxis(filled.reshape(steps, lanes, -1), 1, 2)


def _padded(array, shape):
    out = np.full(shape, np.nan)
    out[tuple(slice(0, extent) for extent in array.shape)] = array
    return out


def _size(spec, block, most):
    is_whole = spec.edges == "full_size" or spec.overlap == "full"
    return most if is_whole else block.stop - block.start


def _output_folds(spec, a, b, lanes):
    left, top = _laned(a.T, lanes), _laned(b, lanes)
    for columns in _blocks(b.shape[1], spec.columns):
        for rows in _blocks(a.shape[0], spec.rows):
            height, width = _size(spec, rows, spec.rows), _size(spec, columns, spec.columns)
            yield _Fold(
                _padded(left[:, rows], (len(left), height, lanes)),
                _padded(top[:, columns], (len(top), width, lanes)),
                (rows, columns),
            )


def _stationary_folds(spec, moving, still, lanes):
    stream, fixed = _laned(moving.T, lanes), _laned(still, lanes)  # steps along k come first
    for columns in _blocks(still.shape[1], spec.columns):
        for rows in _blocks(len(fixed), spec.rows):
            height, width = _size(spec, rows, spec.rows), _size(spec, columns, spec.columns)
            left = np.moveaxis(stream[rows], 0, 1)
            yield _Fold(
                _padded(left, (len(left), height, lanes)),
                _padded(fixed[rows, columns], (height, width, lanes)),
                (slice(0, len(moving)), columns),
            )


def _live(spec, folds, pace, run, array_type):
    """Live through all folds as the array's overlap allows; return fetches from left and top."""
    if spec.overlap == "full":
        array = array_type(folds, pace, run)
        loads = [_load(fold) for fold in folds if array_type is _Stationary]
        run.cycles = array.run() + spec.fold_overhead_cycles
        return array.from_left, array.from_top + sum(fetched for _, fetched in loads)
    clock = from_left = from_top = 0
    ready = 0  # the cycle at which the fold's stationary operand lies in registers
    for number, fold in enumerate(folds):
        if array_type is _Stationary:
            cycles, fetched = _load(fold)
            from_top += fetched
            if spec.overlap == "none" or number == 0:
                ready = clock + cycles
            run.load += max(0, ready - clock)
            clock = max(clock, ready)
            if spec.overlap == "stationary_load" and number + 1 < len(folds):
                # This fold's operand has just moved on to the multipliers' registers.
                ready = clock + _load(folds[number + 1])[0]
        array = array_type([fold], pace, run)
        clock += array.run() + spec.fold_overhead_cycles
        from_left += array.from_left
        from_top += array.from_top
    run.cycles = clock
    return from_left, from_top


def _load(fold):
    """Shift a stationary operand in from the top, a row a cycle; return cycles and fetches."""
    registers = np.full(fold.top.shape, np.nan)
    fetched = 0
    for row in fold.top[::-1]:
        registers[1:] = registers[:-1].copy()
        registers[0] = row
        fetched += _present(row)
    assert np.array_equal(registers, fold.top, equal_nan=True)
    return len(fold.top), fetched


def _present(values):
    return int(np.count_nonzero(~np.isnan(values)))


def _total(*terms):
    """Add what is there; nothing and nothing is nothing."""
    both = np.stack(np.broadcast_arrays(*terms))
    return np.where(np.isnan(both).all(axis=0), np.nan, np.nansum(both, axis=0))


def _dot(left, right):
    """Multiply lane by lane, and add up the lanes that have both operands."""
    products = left * right
    return np.where(np.isnan(products).all(axis=-1), np.nan, np.nansum(products, axis=-1))


class _Array:
    """What both sorts of array share: operands that enter from the left and move right."""

    def __init__(self, folds, pace, run):
        self.folds, self.pace, self.result = folds, pace, run
        self.rows = folds[0].left.shape[1]
        self.columns = folds[0].top.shape[1]
        self.lanes = folds[0].left.shape[2]
        self.steps = [(f, s) for f, fold in enumerate(folds) for s in range(len(fold.left))]
        self.right = np.full((self.rows, self.columns, self.lanes), np.nan)
        self.tag = np.full((self.rows, self.columns), -1)
        """Which step the operands in a unit belong to."""
        self.from_left = self.from_top = 0

    def run(self):
        """Return the cycles until the last unit has finished its last product."""
        cycle, to_do = 0, len(self.steps) * self.rows * self.columns
        while to_do:
            self.right[:, 1:] = self.right[:, :-1].copy()
            self.tag[:, 1:] = self.tag[:, :-1].copy()
            for row in range(self.rows):
                number = self.entering(cycle - row)
                self.tag[row, 0] = number
                self.right[row, 0] = np.nan
                if number >= 0:
                    fold, step = self.steps[number]
                    self.right[row, 0] = self.folds[fold].left[step, row]
                    self.from_left += _present(self.right[row, 0])
            self.work(cycle)
            self.result.stream += self.pace * int(self.tag[0, 0] >= 0)
            to_do -= int((self.tag >= 0).sum())
            cycle += 1
        return cycle + self.pace - 1

    def entering(self, time):
        """The step that enters ``time`` cycles after the first, or -1."""
        number, rest = divmod(time, self.pace)
        return number if not rest and 0 <= number < len(self.steps) else -1


class _OutputStationary(_Array):
    """The other operand moves down; every unit adds up its own result."""

    def __init__(self, folds, pace, run):
        super().__init__(folds, pace, run)
        self.down = np.full(self.right.shape, np.nan)
        self.sums = np.full(self.tag.shape, np.nan)

    def work(self, cycle):
        self.down[1:] = self.down[:-1].copy()
        for column in range(self.columns):
            number = self.entering(cycle - column)
            self.down[0, column] = np.nan
            if number >= 0:
                fold, step = self.steps[number]
                self.down[0, column] = self.folds[fold].top[step, column]
                self.from_top += _present(self.down[0, column])
        busy = self.tag >= 0
        self.sums[busy] = _total(self.sums, _dot(self.right, self.down))[busy]
        for row, column in np.argwhere(busy):
            fold, step = self.steps[self.tag[row, column]]
            if step == len(self.folds[fold].left) - 1:
                self.store(self.folds[fold].block, row, column)

    def store(self, block, row, column):
        """Hand a finished result on, and begin the next one from nothing."""
        value, self.sums[row, column] = self.sums[row, column], np.nan
        if not np.isnan(value):
            place = block[0].start + row, block[1].start + column
            assert np.isnan(self.result.product[place])
            self.result.product[place] = value
            self.result.outputs += 1


class _Stationary(_Array):
    """The other operand lies in the units; partial sums move down, and are added up below."""

    def __init__(self, folds, pace, run):
        super().__init__(folds, pace, run)
        self.sums = np.full(self.tag.shape, np.nan)

    def work(self, cycle):
        above = np.full(self.tag.shape, np.nan)
        above[1:] = self.sums[:-1]
        fixed = np.full(self.right.shape, np.nan)
        for row, column in np.argwhere(self.tag >= 0):
            fold, _ = self.steps[self.tag[row, column]]
            fixed[row, column] = self.folds[fold].top[row, column]
        self.sums = _total(above, _dot(self.right, fixed))
        for column in np.flatnonzero(self.tag[-1] >= 0):
            fold, step = self.steps[self.tag[-1, column]]
            self.store(self.folds[fold].block[1], step, column)

    def store(self, columns, step, column):
        """Add what leaves the last row to what is stored of it."""
        value = self.sums[-1, column]
        if not np.isnan(value):
            place = step, columns.start + column
            stored = self.result.product[place]
            self.result.output_reads += int(not np.isnan(stored))
            self.result.outputs += 1
            self.result.product[place] = _total(stored, value)
