"""archsim beside other simulators of arrays: how long they take, and how many cycles they find.

Run it as ``python tests/benchmarks/peers.py``; ``--quick`` runs the others on a small product only.
All are asked for the same matrix products on one 32 x 32 output-stationary array with all the
bandwidth they can be given. Each peer is installed into a virtual environment of its own, which a
second run finds again. The machine is shared, so the ratio of two wall times of one run is the
point: that of each line to archsim's whole run of the same products in process. Wall and CPU times
in process leave imports out; a peak of memory is that of its process.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from csv import DictReader
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter, process_time, sleep

sys.path.insert(0, str(Path(__file__).parents[2]))

import archsim
from archsim.experiment.memory import forget
from archsim.hardware import ProcessingArraySpec
from archsim.hardware.matrix_product import Overlap

ROOT = Path(__file__).parents[2]
EDGE = 32
"""Rows, and columns, of the array."""
REPEATS = 3
"""Times that archsim is measured; the least counts."""
LIMIT_S = 3600
"""Wall seconds after which a peer is given up."""
REPORT_S = 30
"""Wall seconds between two signs of life of a process."""
POLL_S = 0.01
COMMAND_GOAL_S = 2.0
MAIN = "from archsim.cli import entry; entry()"

Shape = tuple[int, int, int]
"""m, n, k of an m x k by k x n product."""
Overrides = Mapping[str, str | int]
"""Values of an experiment to replace, by their path."""

UNLIMITED: Overrides = {
    "architecture.components.array.buffer": "64 MiB",
    "architecture.components.sram.capacity": "1 GiB",
    "architecture.components.sram_read.width": "65536 bit",
    "architecture.components.sram_write.width": "65536 bit",
}
"""A generic array that keeps everything on chip, behind links that never limit it."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Matrix products to run one after the other, and the experiment that contains them."""

    name: str
    shapes: tuple[Shape, ...]
    experiment: str
    overrides: Overrides
    goal_s: float | None = None
    """Wall seconds that a whole run in process may take."""
    beside: str = "nothing beside the product"
    """What the experiment does that the products do not contain."""


def cube(edge: int, goal_s: float | None = None) -> Case:
    """Return one product of equal sides."""
    return Case(
        name=f"GEMM {edge}^3",
        shapes=((edge, edge, edge),),
        experiment="array_gemm",
        overrides=dict.fromkeys(("workload.m", "workload.n", "workload.k"), edge),
        goal_s=goal_s,
    )


BERT = Case(
    name="BERT layer",
    shapes=(
        *[(128, 768, 768)] * 4,
        *[(128, 128, 64)] * 12,
        *[(128, 64, 128)] * 12,
        (128, 3072, 768),
        (128, 768, 3072),
    ),
    experiment="array_bert_base",
    overrides={"workload.layers": 1, "workload.sequence": 128},
    goal_s=0.1,
    beside="with embedding, softmax, GELU, norms, pooler",
)


@dataclass(frozen=True)
class Spent:
    """What a piece of work takes."""

    wall_s: float
    cpu_s: float
    peak_mib: float | None = None
    process_s: float | None = None
    """Wall seconds of the whole process, where the others leave its start and imports out."""


class SkippedError(Exception):
    """A peer cannot be installed, or does not come to an end."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another simulator, and how it is asked through its public Python interface."""

    name: str
    requirements: tuple[str, ...]
    imports: str
    call: str
    """What is timed: a statement that reads the inputs and leaves the peer's own reports."""
    write_inputs: Callable[[Sequence[Shape], Path], None]
    read_cycles: Callable[[Path], int]
    overlap: Overlap
    """The convention of archsim that the peer's comes closest to."""
    convention: str
    """Where the peer's cycles differ from that."""

    @property
    def folder_name(self) -> str:
        """Name of the folder that the peer lives in."""
        return self.name.lower().replace(" ", "-")


def write_scale_sim(shapes: Sequence[Shape], folder: Path) -> None:
    """Write the configuration, the products and the layout that SCALE-Sim reads."""
    presets = {
        "general": {"run_name": "run"},
        "run_presets": {"InterfaceBandwidth": "CALC", "UseRamulatorTrace": False},
        "architecture_presets": {
            "ArrayHeight": EDGE,
            "ArrayWidth": EDGE,
            **{f"{operand}SramSzkB": 1024 for operand in ("Ifmap", "Filter", "Ofmap")},
            "IfmapOffset": 0,
            "FilterOffset": 10_000_000,
            "OfmapOffset": 20_000_000,
            "Dataflow": "os",
            "ReadRequestBuffer": 64,
            "WriteRequestBuffer": 64,
        },
        "layout": {
            f"{operand}{key}": value
            for operand in ("Ifmap", "Filter")
            for key, value in {
                "CustomLayout": False,
                "SRAMBankBandwidth": 10,
                "SRAMBankNum": 10,
                "SRAMBankPort": 2,
            }.items()
        },
        "sparsity": {"SparsitySupport": False},
    }
    lines = []
    for section, values in presets.items():
        lines += [f"[{section}]", *(f"{key} = {value}" for key, value in values.items())]
    (folder / "scale.cfg").write_text("\n".join(lines) + "\n")
    # Each row of both tables ends in a comma, or its last value is lost.
    products = ["Layer,M,N,K,"]
    products += [f"p{number},{m},{n},{k}," for number, (m, n, k) in enumerate(shapes)]
    (folder / "products.csv").write_text("\n".join(products) + "\n")
    # A layout for each product is read even where none is used.
    row = ",".join(["1"] * 6 + [str(place) for count in (6, 8) for place in range(count)])
    layout = ["Layer,factors and orders,", *(f"p{number},{row}," for number in range(len(shapes)))]
    (folder / "layout.csv").write_text("\n".join(layout) + "\n")


def read_scale_sim(folder: Path) -> int:
    """Return the cycles of all products from SCALE-Sim's report."""
    with (folder / "out" / "run" / "COMPUTE_REPORT.csv").open() as report:
        return sum(int(row["Total Cycles"]) for row in DictReader(report, skipinitialspace=True))


SCALE_SIM = Peer(
    name="SCALE-Sim 3.0.0",
    # 3.0.0 fails with NumPy 2.4.
    requirements=("scalesim==3.0.0", "numpy<2.4"),
    imports="from scalesim.scale_sim import scalesim",
    call="""
scalesim(
    save_disk_space=True,
    verbose=False,
    config="scale.cfg",
    topology="products.csv",
    layout="layout.csv",
    input_type_gemm=True,
).run_scale(top_path="out")
""",
    write_inputs=write_scale_sim,
    read_cycles=read_scale_sim,
    overlap="none",
    convention="it reports each product's last index",
)


def zigzag_memory(size_bits: int, ports: Mapping[str, Sequence[str]], *, shared: bool) -> object:
    """Return a memory at no cost, of each unit or shared by all; a port serves some directions."""
    bandwidth = 2**24 if shared else size_bits
    return {
        "size": size_bits,
        **dict.fromkeys(("r_cost", "w_cost", "area"), 0),
        "latency": 1,
        "operands": sorted(
            {direction.split(",")[0] for served in ports.values() for direction in served}
        ),
        "served_dimensions": ["D1", "D2"] if shared else [],
        "ports": [
            {
                "name": name,
                "type": "read" if name.startswith("r") else "write",
                "bandwidth_min": bandwidth,
                "bandwidth_max": bandwidth,
                "allocation": list(served),
            }
            for name, served in ports.items()
        ],
    }


def write_zigzag(shapes: Sequence[Shape], folder: Path) -> None:
    """Write the accelerator, the mapping and the products that ZigZag reads."""
    accelerator = {
        "name": "array",
        "memories": {
            "accumulator": zigzag_memory(
                32,
                {
                    "r_port_1": ["O, tl"],
                    "r_port_2": ["O, th"],
                    "w_port_1": ["O, fh"],
                    "w_port_2": ["O, fl"],
                },
                shared=False,
            ),
            # Operands that share a port take turns, however wide it is.
            "sram": zigzag_memory(
                2**40,
                {
                    "r_port_1": ["I1, tl"],
                    "r_port_2": ["I2, tl"],
                    "r_port_3": ["O, tl", "O, th"],
                    "w_port_1": ["I1, fh"],
                    "w_port_2": ["I2, fh"],
                    "w_port_3": ["O, fh", "O, fl"],
                },
                shared=True,
            ),
        },
        "operational_array": {
            "unit_energy": 0,
            "unit_area": 0,
            "dimensions": ["D1", "D2"],
            "sizes": [EDGE, EDGE],
            "systolic_dimensions": ["D1", "D2"],
        },
    }
    mapping = {
        "name": "default",
        "spatial_mapping": {"D1": [f"K, {EDGE}"], "D2": [f"B, {EDGE}"]},
        "memory_operand_links": {"O": "O", "W": "I2", "I": "I1"},
    }
    products = [
        {
            "id": number,
            "name": f"p{number}",
            "operator_type": "Gemm",
            "equation": "O[b][k]+=I[b][c]*W[c][k]",
            "loop_dims": ["B", "K", "C"],
            "loop_sizes": shape,
            "operand_precision": {"I": 8, "W": 8, "O": 32, "O_final": 8},
            "operand_source": {},
        }
        for number, shape in enumerate(shapes)
    ]
    # JSON is YAML.
    (folder / "accelerator.yaml").write_text(json.dumps(accelerator))
    (folder / "mapping.yaml").write_text(json.dumps([mapping]))
    (folder / "products.yaml").write_text(json.dumps(products))


def read_zigzag(folder: Path) -> int:
    """Return the cycles of all products from ZigZag's summary."""
    return round(json.loads((folder / "out" / "overall_simple.json").read_text())["latency"])


ZIGZAG = Peer(
    name="ZigZag 3.9.1",
    # It imports six without asking for it.
    requirements=("zigzag-dse==3.9.1", "six"),
    imports="from zigzag.api import get_hardware_performance_zigzag",
    call="""
get_hardware_performance_zigzag(
    "products.yaml",
    "accelerator.yaml",
    "mapping.yaml",
    dump_folder="out",
    loma_show_progress_bar=False,
)
""",
    write_inputs=write_zigzag,
    read_cycles=read_zigzag,
    overlap="full",
    convention="a cycle more a product to store its last results",
)

PEERS = (ZIGZAG, SCALE_SIM)
DRIVER = """
import json
from pathlib import Path
from time import perf_counter, process_time
{imports}
wall_s, cpu_s = perf_counter(), process_time()
{call}
wall_s, cpu_s = perf_counter() - wall_s, process_time() - cpu_s
Path("spent.json").write_text(json.dumps({{"wall_s": wall_s, "cpu_s": cpu_s}}))
"""


def progress(text: str) -> None:
    """Say what goes on, beside the table."""
    print(text, file=sys.stderr, flush=True)


def spent_by(what: str, command: Sequence[str], folder: Path) -> Spent:
    """Run a process in a folder and return what the whole of it took.

    Raises:
        SkippedError: if it cannot start, fails or runs for too long.
    """
    log = folder / "log.txt"
    progress(what)
    start = perf_counter()
    reported = 1
    try:
        with log.open("w") as out:
            process = subprocess.Popen(  # noqa: S603 - commands of this file
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
    except OSError as error:
        raise SkippedError(f"{what}: {error}") from error
    try:
        while True:
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            took = perf_counter() - start
            if ended:
                process.returncode = os.waitstatus_to_exitcode(status)
                break
            if took > LIMIT_S:
                raise SkippedError(f"{what}: not done after {LIMIT_S} s")
            if took > reported * REPORT_S:
                progress(f"  {what}: {took:.0f} s")
                reported += 1
            sleep(POLL_S)
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
    if process.returncode:
        said = log.read_text(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), "it said nothing")
        raise SkippedError(f"{what}: status {process.returncode}, {last}")
    return Spent(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, took)


def environment(peer: Peer, work: Path) -> Path:
    """Return the Python of the peer's virtual environment, made where it is not there yet.

    Raises:
        SkippedError: if the peer cannot be installed.
    """
    home = work / peer.folder_name
    python = home / "venv" / "bin" / "python"
    done = home / "installed.txt"
    wanted = "\n".join(peer.requirements)
    if done.exists() and done.read_text() == wanted and python.exists():
        return python
    home.mkdir(parents=True, exist_ok=True)
    make = [sys.executable, "-m", "venv", "--clear", str(home / "venv")]
    spent_by(f"{peer.name}: making its environment", make, home)
    install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    spent_by(f"{peer.name}: installing it", [*install, *peer.requirements], home)
    done.write_text(wanted)
    return python


def asked(peer: Peer, case: Case, work: Path) -> tuple[int, Spent]:
    """Return the cycles that a peer finds, and what its call took.

    Raises:
        SkippedError: if the peer cannot be installed, fails or reports nothing.
    """
    python = environment(peer, work)
    folder = work / peer.folder_name / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    peer.write_inputs(case.shapes, folder)
    driver = DRIVER.format(imports=peer.imports, call=peer.call)
    whole = spent_by(f"{peer.name}: {case.name}", [str(python), "-I", "-c", driver], folder)
    try:
        cycles = peer.read_cycles(folder)
        call = json.loads((folder / "spent.json").read_text())
    except (OSError, ValueError, KeyError) as error:
        raise SkippedError(f"{peer.name}: {case.name}: no report, {error!r}") from error
    return cycles, Spent(call["wall_s"], call["cpu_s"], whole.peak_mib, whole.wall_s)


def in_process(work: Callable[[], int]) -> tuple[int, Spent]:
    """Return what something computes, and the least time that it takes here.

    It knows nothing of the machine each time, as a first run does: a further one of the same
    process would search for no mapping.
    """
    times = []
    for _ in range(REPEATS):
        forget()
        wall_s, cpu_s = perf_counter(), process_time()
        cycles = work()
        times.append((perf_counter() - wall_s, process_time() - cpu_s))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return cycles, Spent(*min(times), peak)


def closed_form(case: Case, overlap: Overlap) -> int:
    """Return the cycles of a case's products from their closed form, one after the other."""
    array = ProcessingArraySpec(
        clock=10**9, rows=EDGE, columns=EDGE, dataflow="output_stationary", overlap=overlap
    )
    return sum(array.gemm_cycles(m, n, k) for m, n, k in case.shapes)


def experiment(case: Case) -> Path:
    """Return the file of a case's experiment."""
    return ROOT / "configs" / "experiments" / f"{case.experiment}.yaml"


def whole_run(case: Case, machine: Overrides) -> int:
    """Return the cycles of a case's experiment, simulated on a machine with a clock of 1 GHz."""
    result = archsim.run(experiment(case), overrides={**case.overrides, **machine})
    return round(result.latency_s * 1e9)


def command_line(case: Case) -> list[str]:
    """Return the command that runs a case's experiment on the machine that it names."""
    values = [word for key, value in case.overrides.items() for word in ("--set", f"{key}={value}")]
    return [sys.executable, "-c", MAIN, "run", str(experiment(case)), *values]


HEADINGS = ("tool", "case", "cycles", "wall s", "CPU s", "MiB", "ratio", "goal s", "note")
WIDTHS = (30, 11, 10, 9, 9, 6, 8, 7)


def print_line(cells: Sequence[str]) -> None:
    """Print a line of the table: two columns of words, columns of numbers, a note."""
    aligned = [
        f"{cell:<{width}}" if place < 2 else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(cells, WIDTHS, strict=False))
    ]
    print("  ".join([*aligned, cells[-1]]).rstrip(), flush=True)


def rounded(value: float | None) -> str:
    """Return a number with about three digits, none where there is none."""
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}" if value >= 0.01 else f"{value:.6f}"


def print_found(
    tool: str,
    case: Case,
    cycles: int | None,
    spent: Spent,
    base_s: float,
    note: str,
    goal_s: float | None = None,
) -> None:
    """Print what a tool found and took."""
    print_line(
        (
            tool,
            case.name,
            "" if cycles is None else f"{cycles:,}",
            rounded(spent.wall_s),
            rounded(spent.cpu_s),
            "" if spent.peak_mib is None else f"{spent.peak_mib:.0f}",
            rounded(spent.wall_s / base_s),
            "" if goal_s is None else f"{goal_s:g}",
            note,
        )
    )


def archsim_lines(case: Case) -> float:
    """Print archsim's own lines of a case and return the wall time of its whole run in process."""
    progress(f"archsim: {case.name}")
    simulated, base = in_process(partial(whole_run, case, UNLIMITED))
    conventions: Mapping[Overlap, str] = {
        "none": "each fold of the array pays its fill and drain",
        "full": "MACs over units, and one way through the array a product",
    }
    for overlap, note in conventions.items():
        cycles, spent = in_process(partial(closed_form, case, overlap))
        tool = f"archsim closed form, {overlap}"
        print_found(tool, case, cycles, Spent(spent.wall_s, spent.cpu_s), base.wall_s, note)
    note = f"overlap none, links' latency, {case.beside}"
    print_found("archsim run, unlimited", case, simulated, base, base.wall_s, note, case.goal_s)
    simulated, spent = in_process(partial(whole_run, case, {}))
    note = f"the same with the experiment's SRAM and DRAM, {case.beside}"
    print_found(
        "archsim run, as configured", case, simulated, spent, base.wall_s, note, case.goal_s
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            whole = spent_by(f"archsim: {case.name} as a command", command_line(case), Path(folder))
    except SkippedError as skipped:
        print(f"skipped: {skipped}", flush=True)
    else:
        note = "the whole process of the line above"
        goal = COMMAND_GOAL_S if case.goal_s else None
        print_found("archsim run, as a command", case, None, whole, base.wall_s, note, goal)
    return base.wall_s


def peer_line(peer: Peer, case: Case, work: Path, base_s: float) -> None:
    """Print a peer's line of a case, or why there is none."""
    try:
        cycles, spent = asked(peer, case, work)
    except SkippedError as skipped:
        print(f"skipped: {skipped}", flush=True)
        return
    apart = cycles - closed_form(case, peer.overlap)
    products = f"{len(case.shapes)} product" + "s" * (len(case.shapes) > 1)
    note = (
        f"overlap {peer.overlap} {apart:+,} for {products}: {peer.convention}; "
        f"whole process {rounded(spent.process_s)} s"
    )
    print_found(peer.name, case, cycles, spent, base_s, note)


def report(work: Path, quick: bool) -> None:
    """Print all lines, as they are measured."""
    large = (cube(1024, 0.05), BERT)
    small = cube(256)
    print(
        f"one {EDGE} x {EDGE} output-stationary array; archsim in process the least of {REPEATS}\n"
        "ratio: wall time to that of archsim's whole run of the same case, unlimited, in process\n"
    )
    print_line(HEADINGS)
    bases = {case.name: archsim_lines(case) for case in (*large, *([small] if quick else []))}
    for case in [small] if quick else large:
        for peer in PEERS:
            peer_line(peer, case, work, bases[case.name])


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(tempfile.gettempdir()) / "archsim-peers",
        help="folder for the peers' environments and files, kept (default: %(default)s)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="ask the peers for one product of 256^3 only"
    )
    arguments = parser.parse_args()
    report(arguments.work.resolve(), arguments.quick)
