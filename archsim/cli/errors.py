"""Errors on a command line: one message each, and an exit code."""

from typing import Any, NoReturn

import click

from archsim.errors import ArchsimError, InputError, did_you_mean

SCREEN = 2000
"""Characters of an error message that are shown."""


class ErrorsAsExitCodes(click.Group):
    """A group of commands whose errors become one message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ArchsimError as error:
            _stop(ctx, str(error), 2 if isinstance(error, InputError) else 1)
        except KeyboardInterrupt:
            _stop(ctx, "interrupted", 130)
        except BrokenPipeError:  # whoever read our output has left; click ends quietly
            raise
        except OSError as error:
            _stop(ctx, f"{error.filename or 'a file'}: {error.strerror}", 1)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or name the one spelled most like it."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            hint = did_you_mean(args[0], self.commands)
            raise click.UsageError(f"no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


def _stop(ctx: click.Context, message: str, code: int) -> NoReturn:
    complain(message)
    ctx.exit(code)


def complain(message: str) -> None:
    """Print an error, as far as a screen can show it."""
    short = message if len(message) <= SCREEN else f"{message[:SCREEN]} ..."
    click.echo(f"error: {short}", err=True)
