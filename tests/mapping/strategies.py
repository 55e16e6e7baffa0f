"""Random tile streams, for laws about their time."""

from hypothesis import strategies as st

from archsim.mapping import Repeat, Stage, StageKind, TileClass, TileStream


def compute_stage(slots=2):
    return Stage(StageKind.COMPUTE, "unit", True, 0, slots)


@st.composite
def stages(draw, most_latency=4, most_slots=3):
    """A path: any of fetch and distribute before the unit, of collect and store behind it."""
    found = []
    for kind, component, private in (
        (StageKind.FETCH, "dram", False),
        (StageKind.DISTRIBUTE, draw(st.sampled_from(["bus", "wire"])), None),
        (StageKind.COMPUTE, "unit", True),
        (StageKind.COLLECT, draw(st.sampled_from(["bus", "back"])), None),
        (StageKind.STORE, "dram", False),
    ):
        slots = draw(st.integers(1, most_slots))
        if kind is StageKind.COMPUTE:
            found.append(compute_stage(slots))
        elif draw(st.booleans()):
            latency = draw(st.integers(0, most_latency))
            own = component != "bus" if private is None else private
            found.append(Stage(kind, component, own, latency, slots))
    return tuple(found)


@st.composite
def tile_classes(draw, path):
    """A tile: a few ticks at each stage, none where it has nothing to bring."""
    service = [draw(st.integers(stage.kind is StageKind.COMPUTE, 6)) for stage in path]
    pairs = zip(path, service, strict=True)
    bits = [0 if stage.kind is StageKind.COMPUTE else ticks for stage, ticks in pairs]
    return TileClass(tuple(service), tuple(bits), 1, ())


@st.composite
def streams(draw, most_tiles=20, **limits):
    """A stream of nested repetition."""
    path = draw(stages(**limits))
    kinds = draw(st.lists(tile_classes(path), min_size=1, max_size=4))
    body, tiles = [], 0
    for _ in range(draw(st.integers(1, 4))):
        inner = tuple(draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3)))
        times = draw(st.integers(1, 4))
        if tiles + times * len(inner) <= most_tiles:
            body.append(Repeat(times, inner) if draw(st.booleans()) else inner[0])
            tiles += times * len(inner)
    return TileStream(path, tuple(body) or (kinds[0],))


@st.composite
def long_streams(draw, most_tiles=300):
    """A stream of loops in loops that go round often, with short times and long ones."""
    path = draw(stages(most_latency=30, most_slots=4))
    pace = draw(st.sampled_from([1, 1, 1, 5, 60]))
    kinds = [slower(tile, path, pace) for tile in draw(st.lists(tile_classes(path), min_size=1))]
    return TileStream(path, draw(bodies(kinds, draw(st.integers(1, 3)), most_tiles)))


def slower(tile, path, pace):
    """The same tile, computed more slowly."""
    pairs = zip(tile.service, path, strict=True)
    service = tuple(t * pace if stage.kind is StageKind.COMPUTE else t for t, stage in pairs)
    return TileClass(service, tile.bits, tile.points, tile.actions)


@st.composite
def bodies(draw, kinds, depth, most_tiles):
    """A sequence of up to three tiles and loops of such, of about as many tiles in all."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        if depth and draw(st.booleans()):
            times = min(draw(st.sampled_from([2, 3, 7, 20, 60, 100])), max(1, most_tiles // 4))
            parts.append(Repeat(times, draw(bodies(kinds, depth - 1, most_tiles // times))))
        else:
            parts.append(draw(st.sampled_from(kinds)))
    return tuple(parts)
