"""Every comparison that ships: it reads, says what a reader needs, and its cases run."""

from pathlib import Path

import pytest

from archsim.comparison import read_plan
from archsim.experiment import read

COMPARISONS = Path(__file__).parents[2] / "configs" / "comparisons"
FILES = sorted(COMPARISONS.glob("*.yaml"))


def short(file):
    return file.stem


@pytest.mark.parametrize("file", FILES, ids=short)
def test_it_says_what_a_reader_needs(file):
    plan = read_plan(file)

    asked = plan.comparison
    assert asked.name == file.stem
    assert asked.title
    assert asked.question.endswith("?")
    assert asked.assumptions
    assert all(value.source for value in asked.published)


@pytest.mark.parametrize("file", FILES, ids=short)
def test_its_cases_differ_in_name_and_in_what_they_are(file):
    plan = read_plan(file)

    read_cases = [read(case.experiment, case.overrides)[0].data for case in plan.cases]

    assert len({case.name for case in plan.cases}) == len(plan.cases)
    assert all(data not in read_cases[:number] for number, data in enumerate(read_cases))


@pytest.mark.parametrize("file", FILES, ids=short)
def test_each_published_ratio_has_cases_to_stand_beside(file):
    plan = read_plan(file)
    known = [dict(case.labels) for case in plan.cases]

    for value in plan.comparison.published:
        assert any(
            better | dict(value.than) in known
            for better in known
            if dict(value.better).items() <= better.items()
        )


def test_sizes_are_changed_alike_for_both_machines():
    """Memories hold as many bytes, networks pass as many bits, as many multipliers multiply."""
    plan = read_plan(COMPARISONS / "fetta_sizes.yaml")
    sizes = {case.labels["size"] for case in plan.cases}

    for size in sizes:
        tpu, fetta = (
            read(case.experiment, case.overrides)[1].architecture.components
            for case in plan.cases
            if case.labels["size"] == size and case.labels["order"] == "searched"
        )
        assert tpu["array"].peak_macs_per_cycle == fetta["array"].peak_macs_per_cycle
        assert tpu["array"].buffer == fetta["array"].buffer
        assert tpu["sram"].capacity == fetta["sram"].capacity
        assert tpu["sram"].banks == fetta["sram"].banks
        assert tpu["dram"] == fetta["dram"]
        for link, network in (("array_read", "distribution"), ("array_write", "reduction")):
            assert tpu[link].peak_bits_per_cycle == fetta[network].peak_bits_per_cycle
