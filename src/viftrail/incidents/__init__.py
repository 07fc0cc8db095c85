"""The two incidents that this product began with, and recordings of them.

Each bundle was recorded in the lab with the incident's fault provoked for real.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path


@dataclass(frozen=True)
class Incident:
    """What an operator saw, and the fault that the lab provokes to show it."""

    id: str
    fault: str
    story: str

    @property
    def bundle(self) -> Path:
        """The recording; the package is always installed as plain files."""
        return Path(str(resources.files("viftrail.incidents").joinpath(f"{self.id}.bundle")))


VICTIM = "vm1"

INCIDENTS = (
    Incident(
        "001",
        "northd-paused",
        "A new VM has no IPv4 address. Its port is in Neutron and in Northbound; Southbound "
        "has no Port_Binding. The operator deleted the VM and built it again, in vain.",
    ),
    Incident(
        "000",
        "vif-not-in-br-int",
        "A VM cannot reach its gateway, its floating IP is dead, and captures show nothing "
        "between its tap and br-int. The operator made the whole network anew.",
    ),
)
