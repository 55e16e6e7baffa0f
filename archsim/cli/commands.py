"""Commands that simulate, compare and look things up.

Libraries are imported by the command that needs them, so that every start is quick.
"""

# ruff: noqa: PLC0415  (see above)

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, NoReturn

import click

from archsim import __version__
from archsim.cli.errors import ErrorsAsExitCodes, complain
from archsim.cli.options import json_option, out_folder, workers_option
from archsim.cli.rtl import rtl
from archsim.errors import ArchsimError, InputError
from archsim.processes import collect_rarely

if TYPE_CHECKING:
    from archsim.comparison.comparison_report import ComparisonReport
    from archsim.ir.findings import Finding

WIDEST = 100
"""Columns of a wide terminal that tables use; of a narrower one, all."""


def entry() -> NoReturn:
    """Run the command line, and leave at once.

    What a large run has made is not freed object by object: that takes half a second.
    """
    code: object = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    with suppress(BrokenPipeError):  # whoever read our output has left
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


@click.group(cls=ErrorsAsExitCodes, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="archsim")
def main() -> None:
    """Simulate machines that run compressed and tensorised models."""
    collect_rarely()


@main.command()
@click.argument("experiment", metavar="EXPERIMENT.yaml")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Replace a value, e.g. a.b=8."
)
@click.option(
    "--engine",
    metavar="[fast|event]",
    help="fast, the default, skips what repeats; event lives every tile. Results are equal.",
)
@json_option
@out_folder("A folder for result.json, tables, figures and a trace.")
def run(
    experiment: str, overrides: tuple[str, ...], engine: str | None, as_json: bool, out: Path | None
) -> None:
    """Simulate one experiment: how long, how much energy, and where it goes."""
    from archsim import config, report
    from archsim import experiment as experiments

    chosen = dict(config.parse_override(text) for text in overrides)
    if out:
        report.check_writable(out)
    with _progress() as progress:
        result = experiments.run(
            experiment,
            overrides=chosen,
            engine=engine,
            progress=progress,
            workers=os.cpu_count() or 1,
        )
    found = experiments.findings(experiment, overrides=chosen) if out else ()
    written = report.write(result, out, found) if out else []
    if as_json:
        click.echo(json.dumps(result.to_dict(), allow_nan=False))
        return
    click.echo(report.summary(result))
    for finding in found:
        click.echo(_told_finding(finding))
    if not out and (words := experiments.findings_in_words(experiment, overrides=chosen)):
        click.echo(f"--out DIR also draws {words}")
    for file in written:
        click.echo(f"wrote {file}")
    if written:
        click.echo("open trace.json at https://ui.perfetto.dev or in chrome://tracing")


def _told_finding(finding: "Finding") -> str:
    """Name what was drawn of what an algorithm shows by itself."""
    return f"shown in findings_{finding.name}.png: {finding.title}"


@contextmanager
def _progress(doing: str = "simulating") -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error while a run lasts, where somebody looks at it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@main.command()
@click.argument("comparisons", metavar="COMPARISON.yaml...", nargs=-1, required=True)
@workers_option
@json_option
@out_folder(
    "A folder for the report: HTML, Markdown, CSV and figures; of several comparisons, each "
    "has a folder in there. One that was stopped goes on where it was."
)
def compare(
    comparisons: tuple[str, ...], workers: int | None, as_json: bool, out: Path | None
) -> None:
    """Run experiments side by side: who is better by how much, and why."""
    from archsim import report
    from archsim.comparison import runs

    if out:
        report.check_writable(out)
    with _progress("comparing") as progress:
        made = runs.compare_all(comparisons, out=out, workers=workers, progress=progress)
    if as_json:
        told = [one.to_dict() for one in made]
        click.echo(json.dumps(told[0] if len(made) == 1 else told, allow_nan=False))
    else:
        folders = runs.report_folders(comparisons, out) if out else [None for _ in made]
        click.echo("\n\n".join(map(_told_comparison, made, folders)))
    if any(one.comparison.failures for one in made):
        sys.exit(1)


def _told_comparison(made: "ComparisonReport", folder: Path | None) -> str:
    """Say what a comparison found, and where more of it is."""
    from archsim.report.comparison.text import comparison_text

    columns = min(WIDEST, get_terminal_size((WIDEST, 24)).columns)
    lines = [comparison_text(made.comparison, columns)]
    if folder:
        lines += map(_told_finding, made.findings)
        lines.append(f"wrote {folder / 'comparison.html'} and what it is made of")
    elif made.shown:
        names = ", ".join(dict.fromkeys(shown.experiment.stem for shown in made.shown))
        lines.append(f"--out DIR also shows the findings of {names}")
    return "\n".join(lines)


@main.command()
@click.argument("sweep", metavar="SWEEP.yaml")
@workers_option
@click.option(
    "--executor",
    metavar="[local|ray]",
    default="local",
    help="Where points are run: on this machine, the default, or on a Ray cluster.",
)
@json_option
@out_folder(
    "A folder for the table, the report and the figures. Results are kept there as they "
    "come: a sweep that was stopped goes on where it was."
)
@click.option("--plot-only", is_flag=True, help="Run nothing: draw again what is in the folder.")
def sweep(
    sweep: str, workers: int | None, executor: str, as_json: bool, out: Path | None, plot_only: bool
) -> None:
    """Run many designs: which are best, and what matters."""
    from archsim import report
    from archsim.report.sweep import sweep_json, sweep_text, write_sweep
    from archsim.report.sweep.progress import sweep_progress
    from archsim.sweep.run import folder_for, made_before, run_sweep

    if plot_only and not out:
        raise InputError("--plot-only draws what is in a folder: name it with --out")
    if out:
        report.check_writable(out)
    with folder_for(out) as folder:
        if plot_only:
            made = made_before(sweep, folder)
        else:
            with sweep_progress() as told:
                made = run_sweep(
                    sweep, folder, workers=workers, executor=executor, told=told, say=_note
                )
        if out:
            write_sweep(made.sweep, out)
        if as_json:
            click.echo(json.dumps(sweep_json(made.sweep), allow_nan=False))
        else:
            columns = min(WIDEST, get_terminal_size((WIDEST, 24)).columns)
            click.echo(sweep_text(made.sweep, columns))
            if out:
                click.echo(f"wrote {out / 'sweep.html'} and what it is made of")
    if made.left_out:
        sys.exit(1)


def _note(words: str) -> None:
    click.echo(f"note: {words}", err=True)


@main.command()
@click.argument("network", metavar="EQUATION|FILE.yaml")
@click.option(
    "--size", "sizes", multiple=True, metavar="INDEX=SIZE", help="The extent of an index, e.g. i=8."
)
@click.option(
    "--objective",
    type=click.Choice(["macs", "peak", "traffic"]),
    help="What the best tree has least of: multiply-accumulates (the default), elements of the "
    "largest intermediate, or elements read and written.",
)
@click.option("--outer-products", is_flag=True, help="Allow steps whose tensors share no index.")
@click.option("--hyperedges", is_flag=True, help="Allow an index in three or more tensors.")
@json_option
@out_folder("A folder for tree.png and tree.json.")
def contract(
    network: str,
    sizes: tuple[str, ...],
    objective: str | None,
    outer_products: bool,
    hyperedges: bool,
    as_json: bool,
    out: Path | None,
) -> None:
    """Find the best order to contract a tensor network, and compare others to it.

    EQUATION names the indices of every tensor and of the result: "i j, j k, k l -> i l".
    A FILE has it under `equation`, and sizes under `sizes`; options take precedence.
    """
    from archsim import config, report
    from archsim.contraction.study import ContractionStudy, is_equation, read_sizes
    from archsim.report import contraction
    from archsim.report.contraction_files import write_contraction

    options = {
        "objective": objective,
        "outer_products": outer_products or None,
        "hyperedges": hyperedges or None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    extents = read_sizes(sizes)
    if is_equation(network):
        root = config.Section.of({"equation": network, "sizes": extents, **given})
    else:
        replaced = {
            f'sizes."{index}"' if "." in index else f"sizes.{index}": size
            for index, size in extents.items()
        }
        root = config.load(network, {**replaced, **given}).root
    study = config.build(ContractionStudy, root)
    if out:
        report.check_writable(out)
    comparison = study.compare()
    written = write_contraction(study, comparison, out) if out else []
    if as_json:
        click.echo(json.dumps(contraction.contraction_json(study, comparison), allow_nan=False))
        return
    click.echo(contraction.contraction_text(study, comparison))
    for file in written:
        click.echo(f"wrote {file}")


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def check(files: tuple[str, ...]) -> None:
    """Check configuration files of any kind, without running them."""
    from archsim.comparison import check as check_file

    wrong = 0
    for file in files:
        try:
            click.echo(check_file(file))
        except ArchsimError as error:
            complain(str(error))
            wrong += 1
    if wrong:
        sys.exit(2)


@main.command("list")
@click.argument("sort", required=False, type=click.Choice(["workloads", "components", "configs"]))
def list_names(sort: str | None) -> None:
    """List workloads, components and configurations."""
    from archsim.config.catalogue import SORTS, listing

    for each in [sort] if sort else SORTS:
        names = listing(each)
        width = max(map(len, names), default=0)
        click.echo(f"{each}:")
        for name, words in names.items():
            click.echo(f"  {name:<{width}}  {words}")


@main.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="A JSON Schema, or a file's values.")
def describe(name: str, as_json: bool) -> None:
    """Explain a workload, component, number format or configuration, or what a comparison is."""
    from archsim import comparison

    if as_json:
        click.echo(json.dumps(comparison.describe_json(name), indent=2))
    else:
        click.echo(comparison.describe(name))


main.add_command(rtl)
