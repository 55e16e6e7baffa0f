"""The sum over a trace: counts times prices, divided in several ways that agree."""

from math import fsum

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archsim.energy import account, dynamic_energy, static_energy
from archsim.errors import EnergyError
from archsim.results.trace import Activity, OperationRecord, Trace


def activity(component, kind, action, number_format, operation, count):
    return Activity(component, kind, action, number_format, operation, count)


def operation(name, *, kind, phase, finish):
    return OperationRecord(name, kind, phase, (), 0, finish, 0, finish, 1, 0, ())


ACTIVITIES = (
    activity("pe", "processing_array", "mac", "fp32", "QK", 100),  # 100 * 10 = 1000
    activity("pe", "processing_array", "mac", "int8", "QK", 10),  # 10 * 2 = 20
    activity("vu", "vector_unit", "exp", "fp32", "softmax", 4),  # 4 * 50 = 200
    activity("bram", "bram", "read", "", "QK", 64),  # 64 * 0.25 = 16
    activity("bram", "bram", "read", "", "softmax", 32),  # 32 * 0.25 = 8
    activity("bram", "bram", "write", "", "softmax", 32),  # 32 * 0.5 = 16
)
TRACE = Trace(
    tick_rate_hz=100_000_000,
    components=(),
    memories=(),
    operations=(
        operation("QK", kind="contraction", phase="forward", finish=300),
        operation("softmax", kind="elementwise", phase="backward", finish=500),
    ),
    intervals=(),
    activities=ACTIVITIES,
    occupancy=(),
)


def test_energy_is_count_times_price_by_component_action_and_operation(table):
    assert dynamic_energy(ACTIVITIES, table) == {
        ("pe", "mac", "QK"): 1020.0,
        ("vu", "exp", "softmax"): 200.0,
        ("bram", "read", "QK"): 16.0,
        ("bram", "read", "softmax"): 8.0,
        ("bram", "write", "softmax"): 16.0,
    }


def test_a_breakdown_groups_the_same_energy_in_every_way(table):
    energy = account(TRACE, table)

    assert energy.by_component() == {"pe": 1020.0, "vu": 200.0, "bram": 40.0}
    assert energy.by_action() == {"mac": 1020.0, "exp": 200.0, "read": 24.0, "write": 16.0}
    assert energy.by_operation() == {"QK": 1036.0, "softmax": 224.0}
    phases = {record.name: record.phase for record in TRACE.operations}
    assert energy.by_label(phases) == {"forward": 1036.0, "backward": 224.0}
    assert energy.dynamic_total_pj == 1260.0


def test_static_energy_is_power_times_latency(table):
    """10 W for 500 ticks of 10 ns: 50 uJ."""
    assert account(TRACE, table).static_pj == pytest.approx(50e6)
    assert static_energy(table, 2.0) == 20e12


def test_the_total_is_dynamic_and_static(table):
    assert account(TRACE, table).total_pj == pytest.approx(1260.0 + 50e6)


def test_an_action_without_a_price_names_operation_component_action_and_table(table):
    unpriced = activity("vu0", "vector_unit", "tanh", "fp32", "gelu", 1)

    with pytest.raises(EnergyError) as caught:
        dynamic_energy([*ACTIVITIES, unpriced], table)

    for word in ("'gelu'", "'vu0'", "'tanh'", "'vector_unit'", "'round'"):
        assert word in str(caught.value)


def test_an_action_without_a_price_is_refused_even_when_it_never_ran(table):
    with pytest.raises(EnergyError):
        dynamic_energy([activity("vu0", "vector_unit", "tanh", "fp32", "gelu", 0)], table)


def test_nothing_happening_costs_nothing_but_time(table):
    assert dynamic_energy([], table) == {}


counts = st.integers(0, 10**15)
priced = st.one_of(
    st.builds(
        activity,
        st.sampled_from(["pe0", "pe1"]),
        st.just("processing_array"),
        st.sampled_from(["mac"]),
        st.sampled_from(["fp32", "int8"]),
        st.sampled_from(["a", "b", "c"]),
        counts,
    ),
    st.builds(
        activity,
        st.sampled_from(["bram0", "bram1"]),
        st.just("bram"),
        st.sampled_from(["read", "write"]),
        st.just(""),
        st.sampled_from(["a", "b", "c"]),
        counts,
    ),
)
shares_table = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@shares_table
@given(activities=st.lists(priced, max_size=40))
def test_every_breakdown_sums_to_the_priced_counts(table, activities):
    trace = Trace(
        tick_rate_hz=1,
        components=(),
        memories=(),
        operations=tuple(
            operation(name, kind=name.upper(), phase="forward", finish=1) for name in "abc"
        ),
        intervals=(),
        activities=tuple(activities),
        occupancy=(),
    )
    expected = fsum(
        a.count * table.price(a.component_kind, a.action, a.number_format) for a in activities
    )

    energy = account(trace, table)

    assert energy.dynamic_total_pj == pytest.approx(expected, rel=1e-12)
    for groups in (
        energy.by_component(),
        energy.by_action(),
        energy.by_operation(),
        energy.by_label({"a": "odd", "b": "even", "c": "odd"}),
    ):
        assert fsum(groups.values()) == pytest.approx(expected, rel=1e-12)


@shares_table
@given(activities=st.lists(priced, min_size=1, max_size=20), data=st.data())
def test_neither_order_nor_splitting_of_activities_changes_a_digit(table, activities, data):
    whole = activities[0]
    first = data.draw(st.integers(0, whole.count))
    parts = [
        activity(*_fields(whole), first),
        activity(*_fields(whole), whole.count - first),
        *activities[1:],
    ]

    split = dynamic_energy(data.draw(st.permutations(parts)), table)

    assert split == dynamic_energy(activities, table)


def _fields(a):
    return a.component, a.component_kind, a.action, a.number_format, a.operation
