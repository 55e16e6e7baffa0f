"""The words that say why a run took so long and where its energy went."""

from dataclasses import replace

import pytest

from archsim.report.explain import (
    bandwidth_in_words,
    bound_in_words,
    cycles_in_words,
    order_in_words,
    passes_in_words,
    where_energy_goes,
    why_this_long,
)
from archsim.results import (
    ComponentUse,
    Energy,
    Interval,
    OperationRecord,
    OrderChoice,
    Tally,
)


def test_a_chain_of_operations_is_named_with_its_length_and_nearness(result):
    # query 400, softmax 100, dG0 350, new G0 100: 950 of 1,000 ticks
    assert bound_in_words(result) == (
        "4 operations that wait for one another in a chain take 950 ns of 1.00 µs (95 %)."
    )


def test_a_chain_is_explained_by_its_largest_parts_and_what_would_shorten_it(result):
    words = why_this_long(result)

    # (400 + 350) / 950 and (100 + 100) / 950
    assert "The chain is 79 % contraction on tensor, 21 % elementwise on vector" in words
    # (640 + 700) / 2 of 1,000; 11,000 MACs in 1,340 busy ns at 10 MACs a ns
    assert "tensor is busy 67 % of the run (while busy, at 82 % of its peak MACs)" in words
    assert "What would help: a faster tensor or a shorter chain" in words


def test_the_largest_shares_of_time_are_named(result):
    expected = "Most time goes to phase forward (50 %), kind contraction (80 %), layer encoder0"

    assert expected in why_this_long(result)


@pytest.fixture
def two_operations(make_result):
    """Build a run of two independent operations, one after the other on one unit."""

    def build(*intervals, waited=0):
        operations = tuple(
            OperationRecord(
                name=name,
                kind="contraction",
                phase="forward",
                units=("tensor0",),
                start=start,
                finish=start + 500,
                waited=waited,
                uncontended=400,
                tiles=1,
                macs=100,
                predecessors=(),
            )
            for name, start in (("a", 0), ("b", 500))
        )
        energy = Energy(dynamic_pj={("tensor", "mac", "a"): 1.0}, static_pj=0.0)
        intervals = tuple(Interval(*interval) for interval in intervals)
        return make_result(
            trace={"operations": operations, "intervals": intervals}, energy=energy, published=()
        )

    return build


def test_busy_units_limit_a_run_by_compute(two_operations):
    run = two_operations(
        ("tensor0", "a", 0, 500, 500),
        ("tensor0", "b", 500, 1000, 480),
        ("tensor1", "a", 0, 500, 490),
        ("tensor1", "b", 500, 1000, 490),
    )

    words = why_this_long(run)

    assert "The work of tensor alone takes 980 ns of 1.00 µs (98 %)." in words
    assert "What would help: more tensor units or faster ones" in words


def test_a_busy_channel_limits_a_run_by_bandwidth(two_operations):
    run = two_operations(("dram", "a", 0, 500, 500), ("dram", "b", 500, 1000, 450))

    words = why_this_long(run)

    assert "Moving data through dram alone takes 950 ns of 1.00 µs (95 %)." in words
    assert "What would help: more bandwidth of dram" in words


@pytest.mark.parametrize(
    ("waited", "cause"),
    [
        (0, "the other 300 ns are waits for units and data."),
        (
            40,
            "the other 300 ns are waits for units, data and shared channels "
            "(tiles queued for 80.0 ns in all).",
        ),
    ],
)
def test_a_run_that_no_bound_explains_says_what_it_waited_for(two_operations, waited, cause):
    run = two_operations(("dram", "a", 0, 500, 700), waited=waited)

    words = bound_in_words(run)

    assert words.startswith("No bound explains all of it: moving data through dram")
    assert words.endswith(cause)


def test_energy_in_words_gives_the_static_share_and_the_largest_spenders(result):
    # dynamic 1,000 pJ, of which tensor 820 and mac 820; static 3,000 pJ
    assert where_energy_goes(result) == (
        "Static energy is 3.00 nJ of 4.00 nJ (75 %); most of the dynamic energy goes to "
        "component tensor (82 %), action mac (82 %)."
    )


@pytest.mark.parametrize(
    ("static_pj", "words"),
    [(0.0, "No energy was spent."), (2e12, "Static energy is 2.00 J of 2.00 J (100 %).")],
)
def test_a_run_without_priced_actions_has_no_spenders(make_result, static_pj, words):
    run = make_result(energy=Energy(dynamic_pj={}, static_pj=static_pj))

    assert where_energy_goes(run) == words


def test_an_order_is_told_with_its_cost_and_what_beats_it():
    costs = {"bidirectional": 3_055_104, "right_to_left": 3_760_128, "shared_optimal": 2_073_600}
    layers = ("encoder0.query", "encoder0.key", "encoder0.value")

    told = [
        order_in_words(
            OrderChoice(layers=layers, chosen=chosen, unit="MACs", costs=costs, margin=1.0)
        )
        for chosen in ("bidirectional", "shared_optimal")
    ]

    assert told == [
        "encoder0.query and 2 more: bidirectional, 3,055,104 MACs; "
        "shared_optimal would take 2,073,600 MACs",
        "encoder0.query and 2 more: shared_optimal, 2,073,600 MACs, the least of 3 orders",
    ]


def test_the_time_of_an_order_is_told_in_a_fitting_unit():
    choice = OrderChoice(
        layers=("query",), chosen="edp", unit="s", costs={"edp": 0.00105}, margin=1.0
    )

    assert order_in_words(choice) == "query: edp, 1.05 ms, the least of 1 orders"


def dram_use(**fields):
    defaults = {
        "sort": "dram", "kind": "dram", "instances": 1, "is_unit": False, "is_off_chip": True,
        "busy_s": 0.5, "tallies": {"bursts": 1000, "row_hits": 930, "row_conflicts": 70},
        "peak_bits_per_s": 8 * 19_200_000_000, "busy_bits_per_s": 8 * 17.9e9,
        "achieved_bits_per_s": 8 * 8.95e9,
    }  # fmt: skip
    return ComponentUse(**{**defaults, **fields})


def test_a_dram_tells_its_bandwidth_beside_the_peak_and_its_row_hits():
    assert bandwidth_in_words(dram_use()) == (
        "dram: 17.9 of 19.2 GB/s while busy, 8.95 GB/s over the run, 93 % row hits"
    )


def test_a_memory_without_rows_tells_no_row_hits():
    assert bandwidth_in_words(dram_use(tallies={})).endswith("8.95 GB/s over the run")


@pytest.mark.parametrize(("hits", "told"), [(20, True), (60, False)])
def test_few_row_hits_are_told_where_the_dram_is_the_limit(two_operations, hits, told):
    run = two_operations(("dram", "a", 0, 500, 500), ("dram", "b", 500, 1000, 450))
    tallies = (Tally("dram", "bursts", "a", 100), Tally("dram", "row_hits", "a", hits))

    words = why_this_long(replace(run, trace=replace(run.trace, tallies=tallies)))

    assert ("longer runs in its rows (20 % of its bursts find theirs open)" in words) == told


def unit_use(**fields):
    defaults = {
        "sort": "array",
        "kind": "processing_array",
        "instances": 1,
        "is_unit": True,
        "is_off_chip": False,
        "busy_s": 1.0,
        "tallies": {"stream_cycles": 60, "load_cycles": 30, "drain_cycles": 10, "idle_cycles": 0},
        "conventions": "weight_stationary, overlap none",
    }
    return ComponentUse(**{**defaults, **fields})


def test_a_units_cycles_are_told_with_what_hides_behind_what():
    assert cycles_in_words(unit_use()) == (
        "array: 60 % stream, 30 % load, 10 % drain of its cycles (weight_stationary, overlap none)"
    )


@pytest.mark.parametrize("fields", [{"conventions": ""}, {"tallies": {}}, {"is_unit": False}])
def test_units_that_hide_nothing_are_passed_over(fields):
    assert cycles_in_words(unit_use(**fields)) == ""


def test_lost_passes_of_a_network_are_told_with_their_cause():
    tallies = {"passes": 200, "conflict_passes": 50, "blocked_passes": 30}
    network = unit_use(sort="net", is_unit=False, tallies=tallies)

    assert passes_in_words(network) == (
        "net: of its passes, 25 % to words behind one port and 15 % to shared wires lost"
    )


def test_a_network_that_lost_no_pass_is_passed_over():
    assert passes_in_words(unit_use(is_unit=False, tallies={"passes": 200})) == ""
