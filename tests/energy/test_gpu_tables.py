"""The tables of GPUs: recomputed from an ASIC's arithmetic and the cost of an instruction."""

from math import sqrt
from pathlib import Path

import pytest

import archsim
from archsim.energy import Process, energy_factor
from archsim.ir.expression import FUNCTIONS
from tests.energy.test_tables import CONVERSIONS

EXPERIMENTS = Path(__file__).parents[2] / "configs" / "experiments"
INSTRUCTION = 30.0  # pJ at 45 nm
SHARED = 10 * sqrt(192 / 8) / 64  # pJ per bit at 45 nm, 192 KiB
BITS = {"fp64": 64, "tf32": 19, "fp16": 16, "bf16": 16, "fp8_e4m3": 8, "fp8_e5m2": 8, "int8": 8}
MACS = {"fp64": 16, "tf32": 32, "fp16": 64, "bf16": 64, "fp8_e4m3": 128, "fp8_e5m2": 128} | {
    "int8": 128
}
INSTRUCTIONS = {"divide": 9, "sqrt": 9, "exp": 4, "log": 7, "tanh": 12, "sin": 16, "cos": 16}
FLOATS = ("fp64", "fp32", "tf32", "fp16", "bf16")
GPUS = ("a100", "h100", "rtx3090")


@pytest.fixture(scope="module")
def asic(load_table):
    return load_table("asic_45nm").functions


@pytest.fixture(scope="module")
def gpu(load_table):
    return load_table("a100").functions


def instruction(number_format):
    return INSTRUCTION / (2 if number_format in ("fp16", "bf16") else 1)


@pytest.mark.parametrize("number_format", MACS)
def test_a_mac_on_tensor_cores_shares_an_instruction(asic, gpu, number_format):
    shared = INSTRUCTION / MACS[number_format] + SHARED * BITS[number_format] / 32

    expected = asic["mac"][number_format] + shared
    assert gpu["mac"][number_format] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("number_format", ["fp32", "int32"])
def test_a_mac_on_cuda_cores_is_an_instruction(asic, gpu, number_format):
    expected = asic["mac"][number_format] + INSTRUCTION
    assert gpu["mac"][number_format] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("number_format", [*FLOATS, "int32", "int8"])
@pytest.mark.parametrize(("function", "times"), [("add", 1), ("multiply", 1), ("maximum", 1)])
def test_arithmetic_is_an_instruction_each(asic, gpu, function, times, number_format):
    expected = asic[function][number_format] + times * instruction(number_format)
    assert gpu[function][number_format] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("number_format", FLOATS)
def test_other_functions_are_the_instructions_that_the_processor_counts(asic, gpu, number_format):
    for function, count in INSTRUCTIONS.items():
        expected = count * (instruction(number_format) + asic["mac"][number_format])
        assert gpu[function][number_format] == pytest.approx(expected, rel=1e-3)


def test_a_move_is_a_load_and_a_store(asic, gpu):
    for number_format, price in gpu["move"].items():
        expected = 2 * instruction(number_format) + asic["move"][number_format]
        assert price == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("name", "node", "voltage"), [("a100", 7, 0.85), ("rtx3090", 10, 0.9)])
def test_prices_are_scaled_but_for_memory(load_table, gpu, name, node, voltage):
    table = load_table(name)
    factor = energy_factor(Process(node=45, voltage=0.9), Process(node=node, voltage=voltage))

    price = table.price("simt_processor", "mac", "fp16")
    assert price == pytest.approx(factor * gpu["mac"]["fp16"])
    assert table.price("buffer", "read") == 50 / 32


@pytest.mark.parametrize("name", GPUS)
def test_every_function_has_a_price(load_table, name):
    for function in set(FUNCTIONS) - CONVERSIONS:
        for number_format in FLOATS:
            assert load_table(name).price("simt_processor", function, number_format) > 0


@pytest.mark.parametrize(("name", "idle", "tdp"), [("a100", 50, 400), ("h100", 70, 700)])
def test_a_product_at_full_rate_draws_more_than_idle_and_less_than_allowed(name, idle, tdp):
    result = archsim.run(EXPERIMENTS / f"{name}_gemm.yaml", overrides={"workload.m": 2048})

    assert idle < result.power_w < tdp
