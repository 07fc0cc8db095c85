"""The `viftrail` command: its sub-commands, and how errors reach the operator."""

from __future__ import annotations

import importlib
import os
import sys
from typing import NoReturn

import click

from viftrail import __version__
from viftrail.errors import AmbiguousTarget, UsageError, ViftrailError

# Sub-command → where it lives, and its line in --help. They are imported only
# when used: --help has to be instant.
_COMMANDS = {
    "why": ("viftrail.cli.why:why", "Name the first broken link of a VM's network, and prove it."),
    "audit": ("viftrail.cli.audit:audit", "Look for every known fault in the whole cloud."),
    "collect": ("viftrail.cli.collect:collect", "Write all evidence to one bundle file."),
    "faults": ("viftrail.cli.faults:faults", "Print the catalogue of faults, or one entry."),
    "lab": ("viftrail.cli.lab:lab", "A real OVN cloud on this machine, to break and mend."),
    "try": ("viftrail.cli.tour:tour", "Watch two real incidents being found and mended."),
}


class _Lazy(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(  # the signature is click's
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="viftrail")
def cli() -> None:
    """Why can't this VM talk?

    viftrail walks the chain a port lives through in an OVN cloud, names the
    first broken link, proves it, rules the other guesses out, and gives the
    least destructive mend. It only reads, unless told otherwise.

    Exit status: 0 healthy, 1 broken, 2 could not tell, 64 and above an error
    (docs/errors.md).
    """


def main() -> NoReturn:
    """Run the command line; every error is one or two lines, never a traceback."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.UsageError as error:
        _complain(error.format_message())
        if error.ctx is not None:
            click.echo(f"Try '{error.ctx.command_path} --help'.", err=True)
        code = UsageError.exit_code
    except click.ClickException as error:
        _complain(error.format_message())
        code = UsageError.exit_code
    except ViftrailError as error:
        _complain(str(error))
        if isinstance(error, AmbiguousTarget):
            for candidate in error.candidates:
                click.echo(f"  {candidate}", err=True)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted.")
        code = 130
    except BrokenPipeError:
        # The reader went away (| head). Nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        if os.environ.get("VIFTRAIL_DEBUG"):
            raise
        _complain(
            f"this is a bug in viftrail ({type(error).__name__}: {error}). "
            "Run again with VIFTRAIL_DEBUG=1 and report what it prints."
        )
        code = ViftrailError.exit_code
    sys.exit(code if isinstance(code, int) else 0)


def _complain(text: str) -> None:
    click.echo(f"viftrail: {text}", err=True)


if __name__ == "__main__":
    main()
