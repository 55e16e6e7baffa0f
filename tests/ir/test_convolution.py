"""Convolution: values by the definition, traffic by counting the addresses that windows touch."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archsim.errors import GraphError
from archsim.ir import Convolution, Phase, TensorSpec, Tile
from archsim.ir.tile import AXES
from archsim.mapping import Mapping
from archsim.mapping.work import Work
from tests.machines import off_chip


def convolution(shape, kernel, output, **rest):
    return Convolution(
        name="conv",
        phase=Phase.FORWARD,
        inputs=(TensorSpec("x", shape), TensorSpec("w", kernel)),
        outputs=(TensorSpec("y", output),),
        **rest,
    )


def windows(extent, kernel, stride, padding):
    return (extent + 2 * padding - kernel) // stride + 1


@st.composite
def convolutions(draw, *, padded=True, dilated=False):
    """Small ones of either orientation, with groups."""
    images, groups = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    stride = draw(st.integers(1, 3))
    dilation = draw(st.integers(2, 3)) if dilated else 1
    stride = 1 if dilated else stride
    padding = draw(st.integers(0, min(kernel) - 1)) if padded else 0
    sides = draw(st.integers(3, 6)), draw(st.integers(3, 6))
    channels, features = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    outputs = [
        windows((side - 1) * dilation + 1, taps, stride, padding)
        for side, taps in zip(sides, kernel, strict=True)
    ]
    assume(min(outputs) >= 1)
    shape = (*kernel, channels, features)
    return convolution(
        (images, *sides, groups * channels),
        (groups, *shape) if groups > 1 else shape,
        (images, *outputs, groups * features),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def touched(op, groups, ms, ks):
    """Addresses of the map's numbers that some windows' numbers are, one after the other."""
    _, height, width, depth = op.inputs[0].shape
    _, down, across, _ = op.output.shape
    _, wide, channels, _ = op.inputs[1].shape[-4:]
    found = set()
    for group, m, k in product(groups, ms, ks):
        image, pixel = divmod(m, down * across)
        p, q = divmod(pixel, across)
        tap, c = divmod(k, channels)
        i, j = divmod(tap, wide)
        row, column = p * op.stride + i - op.padding, q * op.stride + j - op.padding
        if row % op.dilation or column % op.dilation:
            continue
        row, column = row // op.dilation, column // op.dilation
        if 0 <= row < height and 0 <= column < width:
            found.add(((image * height + row) * width + column) * depth + group * channels + c)
    return found


def tile_of(op, draw):
    space = op.space
    return Tile(
        batch=draw(st.integers(1, space.batch)),
        m=draw(st.integers(1, space.m)),
        n=1,
        k=draw(st.integers(1, space.k)),
    )


@settings(deadline=None, max_examples=300)
@given(st.data(), st.booleans())
def test_a_tile_s_traffic_is_the_grid_that_its_windows_reach(data, dilated):
    """Without padding: rows x columns x channels of the touched addresses, and no more."""
    op = data.draw(convolutions(padded=False, dilated=dilated))
    tile = tile_of(op, data.draw)
    found = touched(op, range(tile.batch), range(tile.m), range(tile.k))
    shape = op.inputs[0].shape
    places = [np.unravel_index(address, shape) for address in found]

    counts = [len({place[axis] for place in places}) for axis in range(4)]
    assert op.reads[0].elements(tile) == np.prod(counts)


@settings(deadline=None, max_examples=300)
@given(st.data(), st.booleans())
def test_tiles_of_whole_rows_and_taps_fetch_each_number_once(data, dilated):
    """Of windows that overlap, each number counts once; of all windows, padding is no traffic."""
    op = data.draw(convolutions(dilated=dilated))
    _, down, across, _ = op.output.shape
    _, wide, channels, _ = op.inputs[1].shape[-4:]
    rows = data.draw(st.integers(1, down))
    kernel_rows = data.draw(st.integers(1, op.space.k // (wide * channels)))
    tile = Tile(m=rows * across, k=kernel_rows * wide * channels)
    starts = range(down - rows + 1)

    most = max(
        len(touched(op, (0,), range(s * across, s * across + tile.m), range(tile.k)))
        for s in starts
    )
    counted = op.reads[0].elements(tile)
    if op.padding == 0 and not dilated:
        assert counted == most
    else:
        assert counted >= most


@settings(deadline=None, max_examples=200)
@given(st.data(), st.booleans())
def test_all_windows_read_what_they_touch_of_the_map(data, dilated):
    op = data.draw(convolutions(dilated=dilated))
    space = op.space
    kernel = op.inputs[1].shape[-4:-2]
    assume(op.padding == 0 or op.stride <= min(kernel))

    found = touched(op, range(space.batch), range(space.m), range(space.k))

    assert op.reads[0].elements(space) == max(len(found), 1)


def test_a_map_s_end_that_no_window_reaches_is_not_read():
    """Two windows of 3, 3 apart, from 1 before 6 rows: the last row is left out."""
    op = convolution((1, 6, 6, 1), (3, 3, 1, 1), (1, 2, 2, 1), stride=3, padding=1)

    assert op.reads[0].elements(op.space) == 5 * 5


@settings(deadline=None)
@given(st.data())
def test_many_tiles_at_once_are_counted_as_one_by_one(data):
    op = data.draw(convolutions())
    tiles = [tile_of(op, data.draw) for _ in range(4)]
    columns = {axis: np.array([tile.extent(axis) for tile in tiles]) for axis in AXES}

    class Boxes:
        extent = staticmethod(columns.__getitem__)

    found = op.reads[0].elements(Boxes)

    assert found.dtype == np.int64
    assert found.tolist() == [op.reads[0].elements(tile) for tile in tiles]


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_runs_are_those_of_the_sorted_addresses(data):
    """The first run of neighbours, and how far the next one begins behind it."""
    op = data.draw(convolutions(padded=False))
    tile = tile_of(op, data.draw)
    access = op.reads[0]
    found = sorted(touched(op, range(tile.batch), range(tile.m), range(tile.k)))
    assume(len(found) == access.elements(tile))  # the tile is a whole grid
    starts = [a for n, a in enumerate(found) if n == 0 or found[n - 1] != a - 1]
    first = len(found) if len(starts) == 1 else found.index(starts[1])

    run, stride = access.runs(tile, op.space)

    assert (run, stride) == (first, starts[1] - starts[0] if len(starts) > 1 else 0)


def by_definition(op, x, w):
    features = op.output.shape[3]
    _, height, width, channels = x.shape
    w = w.reshape(op.groups, *w.shape[-4:])
    if op.flipped:
        w = w[:, ::-1, ::-1]
    taken, given_ = channels // op.groups, features // op.groups
    y = np.zeros(op.output.shape)
    for b, p, q, n in np.ndindex(y.shape):
        group = n // given_
        for i, j in np.ndindex(w.shape[1:3]):
            row, column = p * op.stride + i - op.padding, q * op.stride + j - op.padding
            if row % op.dilation or column % op.dilation:
                continue
            row, column = row // op.dilation, column // op.dilation
            if 0 <= row < height and 0 <= column < width:
                pixel = x[b, row, column, group * taken : (group + 1) * taken]
                y[b, p, q, n] += pixel @ w[group, i, j, :, n % given_]
    return y


@settings(deadline=None, max_examples=60)
@given(st.data(), st.booleans(), st.booleans())
def test_values_are_those_of_the_definition(data, dilated, flipped):
    op = data.draw(convolutions(dilated=dilated))
    op = Convolution(**{**vars_of(op), "flipped": flipped})
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-9, 10, t.shape).astype(float) for t in op.inputs)

    (y,) = op.evaluate(x, w)

    np.testing.assert_array_equal(y, by_definition(op, x, w))


def vars_of(op):
    names = ("name", "phase", "inputs", "outputs", "stride", "padding", "dilation", "groups")
    return {name: getattr(op, name) for name in names}


@pytest.mark.parametrize(("stride", "padding", "kernel"), [(1, 1, 3), (2, 1, 3), (2, 0, 2)])
def test_an_input_s_gradient_is_the_flipped_convolution_of_the_dilated_gradient(
    stride, padding, kernel
):
    """The forward map is linear: its transpose, column by column, is the gradient."""
    side = 6
    count = windows(side, kernel, stride, padding)
    forward = convolution(
        (1, side, side, 2), (kernel, kernel, 2, 3), (1, count, count, 3),
        stride=stride, padding=padding,
    )  # fmt: skip
    backward = convolution(
        (1, count, count, 3), (kernel, kernel, 3, 2), (1, side, side, 2),
        dilation=stride, padding=kernel - 1 - padding, flipped=True,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    w = rng.integers(-5, 6, (kernel, kernel, 2, 3)).astype(float)
    dy = rng.integers(-5, 6, (1, count, count, 3)).astype(float)

    (dx,) = backward.evaluate(dy, w.transpose(0, 1, 3, 2))

    units = np.eye(side * side * 2).reshape(-1, 1, side, side, 2)
    expected = [np.sum(dy * forward.evaluate(unit, w)[0]) for unit in units]
    np.testing.assert_array_equal(dx.reshape(-1), expected)


def test_a_kernel_of_one_reads_a_map_as_a_matrix():
    op = convolution((2, 4, 4, 8), (1, 1, 8, 5), (2, 4, 4, 5))

    assert op.space == Tile(m=32, n=5, k=8)
    assert op.reads[0].elements(Tile(m=6, n=5, k=8)) >= 6 * 8
    assert op.reads[0].elements(op.space) == 2 * 4 * 4 * 8


def test_three_by_three_windows_fetch_a_halo_of_two_rows():
    """8 rows of 64 windows: 10 rows of 64 pixels of 320 channels, not 8 x 64 x 2880."""
    op = convolution((1, 64, 64, 320), (3, 3, 320, 320), (1, 64, 64, 320), padding=1)

    assert op.macs == 4096 * 2880 * 320
    assert op.reads[0].elements(Tile(m=8 * 64, k=2880)) == 10 * 64 * 320
    assert op.reads[0].elements(op.space) == 64 * 64 * 320


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel": (3, 3, 4, 5)}, r"a kernel \(3, 3, 4, 5\) takes 4 channels to 5, not"),
        ({"kernel": (3, 3, 2)}, r"the kernel must be \(rows, columns, channels in, channels out"),
        ({"shape": (8, 8, 2)}, r"maps are \(images, rows, columns, channels\), got \(8, 8, 2\)"),
        ({"stride": 2, "dilation": 2}, "stride 2 and dilation 2: one must be 1"),
        ({"stride": 0}, "stride must be >= 1, got 0"),
        ({"padding": 3}, r"padding 3 hides whole windows of \(3, 3\)"),
        ({"output": (1, 12, 8, 5)}, "window 12 begins 10 behind the first of 8 rows or columns"),
    ],
)
def test_a_malformed_convolution_is_refused(changes, message):
    fields = {"shape": (1, 8, 8, 2), "kernel": (3, 3, 2, 5), "output": (1, 8, 8, 5), "padding": 1}

    with pytest.raises(GraphError, match=message):
        convolution(**{**fields, **changes})


def test_a_mapping_fetches_the_halo_again_with_every_tile():
    """16 rows of 16 windows of 3 x 3 over 2 channels, 4 rows a tile: 6 rows of the map each."""
    op = convolution((1, 16, 16, 2), (3, 3, 2, 3), (1, 16, 16, 3), padding=1)
    machine = off_chip()
    placement = {t.name: "dram" for t in (*op.inputs, *op.outputs)}
    unit = next(name for name, spec in machine.units.items() if op.kind in spec.runs)
    work = Work(machine, unit, op, op.space, placement)

    stream = Mapping(tile=Tile(m=64, n=3, k=18)).stream(work)

    fetched = 4 * (6 * 16 * 2) + 18 * 3  # the kernel once
    fetch = next(n for n, stage in enumerate(stream.stages) if stage.component == "dram")
    assert stream.bits[fetch] == 32 * fetched
    assert stream.tiles == 4
    other = convolution((1, 18, 18, 2), (3, 3, 2, 3), (1, 16, 16, 3))  # as many windows
    assert work.key != Work(machine, unit, other, other.space, placement).key


def test_rows_behind_a_stride_s_last_window_have_a_gradient_of_zero():
    """A kernel of one pixel, 2 apart on 4 rows: the second and the last row were passed over."""
    op = convolution((1, 2, 2, 1), (1, 1, 1, 1), (1, 4, 4, 1), dilation=2)

    (found,) = op.evaluate(np.full((1, 2, 2, 1), 3.0), np.full((1, 1, 1, 1), 2.0))

    assert found[0, :, :, 0].tolist() == [[6, 0, 6, 0], [0] * 4, [6, 0, 6, 0], [0] * 4]
    assert op.reads[0].elements(op.space) == 4
    with pytest.raises(GraphError, match="window 5 begins 4 behind the first of 2 rows"):
        convolution((1, 2, 2, 1), (1, 1, 1, 1), (1, 5, 5, 1), dilation=2)
