"""Result: the numbers of a run, and what it says of itself in JSON."""

import json

import pytest

from archsim.results import Energy, Occupancy, Provenance, PublishedValue, Result
from tests.results.traces import DRAM, MEMORY, component, operation, trace

PROMISED = {
    "name",
    "latency_s",
    "energy_j",
    "edp_js",
    "power_w",
    "ticks",
    "tick_rate_hz",
    "operations",
    "tiles",
    "macs",
    "dram_bytes",
    "peak_bytes",
    "utilization",
    "bounds",
    "breakdown",
    "provenance",
}

TRACE = trace(
    operation("layer0.a", 0, 60, macs=3000),
    operation("layer0.b", 60, 80, before=["layer0.a"], phase="backward"),
    operation("loss", 60, 100, before=["layer0.a"], macs=500),
    components=[
        component("pe0", "pe", peak_per_s=50_000),
        component("pe1", "pe", peak_per_s=50_000),
        component("dram", is_unit=False, is_off_chip=True),
    ],
    intervals=[
        ("pe0", "layer0.a", 0, 60, 60),
        ("pe1", "layer0.b", 60, 80, 20),
        ("pe0", "loss", 60, 100, 40),
        ("dram", "layer0.a", 0, 60, 30),
    ],
    activities=[
        ("dram", "dram", "read", "", "layer0.a", 8000),
        ("dram", "dram", "write", "", "loss", 80),
        ("bram", "bram", "read", "", "loss", 800),
        ("pe", "processing_array", "mac", "fp32", "layer0.a", 3000),
    ],
    memories=[MEMORY, DRAM],
    occupancy=[Occupancy("bram", 0, 4, 800), Occupancy("dram", 0, 3, 1200)],
)

ENERGY = Energy(
    dynamic_pj={
        ("dram", "read", "layer0.a"): 4e12,
        ("dram", "write", "loss"): 1e12,
        ("pe", "mac", "layer0.a"): 2e12,
        ("pe", "add", "layer0.b"): 1e12,
    },
    static_pj=2e12,
)

PROVENANCE = Provenance(
    config="x.yaml",
    config_hash="0123456789ab",
    overrides={"workload.rank": 8},
    engine="event",
    versions={"archsim": "0"},
    assumptions={"architecture.pe.clock": "assumed"},
    command="archsim run x.yaml",
)


@pytest.fixture
def result():
    return Result(
        name="x",
        trace=TRACE,
        energy=ENERGY,
        provenance=PROVENANCE,
        steps_per_epoch=50,
        published=(
            PublishedValue(metric="epoch_latency_s", value=4.0, status="recalled", source="paper"),
        ),
        parameters={"parameter": 4896},
    )


def test_headline_numbers_follow_from_ticks_and_picojoules(result):
    assert result.ticks == 100
    assert result.latency_s == 0.1
    assert result.energy_j == pytest.approx(10.0)
    assert result.edp_js == pytest.approx(1.0)
    assert result.power_w == pytest.approx(100.0)
    assert (result.macs, result.tiles) == (3500, 3)


def test_only_off_chip_memories_count_as_dram(result):
    assert result.dram_bytes == 1010


def test_utilization_is_the_share_of_all_units_of_a_sort(result):
    # 120 busy ticks of 2 x 100; 3,500 MACs of 2 x 50,000 a second for 0.1 s
    assert result.utilization == pytest.approx({"macs": 0.35, "pe": 0.6})


def test_every_split_of_time_adds_up_to_the_latency(result):
    times = result.breakdown["time_s"]

    assert times["layer"] == pytest.approx({"layer0": 0.07, "loss": 0.03})
    for split in ("phase", "kind", "layer"):
        assert sum(times[split].values()) == pytest.approx(0.1)
    assert times["component"] == pytest.approx({"pe": 0.12, "dram": 0.03})


def test_every_split_of_energy_adds_up_to_the_energy(result):
    splits = result.breakdown["energy_j"]

    assert set(splits) == {"phase", "kind", "layer", "component", "action"}
    for parts in splits.values():
        assert sum(parts.values()) == pytest.approx(10.0)
        assert parts["static"] == pytest.approx(2.0)
    assert splits["phase"] == pytest.approx({"forward": 7.0, "backward": 1.0, "static": 2.0})
    assert splits["component"] == pytest.approx({"dram": 5.0, "pe": 3.0, "static": 2.0})


def test_a_published_value_stands_beside_the_simulated_one(result):
    (comparison,) = result.published_pairs

    # 50 steps of 0.1 s
    assert (comparison.simulated, comparison.ratio) == (pytest.approx(5.0), pytest.approx(1.25))


def test_json_holds_every_promised_key_and_survives_the_round_trip(result):
    told = result.to_dict()

    assert told.keys() >= PROMISED
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["peak_bytes"] == {"bram": 100, "dram": 150}
    assert told["operations"] == 3
    assert told["bounds"]["limited_by"] == "critical_path"
    assert told["critical_path"] == ["layer0.a", "loss"]
    assert told["epoch"] == pytest.approx({"steps": 50, "latency_s": 5.0, "energy_j": 500.0})
    assert told["provenance"]["config_hash"] == "0123456789ab"
    assert told["memories"]["bram"]["waste_bytes"] == 4 * 2304 - 100


def test_without_an_epoch_there_is_none_in_json():
    told = Result(name="x", trace=TRACE, energy=ENERGY, provenance=PROVENANCE).to_dict()

    assert told["epoch"] is None
    assert told["published"] == []
