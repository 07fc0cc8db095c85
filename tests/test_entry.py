"""The beginning of the command."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPATIENT = """
import sys

class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
from viftrail.entry import main
main()
"""


@pytest.mark.parametrize("moment", ["viftrail.cli.main", "click"])
def test_ctrl_c_while_it_is_being_imported_is_no_traceback(moment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPATIENT, moment], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "viftrail: interrupted.\n")
