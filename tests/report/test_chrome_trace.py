"""The trace that Perfetto and chrome://tracing open."""

import json
from collections import defaultdict
from itertools import pairwise

import pytest

from archsim.report.chrome_trace import chrome_trace
from archsim.results import Interval


def events(document, phase):
    return [event for event in document["traceEvents"] if event["ph"] == phase]


def track_names(document):
    """Names of tracks by process and thread."""
    return {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in events(document, "M")
        if event["name"] == "thread_name"
    }


@pytest.fixture(params=["result", "atis_result"])
def document(request):
    """A trace of a small and of a real run, as a reader of the file sees it."""
    return json.loads(json.dumps(chrome_trace(request.getfixturevalue(request.param))))


def test_every_event_has_what_the_format_asks_of_it(document):
    required = {
        "X": {"name", "cat", "ts", "dur", "pid", "tid", "args"},
        "C": {"name", "ts", "pid", "args"},
        "M": {"name", "pid", "tid", "args"},
    }

    assert document["displayTimeUnit"] in ("ms", "ns")
    assert document["traceEvents"]
    for event in document["traceEvents"]:
        assert required[event["ph"]] <= event.keys()


def test_no_event_is_before_the_start_or_lasts_less_than_nothing(document):
    assert all(event["ts"] >= 0 for event in document["traceEvents"] if event["ph"] != "M")
    assert all(event["dur"] > 0 for event in events(document, "X"))


def test_slices_of_one_track_follow_each_other(document):
    tracks = defaultdict(list)
    for event in events(document, "X"):
        tracks[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))

    for slices in tracks.values():
        for (_, end), (start, _) in pairwise(sorted(slices)):
            assert start >= end - 1e-6  # a picosecond, for the rounding of binary fractions


def test_every_slice_lies_on_a_named_track(document):
    names = track_names(document)

    assert all((event["pid"], event["tid"]) in names for event in events(document, "X"))
    assert len(set(names.values())) == len(names)


def test_counters_stay_between_nothing_and_capacity(document):
    for event in events(document, "C"):
        capacity = float(event["name"].rpartition(" of ")[2])
        (value,) = event["args"].values()
        assert 0 <= value <= capacity


def test_an_operation_is_a_slice_on_each_component_that_served_it(result):
    document = chrome_trace(result)
    names = track_names(document)
    slices = {
        (names[event["pid"], event["tid"]], event["ts"], event["dur"])
        for event in events(document, "X")
        if event["name"] == "encoder0.query"
    }

    assert slices == {
        ("tensor0", 0.02, 0.38),
        ("tensor1", 0.02, 0.38),
        ("dram", 0.0, 0.38),
        ("read[tensor0]", 0.0, 0.39),
    }


def test_a_slice_says_what_it_computed_and_waited_for(result):
    (gradient,) = (
        event
        for event in events(chrome_trace(result), "X")
        if event["name"] == "encoder0.query.dG0" and event["args"]["component"] != "dram"
    )

    assert gradient["cat"] == "weight_gradient"
    assert gradient["args"] == {
        "phase": "weight_gradient",
        "kind": "contraction",
        "macs": 2000,
        "tiles": 1,
        "waited_us": 0.05,
        "component": "pipelined_kernel",
        "busy_us": 0.34,
        "on critical path": True,
    }


def test_a_channel_that_serves_two_at_once_gets_a_second_track(result):
    # dX from 500 to 780 and dG0 from 550 to 880
    assert {"dram", "dram (2)"} <= set(track_names(chrome_trace(result)).values())


def test_as_many_tracks_as_are_busy_at_once_are_drawn(make_result):
    spans = [(0, 400), (100, 300), (200, 600), (300, 500), (400, 600)]
    intervals = tuple(Interval("dram", "encoder0.query", start, end, 1) for start, end in spans)
    document = chrome_trace(make_result(trace={"intervals": intervals}))

    # three of them are alive at tick 250, and at 450
    drawn = {(event["pid"], event["tid"]) for event in events(document, "X")}
    assert len(drawn) == 3


def test_a_memory_is_counted_in_blocks_and_in_bytes(result):
    document = chrome_trace(result)
    samples = [
        (event["ts"], event["name"], event["args"])
        for event in events(document, "C")
        if event["name"].startswith("bram")
    ]

    # 8 units of half a BRAM36, 18,432 bit each
    assert samples == [
        (0.0, "bram: BRAM36 of 4", {"taken": 1.0}),
        (0.0, "bram: bytes of 18432", {"data": 2500.0}),
        (0.4, "bram: BRAM36 of 4", {"taken": 3.0}),
        (0.4, "bram: bytes of 18432", {"data": 11250.0}),
        (0.9, "bram: BRAM36 of 4", {"taken": 1.5}),
        (0.9, "bram: bytes of 18432", {"data": 3750.0}),
    ]


def test_the_trace_says_whose_it_is(result):
    assert chrome_trace(result)["otherData"] == {
        "name": "tiny",
        "config_hash": "0123456789abcdef0123",
        "command": "archsim run tiny.yaml",
    }
