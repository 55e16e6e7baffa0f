"""The folder that ``--out`` makes: a result as files, for people and for programs."""

import csv
import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from archsim.report.chrome_trace import chrome_trace
from archsim.report.files import write_atomically
from archsim.results import Result
from archsim.results.metrics import layer

if TYPE_CHECKING:
    from archsim.ir.findings import Finding


def write(result: Result, folder: str | Path, findings: "Sequence[Finding]" = ()) -> list[Path]:
    """Write a result's documents and figures into a folder, all of them or none.

    ``result.json`` holds everything, ``operations.csv`` a row per operation,
    ``breakdown.png`` and ``timeline.png`` show where time, energy and memory went, and
    ``trace.json`` opens in https://ui.perfetto.dev and chrome://tracing. Each finding of the
    workload is a picture and its numbers, ``findings_NAME.png`` and ``findings_NAME.csv``.

    Raises:
        InputError: if the folder cannot be written.
    """
    # Drawing takes longer to load than most runs take, and only this needs it.
    from archsim.report.figures import breakdown  # noqa: PLC0415
    from archsim.report.findings.files import finding_figures, finding_tables  # noqa: PLC0415
    from archsim.report.findings.origin import Origin  # noqa: PLC0415
    from archsim.report.frame import png  # noqa: PLC0415
    from archsim.report.timeline import timeline  # noqa: PLC0415

    provenance = result.provenance
    shown = finding_figures(findings, Origin(provenance.config_hash, provenance.command))
    return write_atomically(
        Path(folder),
        {
            "result.json": _json(result.to_dict(), indent=2),
            "operations.csv": operations_csv(result).encode(),
            "breakdown.png": png(breakdown(result), result.name),
            "timeline.png": png(timeline(result), result.name),
            **{f"{name}.png": png(figure) for name, figure in shown.items()},
            **finding_tables(findings),
            "trace.json": _json(chrome_trace(result), indent=None),
        },
    )


def _json(value: object, *, indent: int | None) -> bytes:
    separators = None if indent else (",", ":")
    text = json.dumps(value, indent=indent, separators=separators, allow_nan=False)
    return f"{text}\n".encode()


def operations_csv(result: Result) -> str:
    """Return one row per operation, in order of start; the config hash says whose they are."""
    trace, picojoules = result.trace, result.energy.by_operation()
    rows = [
        {
            "name": record.name,
            "layer": layer(record.name),
            "phase": record.phase,
            "kind": record.kind,
            "units": " ".join(record.units),
            "start_ticks": record.start,
            "finish_ticks": record.finish,
            "start_s": record.start / trace.tick_rate_hz,
            "finish_s": record.finish / trace.tick_rate_hz,
            "duration_s": (record.finish - record.start) / trace.tick_rate_hz,
            "waited_s": record.waited / trace.tick_rate_hz,
            "uncontended_s": record.uncontended / trace.tick_rate_hz,
            "tiles": record.tiles,
            "macs": record.macs,
            "dynamic_energy_j": picojoules.get(record.name, 0.0) / 1e12,
            "config_hash": result.provenance.config_hash,
        }
        for record in sorted(trace.operations, key=lambda record: (record.start, record.finish))
    ]
    text = StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
