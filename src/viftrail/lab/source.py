"""A lab as a source of facts: it is a live cloud whose owner can be asked.

The lab diagnoses nothing. It lends its unix sockets, ways into its nodes, what
its Nova and Neutron want, and each guest's own view of its NIC, as a console or
a guest agent would give it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from viftrail.facts.facts import Gap
from viftrail.facts.host import Guest, Host
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.live import LiveSource
from viftrail.facts.ovsdb.client import Client
from viftrail.facts.ovsdb.remote import parse_remotes
from viftrail.facts.owner import OwnedFloatingIp, OwnedPort, Owner
from viftrail.facts.ways.carrier import Carrier, visit
from viftrail.lab import kernel
from viftrail.lab.client import Lab, way_into
from viftrail.lab.design import NB_PORT
from viftrail.lab.status import MachineRef, NodeStatus, Status

if TYPE_CHECKING:
    from viftrail.facts.openstack_api import OpenStackApi

CONTROLLER = "controller"
"""The role of a node with databases; and the name of the first."""
_SLOW = 20.0
"""Seconds: two cores carry a whole OpenStack and its guests."""


@dataclass(frozen=True)
class Node:
    """A carrier into a lab node."""

    machine: MachineRef

    def command(self, program: Sequence[str]) -> list[str]:
        """Enter the node's namespaces with its environment."""
        machine = self.machine
        environment = [f"{key}={value}" for key, value in machine.environment.items()]
        interpreter = sys.executable if program[0] == "python3" else program[0]
        inside = ["env", "-i", *environment, interpreter, *program[1:]]
        return way_into(machine, list(program) if machine.serial else inside)


def open_lab(name: str, *, timeout: float) -> LiveSource:
    """The lab of this name as a source.

    Raises:
        LabError: no such lab is up.
    """
    lab = Lab.find(name)
    status = lab.status()
    machines = {machine.name: machine for machine in lab.machines()}
    central = [node for node in status.nodes if node.role == CONTROLLER]

    def connect(database: str) -> Client:
        socket = "ovnnb_db.sock" if database == NORTHBOUND else "ovnsb_db.sock"
        members = ",".join(f"unix:{node.run_dir}/{socket}" for node in central)
        remotes = parse_remotes(members, NB_PORT)
        return Client.connect(remotes, database=database, timeout=timeout, settle=True)

    def carriers(host: str) -> Carrier | Gap:
        if status.clouds and " " in host:  # a place that was named by what runs there
            host = CONTROLLER
        host = host.partition(".")[0]  # a host answers to its full name as well
        if host not in machines:
            return Gap(f"host {host}", f"The lab has no node {host}.", "`viftrail lab status`.")
        return Node(machines[host])

    def visitor(host: str, carrier: Carrier, window: float) -> Host:
        seen = visit(host, carrier, window)
        return msgspec.structs.replace(seen, guests=_guests(lab.status(), host))

    return LiveSource(
        connect,
        carriers,
        owner=None if status.clouds else owner(status),
        central=tuple(node.name for node in central),
        others=_chassis_hosts(status.nodes),
        visitor=visit if status.clouds else visitor,
        api=_api(status, machines[CONTROLLER], timeout) if status.clouds else None,
        lab=name,
    )


def _api(status: Status, controller: MachineRef, timeout: float) -> OpenStackApi:
    """Its OpenStack, which is to be reached from within the lab only."""
    # A third of a second that only such a lab has to spend.
    from viftrail.facts.openstack_api import OpenStackApi  # noqa: PLC0415

    def enter() -> None:
        net = os.open(controller.net, os.O_RDONLY | os.O_CLOEXEC)
        try:
            kernel.setns(net, kernel.CLONE_NEWNET)  # of this thread alone
        finally:
            os.close(net)

    return OpenStackApi.configured(
        timeout=max(timeout, _SLOW),
        enter=enter,
        environment={"OS_CLIENT_CONFIG_FILE": status.clouds, "OS_CLOUD": "lab"},
    )


def _chassis_hosts(nodes: Iterable[NodeStatus]) -> tuple[str, ...]:
    return tuple(node.name for node in nodes if node.chassis)


def owner(status: Status) -> Owner:
    """What the lab's Nova and Neutron want."""
    networks = {network.name: network for network in status.networks}
    return Owner(
        kind="lab",
        name=status.name,
        ports=tuple(
            OwnedPort(
                id=vm.port_id,
                mac=vm.mac,
                addresses=tuple(filter(None, (vm.ip, vm.ip6))),
                cidrs=tuple(filter(None, (vm.cidr, vm.cidr6))),
                switch=networks[vm.network].logical_switch if vm.network in networks else "",
                network=vm.network,
                server_id=vm.id,
                server=vm.name,
                host=vm.host,
                port_groups=vm.security_groups,
                dhcp=networks[vm.network].dhcp if vm.network in networks else None,
                hybrid=vm.hybrid,
                revision=vm.revision,
                address_mode=networks[vm.network].mode6 if vm.network in networks else "",
                vlan=networks[vm.network].vlan if vm.network in networks else None,
            )
            for vm in status.vms
        ),
        floating_ips=tuple(
            OwnedFloatingIp(
                ip=fip.ip,
                id=fip.id,
                port_id=fip.port_id,
                fixed_ip=fip.fixed_ip,
                router=next((network.logical_router for network in status.networks), ""),
            )
            for fip in status.floating_ips
        ),
    )


def _guests(status: Status, host: str) -> tuple[Guest, ...]:
    return tuple(
        Guest(
            port_id=vm.port_id,
            mac=vm.mac_in_guest or "",
            addresses=tuple(filter(None, (vm.lease, vm.address6))),
            mtu=vm.mtu_in_guest,
        )
        for vm in status.vms
        if vm.host == host
    )
