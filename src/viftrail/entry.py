"""Where the command begins. Nothing is imported before Ctrl-C has words of its own."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Import the command line, which takes a tenth of a second, and run it."""
    try:
        from viftrail.cli.main import main as run  # noqa: PLC0415 - see above
    except KeyboardInterrupt:
        sys.stderr.write("viftrail: interrupted.\n")
        sys.exit(130)
    run()
