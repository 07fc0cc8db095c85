"""The bundles of tests/recorded: a real lab with each fault provoked for vm1, and a healthy one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from viftrail.facts.bundle import bundle
from viftrail.facts.facts import Facts
from viftrail.facts.stored import StoredSource
from viftrail.faults.catalogue import CATALOGUE
from viftrail.faults.fault import Fault
from viftrail.lab.provoke import all_provocations

FOLDER = Path(__file__).parent / "recorded"
HEALTHY = "healthy"
VICTIM = "vm1"
VMS = ("vm1", "vm2", "vm3")
HOSTS = ("compute1", "compute2", "controller", "network1")

FAULTS: tuple[Fault, ...] = tuple(f for f in CATALOGUE if (FOLDER / f"{f.id}.bundle").exists())
HARMFUL: tuple[Fault, ...] = tuple(f for f in FAULTS if all_provocations()[f.id].breaks)
"""Those that cut a VM off; the others only an audit tells."""

ALONGSIDE: dict[str, tuple[str, ...]] = {"sb-stale-or-single-endpoint": ("raft-member-apart",)}
"""What a provocation brings with it: the one member that the host knows is dead."""

NAMES: tuple[str, ...] = (HEALTHY, *(fault.id for fault in FAULTS))


def path(name: str) -> Path:
    return FOLDER / f"{name}.bundle"


@cache
def recorded(name: str) -> tuple[Facts, str]:
    """Everything in one recording, and when it was taken."""
    facts, manifest = bundle.read(path(name))
    return facts, manifest.time


def facts_of(name: str) -> Facts:
    return recorded(name)[0]


def source_of(name: str) -> StoredSource:
    return StoredSource(*recorded(name))


def port_of(facts: Facts, server: str) -> str:
    """The id of a VM's port: recordings differ, because some faults make the VM anew."""
    return next(port.id for port in facts.owner.ports if port.server == server)
