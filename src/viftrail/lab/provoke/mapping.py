"""S12: bridge mappings that lead nowhere, and provider NICs without a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab.design import PHYSNET, PROVIDER_BRIDGE
from viftrail.lab.machine import wait_until
from viftrail.lab.ovsdb import SOUTHBOUND
from viftrail.lab.provoke.north import await_unpatched, provider_host
from viftrail.lab.provoke.registry import DIRECT, NORTH_SOUTH, provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim


def _map(victim: Victim, text: str) -> Undo:
    """Write the gateway's mappings, and wait until it has told Southbound and has no patch port."""
    gateway = provider_host(victim)
    gateway.vsctl("set", "Open_vSwitch", ".", f'external_ids:ovn-bridge-mappings="{text}"')
    with victim.cloud.controller.open(SOUTHBOUND) as southbound:
        where = [["name", "==", str(gateway.design.system_id)]]

        def told() -> bool:
            (row,) = southbound.select("Chassis", where, "other_config")
            return bool(row["other_config"].get("ovn-bridge-mappings") == text)

        wait_until(told, 5.0)
    await_unpatched(victim)
    return gateway.restore_settings


@provocation(
    "prov-mapping-bridge-missing",
    "the chassis at the provider network maps the physical network to a bridge that it does not have",
    NORTH_SOUTH,
    needs_vm=False,
    breaks_direct=DIRECT,
)
def misname_bridge(victim: Victim) -> Undo:
    """As after a bridge was renamed in one place only."""
    return _map(victim, f"{PHYSNET}:br-provider")


@provocation(
    "prov-mapping-syntax",
    "the mappings of the chassis at the provider network have an equals sign for a colon",
    NORTH_SOUTH,
    needs_vm=False,
    breaks_direct=DIRECT,
)
def misspell(victim: Victim) -> Undo:
    """ovn-controller reads nothing from there on."""
    return _map(victim, f"{PHYSNET}={PROVIDER_BRIDGE}")


@provocation(
    "prov-nic-down",
    "the provider NIC of the chassis at the provider network is down",
    NORTH_SOUTH,
    needs_vm=False,
    breaks_direct=DIRECT,
)
def set_down(victim: Victim) -> Undo:
    """It stays in its bridge."""
    gateway = provider_host(victim)
    gateway.ip("link set eth2 down")
    return lambda: gateway.ip("link set eth2 up")
