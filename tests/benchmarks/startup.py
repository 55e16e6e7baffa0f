"""How long the command line takes to start, against a bare Python.

Run it as ``python tests/benchmarks/startup.py``: it prints ratios of one run, the least of
several times each, because the machine is shared.
"""

import subprocess
import sys
from pathlib import Path
from time import perf_counter

REPEATS = 7
ROOT = Path(__file__).parents[2]
MAIN = "from archsim.cli import entry; entry()"
COMMANDS = {
    "archsim list": ["-c", MAIN, "list"],
    "archsim --version": ["-c", MAIN, "--version"],
    "import numpy": ["-c", "import numpy"],
    "archsim run u50_atis_6enc": [
        "-c",
        MAIN,
        "run",
        str(ROOT / "configs" / "experiments" / "u50_atis_6enc.yaml"),
    ],
}


def seconds(arguments: list[str], repeats: int) -> float:
    """Return the least wall time of a Python process."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)  # noqa: S603
        times.append(perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    bare = seconds(["-c", "pass"], REPEATS)
    print(f"bare Python: {bare:.3f} s")
    for name, arguments in COMMANDS.items():
        took = seconds(arguments, 2 if " run " in name else REPEATS)
        print(f"{name}: {took:.2f} s, {took / bare:.1f} times bare Python")
