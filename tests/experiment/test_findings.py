"""What an experiment shows by itself: its workload's findings, under names that files may have."""

from types import SimpleNamespace

import pytest

from archsim.errors import ConfigError, InputError
from archsim.experiment import findings, findings_in_words, findings_of
from tests.conftest import EXPERIMENTS
from tests.report.findings.shown import BARS, CURVES

RAMSEY, GEMM = EXPERIMENTS / "edfid_ramsey.yaml", EXPERIMENTS / "array_gemm.yaml"
FEW = {"workload.delays": 4, "workload.step_ns": 50}


def showing(*found):
    return SimpleNamespace(findings=lambda: found)


def test_an_experiment_shows_what_its_workload_does_with_its_values():
    first, *_ = findings(RAMSEY, overrides={**FEW, "workload.detuning_mhz": 8})

    assert first.curves[0].name == "8 MHz off resonance"


def test_a_workload_that_shows_nothing_has_no_findings():
    assert findings(GEMM) == ()
    assert findings_in_words(GEMM) == ""


def test_findings_are_told_in_words_without_being_computed(monkeypatch):
    def fail(_):
        raise AssertionError

    monkeypatch.setattr("workloads.spin_dynamics.workload.findings", fail)

    assert findings_in_words(RAMSEY).startswith("Ramsey fringes, the echo, ")


def test_a_value_that_is_wrong_is_named():
    with pytest.raises(ConfigError, match=r"workload\.detuning: unknown key"):
        findings(RAMSEY, overrides={"workload.detuning": 8})


@pytest.mark.parametrize(
    "name", ["", "../decay", "a b", "Decay", "decay.png", "errors"]
)  # the last is there twice
def test_a_name_that_files_cannot_have_is_refused(name):
    named = CURVES.__class__(**{**vars(CURVES), "name": name})

    with pytest.raises(InputError, match=rf"a finding is called '{name}'"):
        findings_of(showing(BARS, named))


def test_values_with_which_nothing_can_be_shown_are_the_users_mistake():
    long = {**FEW, "workload.half_pi_ns": 1e6}

    with pytest.raises(InputError, match=r"findings of .*: the line dephases by .* shorten"):
        findings(RAMSEY, overrides=long)
