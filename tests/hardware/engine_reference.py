"""An array of contraction engines lived through cycle by cycle: registers, trees, sums.

It knows nothing of closed forms, and of a factorisation only how wide it is along each axis.
Elements form an array of eight axes: engines along batch, m, n and k, then elements of an
engine along the same. What is fetched for several of them at once is one access.
"""

from dataclasses import dataclass, field

import numpy as np

BATCH, M, N, K = range(4)


@dataclass
class Run:
    """What an array did for a batch of products."""

    product: np.ndarray
    """NaN where nothing is stored yet."""
    cycles: int = 0
    load: int = 0
    """Cycles in which the array waited for a stationary operand."""
    stream: int = 0
    """Cycles in which elements multiplied."""
    inputs: int = 0
    weights: int = 0
    outputs: int = 0
    output_reads: int = 0
    copies: tuple = ()
    """Most engines that a number of inputs or weights came to, or that a result came from."""


@dataclass
class _Wave:
    """Products of one step on their way up the trees."""

    sums: np.ndarray
    busy: np.ndarray
    place: tuple
    """Index along batch, m and n of each sum."""
    ends_fold: bool
    levels_to_go: int


@dataclass
class _Step:
    """Where every element is in the iteration space during a step."""

    place: list
    """Index along batch, m, n and k of every lane."""
    busy: np.ndarray
    """Lanes that have something to multiply."""


@dataclass
class _Array:
    spec: object
    flow: str
    shape: tuple
    """Elements along the eight axes."""
    lanes: int
    pace: int
    a: np.ndarray
    b: np.ndarray
    run: Run
    waves: list = field(default_factory=list)

    def __post_init__(self):
        extents = (self.a.shape[0], self.a.shape[1], self.b.shape[2], self.a.shape[2])
        self.extents = extents
        index = np.indices((*self.shape, self.lanes))
        self.offset = [index[axis] * self.shape[4 + axis] + index[4 + axis] for axis in range(4)]
        self.offset[K] = self.offset[K] * self.lanes + index[8]
        self.width = [self.shape[axis] * self.shape[4 + axis] for axis in range(4)]
        self.engine = np.ravel_multi_index(index[:4], self.shape[:4])
        self.sums = np.zeros(self.shape[:7])
        self.has_sum = np.zeros(self.shape[:7], dtype=bool)
        engines = int(np.prod(self.shape[:4]))
        self.seen = [
            np.zeros((engines, *self.a.shape), dtype=bool),
            np.zeros((engines, *self.b.shape), dtype=bool),
            np.zeros((engines, *self.run.product.shape), dtype=bool),
        ]

    def step(self, starts):
        """Place every element at the step that begins at these points."""
        place = [starts[axis] + self.offset[axis] for axis in range(4)]
        inside = [index < extent for index, extent in zip(place, self.extents, strict=True)]
        return _Step(place, inside[BATCH] & inside[M] & inside[N] & inside[K])

    def fetch(self, which, step):
        """Bring each number to all elements that want it, in one access."""
        matrix = (self.a, self.b)[which]
        axes = ((BATCH, M, K), (BATCH, K, N))[which]
        at = tuple(step.place[axis][step.busy] for axis in axes)
        wanted = np.zeros(self.seen[which].shape, dtype=bool)
        wanted[(self.engine[step.busy], *at)] = True
        self.seen[which] |= wanted
        fetched = int(wanted.any(axis=0).sum())
        if which == 0:
            self.run.inputs += fetched
        else:
            self.run.weights += fetched
        given = np.zeros(step.busy.shape)
        given[step.busy] = matrix[at]
        return given

    def tick(self):
        """A cycle: every wave moves up a level."""
        self.run.cycles += 1
        for wave in self.waves:
            wave.levels_to_go -= 1
            if wave.sums.shape[-1] > 1:
                if wave.sums.shape[-1] % 2:
                    wave.sums = np.concatenate([wave.sums, np.zeros_like(wave.sums[..., :1])], -1)
                    wave.busy = np.concatenate([wave.busy, np.zeros_like(wave.busy[..., :1])], -1)
                wave.sums = wave.sums[..., ::2] + wave.sums[..., 1::2]
                wave.busy = wave.busy[..., ::2] | wave.busy[..., 1::2]
        self.collect()

    def collect(self):
        """Take what has come to the top of the trees."""
        while self.waves and self.waves[0].levels_to_go <= 0 and self.at_top(self.waves[0]):
            wave = self.waves.pop(0)
            sums, busy = wave.sums[..., 0], wave.busy[..., 0]
            if self.flow == "output_stationary":
                self.sums = self.sums + sums
                self.has_sum |= busy
                if wave.ends_fold:
                    self.store(self.sums, self.has_sum, wave.place)
                    self.sums = np.zeros_like(self.sums)
                    self.has_sum = np.zeros_like(self.has_sum)
            else:
                self.store(sums, busy, wave.place)

    @staticmethod
    def at_top(wave):
        return wave.sums.shape[-1] == 1

    def store(self, sums, busy, place):
        """Add the sums of engines side by side along k, and then to what is stored."""
        engine = self.engine[..., 0, 0][busy]
        self.seen[2][(engine, *(index[busy] for index in place))] = True
        total = sums.sum(axis=3)
        some = busy.any(axis=3)
        at = tuple(index[:, :, :, 0][some] for index in place)
        assert len(set(zip(*at, strict=True))) == some.sum()
        stored = self.run.product[at]
        is_partial = ~np.isnan(stored)
        assert self.flow != "output_stationary" or not is_partial.any()
        self.run.output_reads += int(is_partial.sum())
        self.run.outputs += len(stored)
        self.run.product[at] = np.where(is_partial, stored, 0) + total[some]

    def multiply(self, step, left, right, ends_fold):
        products = (left * right).sum(axis=-1)
        place = tuple(step.place[axis][..., 0, 0] for axis in (BATCH, M, N))
        depth = self.tree_depth() if self.spec.overlap == "full" else 0
        self.waves.append(_Wave(products, step.busy.any(axis=-1), place, ends_fold, depth))
        self.collect()

    def tree_depth(self):
        """Levels of an engine's whole tree, counted by halving."""
        depth, inputs = 0, self.spec.pes if "k" in self.spec.pe_axes else 1
        while inputs > 1:
            depth, inputs = depth + 1, (inputs + 1) // 2
        return depth

    def live(self):
        """Run all folds as the array's overlap allows."""
        inner = {"output_stationary": K, "weight_stationary": M, "input_stationary": N}[self.flow]
        width = [*self.width[:3], self.width[K] * self.lanes]
        blocks = [range(0, self.extents[axis], width[axis]) for axis in range(4)]
        outer = [axis for axis in range(4) if axis != inner]
        starts = np.stack(np.meshgrid(*(blocks[axis] for axis in outer), indexing="ij"), axis=-1)
        folds = [dict(zip(outer, map(int, one), strict=True)) for one in starts.reshape(-1, 3)]
        stationary = {"weight_stationary": 1, "input_stationary": 0}.get(self.flow)
        spare, ready = None, 0
        for number, fold in enumerate(folds):
            operands = [None, None]
            if stationary is not None:
                if spare is None:
                    spare = self.fetch(stationary, self.step({**fold, inner: 0}))
                    # With full overlap, a product before this one was streaming meanwhile.
                    ready = self.run.cycles + (self.spec.overlap != "full")
                while self.run.cycles < ready:
                    self.run.load += 1
                    self.tick()
                operands[stationary], spare = spare, None
                if self.spec.overlap != "none" and number + 1 < len(folds):
                    spare = self.fetch(stationary, self.step({**folds[number + 1], inner: 0}))
                    ready = self.run.cycles + 1
            self.stream(fold, inner, blocks[inner], operands)
            if self.spec.overlap != "full":
                self.drain()
        if self.spec.overlap == "full":
            self.drain()

    def stream(self, fold, inner, block, operands):
        """Run a fold's steps; what is not in registers already comes anew for each."""
        for start in block:
            step = self.step({**fold, inner: start})
            left, right = (
                self.fetch(which, step) if operands[which] is None else operands[which]
                for which in (0, 1)
            )
            for _ in range(self.pace):
                self.run.stream += 1
                self.tick()
            self.multiply(step, left, right, ends_fold=start == block[-1])

    def drain(self):
        while self.waves:
            self.tick()
        for _ in range(self.spec.fold_overhead_cycles):
            self.tick()


def run(spec, flow, spread, a, b, lanes=1, pace=1):
    """Multiply ``a`` (batch x m x k) by ``b`` (batch x k x n) as a factorisation says."""
    shape = tuple(
        getattr(factors, axis)
        for factors in (spread.engines, spread.pes)
        for axis in ("batch", "m", "n", "k")
    )
    made = Run(np.full((a.shape[0], a.shape[1], b.shape[2]), np.nan))
    array = _Array(spec, flow, shape, lanes, pace, a, b, made)
    array.live()
    made.copies = tuple(int(seen.sum(axis=0).max()) for seen in array.seen)
    return made
