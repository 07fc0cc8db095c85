"""Running one step where it belongs, by a `Carrier`, with a time-out."""

from __future__ import annotations

import msgspec

from viftrail.facts.ways.carrier import Carrier
from viftrail.facts.ways.dispatch import run_by

TIMEOUT = 60.0
"""Seconds for one step: a service that is started, a guest that is rebooted."""

GLANCE = 15.0
"""Seconds for what only shows something."""

_MOST = 1 << 20
_QUOTED = 2000
"""Characters of what it printed that are kept, from its end."""


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended. ``exit`` is None when it was cut off, or never began."""

    command: str
    where: str
    exit: int | None
    output: str = ""

    @property
    def ok(self) -> bool:
        """It ended, and well."""
        return self.exit == 0


def run(text: str, where: str, carrier: Carrier, timeout: float = TIMEOUT) -> Ran:
    """Run a printed command there with `sh -c`; whatever goes wrong is in the answer."""
    program = ["sh", "-c", text]
    try:
        said = run_by(carrier, program, timeout=timeout, most=_MOST)
    except OSError as error:
        first = carrier.command(program)[0]
        reason = f"{first} cannot be run here ({error.strerror or error})."
        return Ran(command=text, where=where, exit=None, output=reason)
    output = (said.output + said.errors).decode("utf-8", "replace").strip()[-_QUOTED:]
    if said.code is None:
        late = f"It did not end within {timeout:g} s and was cut off; it may have taken effect."
        output = f"{output}\n{late}".strip()
    return Ran(command=text, where=where, exit=said.code, output=output)
