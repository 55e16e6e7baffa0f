"""``archsim contract``: equations and files, what it prints, and what it refuses."""

import json
import shlex
import subprocess
import sys

import pytest
from click.testing import CliRunner

from archsim.cli import main

CHAIN = "i j, j k, k l -> i l"
SIZES = ("--size", "i=8", "--size", "j=16", "--size", "k=4", "--size", "l=2")
FILE = """\
equation: i j, j k, k l -> i l
sizes:
  i: 8
  j: 16
  k: 4
  l: 2
"""


def call(*arguments):
    return CliRunner().invoke(main, ["contract", *arguments])


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Write a network's file into the working folder, and return its name."""
    monkeypatch.chdir(tmp_path)

    def write(text=FILE):
        (tmp_path / "network.yaml").write_text(text)
        return "network.yaml"

    return write


def test_an_equation_is_answered_with_its_best_tree_and_the_alternatives():
    result = call(CHAIN, *SIZES)

    assert result.exit_code == 0
    assert result.stderr == ""
    assert "best tree by MACs: 384 MACs, 32 elements at the peak, 280" in result.stdout
    assert "  (i j, (j k, k l))\n" in result.stdout
    assert "left to right               576  1.50 x" in result.stdout


def test_a_file_says_what_its_equation_and_sizes_say(file):
    assert call(file()).stdout == call(CHAIN, *SIZES).stdout


def test_options_take_precedence_over_a_file(file):
    name = file(f"{FILE}objective: peak\n")

    found = json.loads(call(name, "--size", "i=1", "--objective", "traffic", "--json").stdout)

    assert found["objective"] == "traffic"
    assert found["sizes"] == {"i": 1, "j": 16, "k": 4, "l": 2}


def test_a_file_keeps_what_no_option_replaces(file):
    outer = "equation: i, j -> i j\nsizes: {i: 2, j: 3}\nouter_products: true\nobjective: peak\n"

    found = json.loads(call(file(outer), "--json").stdout)

    assert found["outer_products"]
    assert found["objective"] == "peak"
    assert found["best"]["macs"] == 6


def test_a_size_that_a_file_lacks_can_be_given(file):
    result = call(file(FILE.replace("  j: 16\n", "")), "--size", "j=16")

    assert result.stdout == call(CHAIN, *SIZES[:2], *SIZES[4:], "--size", "j=16").stdout
    assert result.exit_code == 0


def test_an_index_name_may_have_a_dot(file):
    name = file("equation: a.b c, c d -> a.b d\nsizes: {a.b: 2, c: 3, d: 4}\n")

    found = json.loads(call(name, "--size", "a.b=5", "--json").stdout)

    assert found["best"]["macs"] == 5 * 3 * 4


@pytest.mark.parametrize("option", ["--outer-products", "--hyperedges"])
def test_what_is_refused_can_be_allowed(option):
    equation = {"--outer-products": "i j, k l -> i k", "--hyperedges": "i j, k j, l j -> i k l"}
    arguments = (equation[option], *SIZES)

    refused, allowed = call(*arguments), call(*arguments, option)

    assert refused.exit_code == 2
    assert option in refused.stderr
    assert allowed.exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        (CHAIN, "--objective", "traffic"),
        ("i j, k l -> i k", "--outer-products"),
        ("i j, k j, l j -> i k l", "--hyperedges", "--objective", "peak"),
    ],
)
def test_json_is_one_object_whose_command_answers_the_same(arguments):
    first = call(*arguments, *SIZES, "--json")

    again = call(*shlex.split(json.loads(first.stdout)["command"])[2:], "--json")

    assert first.stdout.count("\n") == 1
    assert again.stdout == first.stdout


def test_out_holds_a_drawing_and_the_comparison(tmp_path):
    result = call(CHAIN, *SIZES, "--out", str(tmp_path / "found"))

    assert result.exit_code == 0
    assert result.stdout.endswith(
        f"wrote {tmp_path / 'found' / 'tree.png'}\nwrote {tmp_path / 'found' / 'tree.json'}\n"
    )
    assert json.loads((tmp_path / "found" / "tree.json").read_text())["best"]["macs"] == 384
    assert (tmp_path / "found" / "tree.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")

    result = call(CHAIN, *SIZES, "--out", str(tmp_path / "taken" / "below"))

    assert result.exit_code == 2
    assert "it is, or lies in, a file" in result.stderr


@pytest.mark.parametrize(
    ("equation", "sizes", "message"),
    [
        ("", "", "equation: '': expected one '->' between inputs and output"),
        ("i j, j k", "i=1", "equation: 'i j, j k': expected one '->' between inputs and output"),
        ("i j, j k -> i k -> i", "i=1", "equation: 'i j, j k -> i k -> i': expected one '->'"),
        ("i j, j k -> i k", "i=1 j=2", "sizes.k: missing; give index 'k' a size, e.g. --size k=8"),
        ("i j, j k -> i k", "j=2", "sizes.i: missing; give index 'i' a size, e.g. --size i=8; also missing: k"),  # noqa: E501
        ("ij, jk -> ik", "i=1 j=2 k=3", "sizes.ij: missing; several indices are written with spaces: 'i j'"),  # noqa: E501
        ("i j, j k -> i k", "i=1 j=2 k=3 q=4", "sizes.q: no index of the equation; known: i, j, k"),
        ("i j, j k -> i k", "i=1 j=0 k=3", "--size j: expected a whole number >= 1, got '0'"),
        ("i j, j k -> i k", "i=1 j=2.5 k=3", "--size j: expected a whole number >= 1, got '2.5'"),
        ("i j, j k -> i k", "i=1 j=x k=3", "--size j: expected a whole number >= 1, got 'x'"),
        ("i j, j k -> i k", "i=1 j k=3", "--size j: expected INDEX=SIZE (e.g. --size i=8)"),
        ("i j, j k -> i k", "i=1 j=2 j=3 k=3", "--size j: given twice, as 2 and 3"),
        ("i j, j k -> i k", "i=1 j=9007199254740992 k=3", "sizes.j: must be at most 9007199254740991"),  # noqa: E501
        ("i j, j k -> i q", "i=1 j=2 k=3", "equation: output index 'q' stands in no tensor; known"),
        ("i j j, j k -> i k", "i=1 j=2 k=3", "equation: 'i j j, j k -> i k': an index stands twice in 'i j j'"),  # noqa: E501
        ("i j,, j k -> i k", "i=1 j=2 k=3", "equation: tensor 2 of 3 has no indices"),
        ("i j, j > -> i >", "i=1 j=2 >=3", "equation: tensor 1 (j >): '>' is not a name"),
        ("i j, k l, j m -> i k", "i=1 j=2 k=3 l=4 m=5", "equation: no index joins (i j, j m) to (k l); --outer-products"),  # noqa: E501
        ("i r, j r, k r -> i j k", "i=1 j=2 k=3 r=4", "equation: index 'r' stands in more than two tensors (i r, j r, k r); --hyperedges"),  # noqa: E501
    ],
)  # fmt: skip
def test_a_wrong_network_is_refused_in_one_line(equation, sizes, message):
    options = [part for size in sizes.split() for part in ("--size", size)]

    result = call(equation, *options)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 1


def test_a_size_may_be_given_twice_if_it_is_the_same():
    assert call(CHAIN, *SIZES, "--size", "i=8").exit_code == 0


def test_too_many_tensors_are_refused_with_the_limit():
    equation = ", ".join(f"x{n} x{n + 1}" for n in range(19))
    sizes = [part for n in range(20) for part in ("--size", f"x{n}=2")]

    result = call(f"{equation} -> x0 x19", *sizes)

    assert result.exit_code == 2
    assert "exact search takes at most 18 tensors, here are 19" in result.stderr
    assert "greedy(network) has no limit" in result.stderr


def test_too_many_ways_to_contract_are_refused_with_the_limit():
    equation = ", ".join(f"x{n} x{n + 1}" for n in range(17))
    sizes = [part for n in range(18) for part in ("--size", f"x{n}=2")]

    result = call(f"{equation} -> x0 x17", *sizes, "--outer-products")

    assert result.exit_code == 2
    assert "exact search goes through at most 3,000,000 ways" in result.stderr


def test_sizes_beyond_all_reason_are_refused():
    term = " ".join(f"x{n}" for n in range(19))
    sizes = [part for n in range(19) for part in ("--size", f"x{n}={2**53 - 1}")]

    result = call(f"{term} -> x0", *sizes)

    # (2**53)**19 is about 10**303
    assert result.exit_code == 2
    assert result.stderr == "error: sizes: all of them multiplied must be at most 10**300\n"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("  j: 16", "  j: 0", "network.yaml:4: sizes.j: must be >= 1, got 0"),
        ("  j: 16", "  j: 1.5", "network.yaml:4: sizes.j: expected a whole number, got 1.5"),
        ("  j: 16", "  j: 16\n  j: 4", "network.yaml:5: sizes.j"),
        ("  j: 16", "  q: 16", "network.yaml:2: sizes.j: missing; give index 'j' a size"),
        ("  l: 2", "  l: 2\n  q: 2", "network.yaml:7: sizes.q: no index of the equation"),
        ("-> i l", "-> i z", "network.yaml:1: equation: output index 'z' stands in no tensor"),
        ("equation", "equatoin", "network.yaml:1: equatoin: unknown key (did you mean 'equation'"),
        ("sizes:", "objective: mac\nsizes:", "network.yaml:2: objective: expected 'macs', 'peak'"),
        (FILE, "sizes: {i: 8}\n", "network.yaml:1: equation: missing; expected text"),
    ],
)
def test_a_wrong_file_is_refused_with_the_line(file, before, after, message):
    result = call(file(FILE.replace(before, after)))

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["netwrk.yaml", "netwrk.yml", "netwrk"])
def test_a_file_that_is_not_there_is_named_with_its_neighbour(file, name):
    file()

    result = call(name)

    assert result.exit_code == 2
    assert result.stderr == f"error: {name}: no such file (did you mean 'network.yaml'?)\n"


def test_an_answer_in_words_loads_nothing_that_draws():
    program = (
        "import sys\nfrom click.testing import CliRunner\nfrom archsim.cli import main\n"
        "words = ['contract', 'i j, j k -> i k', '--size=i=1', '--size=j=2', '--size=k=3']\n"
        "assert CliRunner().invoke(main, words).exit_code == 0\n"
        "print([name for name in ('pandas', 'matplotlib', 'simpy') if name in sys.modules])"
    )

    done = subprocess.run(  # noqa: S603  (our own command)
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == "[]\n"
