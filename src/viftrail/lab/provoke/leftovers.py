"""S4, S6 and S13: rows that outlived what they stood for, and addresses given twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from viftrail.lab.ovsdb import SOUTHBOUND, Transaction, members, strings
from viftrail.lab.provoke.registry import provocation

if TYPE_CHECKING:
    from viftrail.lab.provoke.registry import Undo, Victim

#: The system-id that the VM's host had before it was installed anew.
_OLD_ID: Final = "a-host-of-yesterday"
#: The tunnel address it had then; no node has it now.
_OLD_IP: Final = "198.51.100.198"
#: The port of a VM that was deleted while Northbound was away.
_OLD_PORT: Final = "0a1d0a1d-0000-4000-8000-000000000001"
_OLD_MAC: Final = "fa:16:3e:0a:1d:01"
_OLD_ADDRESS: Final = "10.0.0.200"
#: A floating IP that was given back.
_OLD_FLOATING_IP: Final = "203.0.113.222"
#: Quoted for ovn-nbctl, as the key holds a colon.
_REVISION: Final = 'external_ids:"neutron:revision_number"'


def _nbctl(victim: Victim, *arguments: str, check: bool = True) -> None:
    victim.cloud.controller.run("ovn-nbctl", "--wait=sb", *arguments, check=check)


def _sbctl(victim: Victim, *arguments: str) -> None:
    victim.cloud.controller.run("ovn-sbctl", *arguments)


@provocation(
    "nb-orphan-lsp",
    "the network has a port that was deleted in Neutron and not in Northbound",
    (),
    needs_vm=False,
)
def leave_port(victim: Victim) -> Undo:
    """As after a delete that did not reach Northbound."""
    network, controller = victim.cloud.design.network, victim.cloud.controller
    options = ("ovn-nbctl", "--bare", "--columns=_uuid", "find", "DHCP_Options")
    dhcp = controller.run(*options, f"cidr={network.cidr}").strip()
    _nbctl(
        *(victim, "lsp-add", network.logical_switch, _OLD_PORT, "--"),
        *("lsp-set-addresses", _OLD_PORT, f"{_OLD_MAC} {_OLD_ADDRESS}", "--"),
        *("lsp-set-dhcpv4-options", _OLD_PORT, dhcp),
    )
    return lambda: _nbctl(victim, "--if-exists", "lsp-del", _OLD_PORT)


@provocation(
    "nb-orphan-nat",
    "the router translates a floating IP that was given back",
    (),
    needs_vm=False,
)
def leave_floating_ip(victim: Victim) -> Undo:
    """Its VM is gone as well, so the address leads nowhere."""
    nat = (victim.cloud.design.router.logical_router, "dnat_and_snat", _OLD_FLOATING_IP)
    _nbctl(victim, "lr-nat-add", *nat, _OLD_ADDRESS)
    return lambda: _nbctl(victim, "--if-exists", "lr-nat-del", *nat)


@provocation(
    "chassis-private-ghost",
    "Southbound has a Chassis_Private of a host that was removed",
    (),
    needs_vm=False,
)
def leave_private(victim: Victim) -> Undo:
    """As ``ovn-sbctl chassis-del`` of a host that is gone leaves it."""
    _sbctl(victim, "create", "Chassis_Private", f"name={_OLD_ID}")
    return lambda: _sbctl(victim, "--if-exists", "destroy", "Chassis_Private", _OLD_ID)


@provocation(
    "chassis-stale-same-hostname",
    "the VM's host is still registered as it was before it was installed anew",
    (),
    freezes=True,
)
def leave_chassis(victim: Victim) -> Undo:
    """Another system-id and another address; the living row is untouched."""
    transaction = Transaction()
    encap = transaction.insert(
        "Encap",
        type="geneve",
        ip=_OLD_IP,
        chassis_name=_OLD_ID,
        options=strings({"csum": "true"}),
    )
    chassis = transaction.insert(
        "Chassis", name=_OLD_ID, hostname=victim.host.name, encaps=members([encap])
    )
    transaction.insert("Chassis_Private", name=_OLD_ID, chassis=members([chassis]))
    with victim.cloud.controller.open(SOUTHBOUND) as southbound:
        southbound.commit(transaction)

    def undo() -> None:
        _sbctl(victim, "--if-exists", "chassis-del", _OLD_ID)
        _sbctl(victim, "--if-exists", "destroy", "Chassis_Private", _OLD_ID)

    return undo


@provocation(
    "nb-revision-mismatch",
    "Northbound's row of the VM's port is of an earlier revision than Neutron's",
    (),
    freezes=True,
)
def miss_update(victim: Victim) -> Undo:
    """As after a write to Northbound that failed; what that write changed is of no matter here."""
    _nbctl(victim, "set", "Logical_Switch_Port", victim.vm.port_id, _REVISION + "=1")
    return victim.repair_port
