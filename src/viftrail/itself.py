"""How a part of viftrail is started as a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[1])
_START = (
    "import sys; del sys.path[0]; sys.path.append(sys.argv[1]); module = sys.argv[2]; "
    "del sys.argv[1:3]; import runpy; "
    "runpy.run_module(module, run_name='__main__', alter_sys=True)"
)


def part(module: str) -> list[str]:
    """The command that runs one of viftrail's modules, with this interpreter and this viftrail.

    Not `python -m`, which imports what lies in the current folder before anything else: root may
    call from /tmp, where anybody can leave a json.py.
    """
    return [sys.executable, "-c", _START, _ROOT, module]
