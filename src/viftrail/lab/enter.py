"""``lab exec``: becomes a command inside a node or VM."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from viftrail.errors import LabError, UsageError
from viftrail.lab import serial
from viftrail.lab.kernel import Namespaces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viftrail.lab.status import MachineRef


def become(machine: MachineRef, argv: Sequence[str]) -> NoReturn:
    """Replaces this process, which must have one thread, by a command in the machine.

    Raises:
        UsageError: there is no such command.
        LabError: the machine went away meanwhile.
    """
    if machine.serial:
        line = serial.command(machine.serial, argv)
        os.execvp(line[0], line)
    folder = Path.cwd()
    path = os.environ.get("PATH", "")
    programs = machine.environment["PATH"].partition(":")[0]
    environment = {**os.environ, **machine.environment}
    # The caller's own PATH stays: it is their shell's command that runs here.
    environment["PATH"] = f"{programs}:{path}" if path else machine.environment["PATH"]
    try:
        net, mnt, uts = (
            os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            for path in (machine.net, machine.mnt, machine.uts)
        )
        Namespaces(net, mnt, uts).enter()
    except OSError as error:
        raise LabError(f"Cannot get into {machine.name}: {error}.") from error
    try:
        os.chdir(folder)
    except OSError:
        os.chdir("/")
    try:
        os.execvpe(argv[0], list(argv), environment)
    except FileNotFoundError:
        raise UsageError(f"There is no command {argv[0]!r}.") from None
    except OSError as error:
        raise UsageError(f"{argv[0]} cannot be run: {error.strerror}.") from error
