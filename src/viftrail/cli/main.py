"""The `viftrail` command: its sub-commands, and how errors reach the operator."""

from __future__ import annotations

import errno
import importlib
import io
import os
import signal
import sys
from typing import NoReturn

import click

from viftrail import __version__
from viftrail.errors import AmbiguousTarget, CannotWrite, UsageError, ViftrailError

# Sub-command → where it lives, and its line in --help. They are imported only
# when used: --help has to be instant.
_COMMANDS = {
    "why": ("viftrail.cli.why:why", "Name the first broken link of a VM's network, and prove it."),
    "fix": ("viftrail.cli.fix:fix", "Show how to mend it, and with --apply mend it and prove it."),
    "audit": ("viftrail.cli.audit:audit", "Look for every known fault in the whole cloud."),
    "collect": ("viftrail.cli.collect:collect", "Write all evidence to one bundle file."),
    "diff": ("viftrail.cli.diff:diff", "Tell what changed between two bundles."),
    "doctor": (
        "viftrail.cli.doctor:doctor",
        "Say what is found here, what can be reached, and how to grant the rest.",
    ),
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


class _Ended(BaseException):
    """Somebody asked this process to end, and it shall clean up first."""


def main() -> NoReturn:
    """Run the command line; every error is one or two lines, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A name that this terminal's encoding lacks is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)
    code: object
    try:
        code = cli.main(standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _complain("interrupted.")
        code = 128 + signal.SIGINT
    except _Ended as error:
        _complain("ended by a signal.")
        code = 128 + int(error.args[0])
    except Exception as error:  # noqa: BLE001 - a bug is reported too, not printed
        code = _explain(error)
    sys.exit(code if isinstance(code, int) else 0)


def _end(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise _Ended(number)


def _explain(error: Exception) -> int:
    """Say what went wrong; the exit code for it.

    Raises:
        Exception: the very error, if it is a bug and the operator wants to see it.
    """
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.ClickException):
        _complain(error.format_message())
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"Try '{error.ctx.command_path} --help'.", err=True)
        return UsageError.exit_code
    if isinstance(error, ViftrailError):
        _complain(str(error))
        if isinstance(error, AmbiguousTarget):
            for candidate in error.candidates:
                _complain(candidate, "  ")
        return error.exit_code
    if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOSPC, errno.EIO):
        return _stdout_failed(error)
    if os.environ.get("VIFTRAIL_DEBUG"):
        raise error
    _complain(
        f"this is a bug in viftrail ({type(error).__name__}: {error}). "
        "Run again with VIFTRAIL_DEBUG=1 and report what it prints."
    )
    return ViftrailError.exit_code


def _stdout_failed(error: OSError) -> int:
    """Nothing more can be printed: the reader went away (| head), or the disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if error.errno == errno.EPIPE:
        return 0
    _complain(f"the result could not be printed ({error.strerror}). Make room on that disk.")
    return CannotWrite.exit_code


def _complain(text: str, head: str = "viftrail: ") -> None:
    from viftrail.cli.output import harmless

    click.echo(head + harmless(text), err=True)


if __name__ == "__main__":
    main()
