"""Records the bundles beside this file: each fault of the catalogue, for real.

    .venv/bin/python tests/recorded/record.py [FAULT…]

Needs root and the OVN packages. Run it after the probe, the rows or the lab
have changed; the tests that read the bundles need neither.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from viftrail.faults.catalogue import CATALOGUE
from viftrail.incidents import INCIDENTS
from viftrail.lab.provoke import all_provocations
from viftrail.lab.shape import Shape

HERE = Path(__file__).parent
LAB = "record"
SHAPES = {"shapes/dual-stack": Shape(ipv6=True), "shapes/vlan": Shape(vlan=True)}
"""Healthy labs that are not the plain one."""


def viftrail(*arguments: str) -> None:
    """Run the command line; a failure ends the recording."""
    subprocess.run([sys.executable, "-m", "viftrail", *arguments], check=True)


def main(wanted: list[str]) -> None:
    """Record the healthy lab and every wanted fault, each in a fresh lab."""
    for name in wanted or ["healthy", *SHAPES, *(fault.id for fault in CATALOGUE)]:
        known = all_provocations()
        shape = known[name].needs.options if name in known else SHAPES.get(name, Shape()).options
        viftrail("lab", "up", "--name", LAB, *shape)
        try:
            if name in known:
                viftrail("lab", "break", name, "--name", LAB)
            viftrail("collect", "--lab", LAB, "--since", "0", "-o", str(HERE / f"{name}.bundle"))
        finally:
            viftrail("lab", "down", "--name", LAB)
    for incident in INCIDENTS:
        shutil.copyfile(HERE / f"{incident.fault}.bundle", incident.bundle)


if __name__ == "__main__":
    main(sys.argv[1:])
