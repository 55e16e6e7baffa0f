"""Posits against tables that independent packages made: codes, sums, products, dot products.

The tables lie beside the repository where the project keeps its reference data.
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from archsim.formats import Posit

TABLES = Path(__file__).parents[3] / "shared" / "refdata" / "posit"
FORMATS = [(8, 0), (8, 1), (8, 2), (16, 1), (16, 2)]

pytestmark = pytest.mark.skipif(not TABLES.is_dir(), reason="no reference data beside the project")


def rows(name):
    with (TABLES / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def decoded(n, es):
    if n == 16:
        return np.load(TABLES / f"posit_decode_{n}_{es}.npz")["value"]
    texts = [row["float"] for row in rows(f"posit_decode_{n}_{es}.csv")]
    return np.array([float("nan") if text.lower() == "nar" else float(text) for text in texts])


@pytest.mark.parametrize(("n", "es"), FORMATS)
def test_every_pattern_decodes_as_the_table_says(n, es):
    found = Posit(n, es).decode(np.arange(2**n))

    np.testing.assert_array_equal(found, decoded(n, es))


@pytest.mark.parametrize(
    ("rounding", "column"), [("nearest", "bits_rne"), ("toward_zero", "bits_rtz")]
)
@pytest.mark.parametrize(("n", "es"), FORMATS)
def test_values_round_as_the_table_says(n, es, rounding, column):
    table = rows(f"posit_round_{n}_{es}.csv")
    values = [float.fromhex(row["x_hex"]) for row in table]

    found = Posit(n, es).encode(values, rounding)

    assert len(values) == 2000
    np.testing.assert_array_equal(found, [int(row[column]) for row in table])


@pytest.mark.parametrize("es", [0, 1, 2])
def test_all_pairs_of_eight_bits_add_and_multiply_as_the_table_says(es):
    table = np.load(TABLES / f"posit_ops_8_{es}.npz")
    codes = np.arange(256)
    posit = Posit(8, es)

    np.testing.assert_array_equal(posit.add(codes[:, None], codes), table["add"])
    np.testing.assert_array_equal(posit.multiply(codes[:, None], codes), table["mul"])


@pytest.mark.parametrize(
    ("accumulate", "key"), [("sequential", "seq"), ("fused", "fma"), ("quire", "quire")]
)
@pytest.mark.parametrize(("n", "es"), FORMATS)
def test_dot_products_are_those_of_the_table(n, es, accumulate, key):
    cases = json.loads((TABLES / f"posit_dot_{n}_{es}.json").read_text())["cases"]
    posit = Posit(n, es)

    found = [int(posit.dot(case["x"], case["y"], accumulate)) for case in cases]

    assert found == [case[key] for case in cases]
