"""Every configuration that ships: valid, sourced, and what its comments promise."""

import re
import tomllib
from pathlib import Path

import pytest

import archsim
from archsim.comparison import check
from archsim.config import load
from archsim.errors import CapacityError

CONFIGS = Path(__file__).parents[1] / "configs"
REFUSED = CONFIGS / "experiments" / "u50_atis_2enc_dense_onchip.yaml"
LARGE = [
    CONFIGS / "experiments" / f"{name}.yaml"
    for name in (
        "array_vit_b16_tt",
        "array_sd15_lora",
        "array_sd15_lora_int8",
        "cdm_qta_sd15_lora",
        "ctc_deepspeech",
        "posit_resnet18_cifar10",
    )
]
SOURCED = ("architectures", "components", "energy", "workloads")
FILES = sorted(CONFIGS.rglob("*.yaml"))


def short(path):
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize(
    "path", [file for file in FILES if file not in (REFUSED, *LARGE)], ids=short
)
def test_a_shipped_config_is_valid(path):
    assert check(path)


@pytest.mark.slow
@pytest.mark.parametrize("path", LARGE, ids=short)
def test_a_large_shipped_config_is_valid(path):
    assert check(path)


def test_an_installed_archsim_has_every_configuration():
    project = tomllib.loads((CONFIGS.parent / "pyproject.toml").read_text())

    shipped = project["tool"]["setuptools"]["data-files"]

    assert shipped == {
        f"share/archsim/configs/{folder}": [f"configs/{folder}/*.yaml"]
        for folder in sorted({file.parent.name for file in FILES})
    }


@pytest.mark.parametrize(
    "path",
    [file for file in FILES if file.parent.name in SOURCED],
    ids=short,
)
def test_every_number_says_where_it_comes_from(path):
    root = load(path).root.node

    unsourced = [
        ".".join(where)
        for where, node in root.walk()
        if _is_number(node.value) and not _has_source(root, where)
    ]

    assert unsourced == []


def _is_number(value):
    is_quantity = isinstance(value, str) and re.fullmatch(r"[\d.]+ [A-Za-z/]+", value)
    return bool(is_quantity) or (isinstance(value, int | float) and not isinstance(value, bool))


def _has_source(root, where):
    return any(root.at(where[:length]).source for length in range(len(where) + 1))


def test_the_dense_model_is_refused_on_chip_with_demand_bound_and_lever():
    with pytest.raises(CapacityError) as caught:
        archsim.run(REFUSED)

    message = str(caught.value)
    assert "does not fit 'u50'" in message
    assert "BRAM36" in message
    assert "URAM" in message
    assert "Levers: a compressed or smaller workload" in message
    assert "a larger architecture.components.bram or architecture.components.uram" in message


def test_the_dense_model_runs_with_dram():
    result = archsim.run(CONFIGS / "experiments" / "u50_atis_2enc_dense_dram.yaml")

    assert result.dram_bytes > 36_700_000  # every weight is read once at least


def test_a_component_by_name_brings_its_sources_into_the_result():
    result = archsim.run(
        CONFIGS / "experiments" / "array_gemm.yaml",
        overrides={
            **dict.fromkeys(("workload.m", "workload.n", "workload.k"), 64),
            "architecture.components.dram": {"extends": "hbm3", "channels": 32},
            "architecture.placement.parameter": ["dram"],
        },
    )

    assumptions = result.provenance.assumptions
    assert assumptions["architecture.components.dram.timing.row"] == (
        "recalled: JEDEC JESD238, a page of a pseudo channel"
    )
    assert result.components["dram"].peak_bits_per_s == 32 * 8 * 25_600_000_000
    assert 0 < result.to_dict()["components"]["dram"]["row_hit_rate"] < 1
