"""S6: faults of bindings and chassis in OVN_Southbound."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.controller import controller_state
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.southbound import Chassis
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import claimed, on_host, owned_row
from viftrail.verdict import Certainty, Evidence, Risk, Stage


def _requested_elsewhere(cloud: Cloud) -> Iterator[Case]:
    for port_id, plugs in cloud.plugs.items():
        port = cloud.ports.get(port_id)
        if port is None:
            continue
        wanted, host = port.requested_chassis, cloud.host_of(port)
        plugged_here = any(plug.host == host for plug in plugs)
        plugged_there = any(plug.host == wanted for plug in plugs)
        if not wanted or not plugged_here or plugged_there:
            continue
        chassis = cloud.chassis_named(host)
        if wanted in (host, *(chassis.names if chassis else ())):
            continue
        binding = cloud.binding(port.id)
        holder = cloud.chassis_of(binding)
        yield Case(
            subject=subject.port(port.id),
            summary=f"{port.label} runs on {host}, but Northbound promises its port to {wanted}, "
            f"so {host} must not claim it",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what="Logical_Switch_Port.options:requested-chassis",
                    seen=wanted,
                    expected=host,
                    command=f"ovn-nbctl get Logical_Switch_Port {q(port.id)} options",
                ),
                Evidence(
                    where=host,
                    what=f"Interface external_ids:iface-id={port.id}",
                    seen=f"{plugs[0].interface.name} in {plugs[0].bridge}",
                    expected=f"on {wanted}, if that is where the VM runs",
                    command="ovs-vsctl --columns=name find Interface "
                    f"external_ids:iface-id={db(port.id)}",
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what="Port_Binding.chassis",
                    seen=holder.hostname if holder else "nobody",
                    expected=host,
                    command="ovn-sbctl --columns=chassis,requested_chassis find Port_Binding "
                    f"logical_port={db(port.id)}",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl set Logical_Switch_Port {q(port.id)} "
                f"options:requested-chassis={db(host)}",
                undo=f"ovn-nbctl set Logical_Switch_Port {q(port.id)} "
                f"options:requested-chassis={db(wanted)}",
                openstack=f"openstack port set --host {q(host)} {q(port.id)}",
                openstack_undo=f"openstack port set --host {q(wanted)} {q(port.id)}",
                verify=claimed(port.id),
            ),
        )


def _held(cloud: Cloud) -> Iterator[tuple[Port, Chassis]]:
    """Ports that another chassis holds than the first that may; they are plugged nowhere known."""
    table = cloud.sb[Chassis]
    for wanted, ports in cloud.ports_wanted_on.items():
        right = {row.uuid for column in ("hostname", "name") for row in table.find(column, wanted)}
        for port in ports if wanted else ():
            binding = cloud.binding(port.id)
            if binding is None or not binding.chassis or binding.chassis in right:
                continue
            holder = cloud.chassis_of(binding)
            if holder and not cloud.plugs.get(port.id):
                yield port, holder


def _claimed_elsewhere(cloud: Cloud) -> Iterator[Case]:
    for port, holder in _held(cloud):
        wanted = port.row.options.get("requested-chassis", "").split(",") if port.row else [""]
        if holder.hostname in wanted or holder.name in wanted:
            continue
        yield Case(
            subject=subject.port(port.id),
            summary=f"{holder.hostname} has claimed the port of {port.label}, which Northbound "
            f"promises to {wanted[0]}",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what="Logical_Switch_Port.options:requested-chassis",
                    seen=",".join(wanted),
                    expected=holder.hostname,
                    command=f"ovn-nbctl get Logical_Switch_Port {q(port.id)} options",
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what="Port_Binding.chassis",
                    seen=holder.hostname,
                    expected=wanted[0],
                    command=f"ovn-sbctl --columns=chassis find Port_Binding logical_port={db(port.id)}",
                ),
            ),
            steps=(),
            certainty=Certainty.LIKELY,
            note="Find out where the VM runs. If it is on the host that holds the port: "
            f"openstack port set --host {holder.hostname} {port.id}.",
        )


def _unplugged_elsewhere(cloud: Cloud) -> Iterator[Case]:
    """The VM's own host, by its owner's word, is not the promised one; and it is plugged nowhere.

    The missing plug is a second fault, and would hide this one.
    """
    for port in cloud.ports.values():
        wanted, host = port.requested_chassis, port.owned.host if port.owned else ""
        both = (host, wanted)
        if not all(both) or cloud.plugs.get(port.id) or any(n not in cloud.hosts for n in both):
            continue
        binding = cloud.binding(port.id)
        if wanted in (host, cloud.hosts[host].chassis_name) or (binding and binding.chassis):
            continue
        yield Case(
            subject=subject.port(port.id),
            summary=f"{port.label} runs on {host}, but Northbound promises its port to {wanted}",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what="Logical_Switch_Port.options:requested-chassis",
                    seen=wanted,
                    expected=host,
                    command=f"ovn-nbctl get Logical_Switch_Port {q(port.id)} options",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl set Logical_Switch_Port {q(port.id)} "
                f"options:requested-chassis={db(host)}",
                undo=f"ovn-nbctl set Logical_Switch_Port {q(port.id)} "
                f"options:requested-chassis={db(wanted)}",
                openstack=f"openstack port set --host {q(host)} {q(port.id)}",
                openstack_undo=f"openstack port set --host {q(wanted)} {q(port.id)}",
                verify=claimed(port.id),
            ),
            certainty=Certainty.LIKELY,
        )


def _mismatched(cloud: Cloud) -> Iterator[Case]:
    yield from _requested_elsewhere(cloud)
    yield from _unplugged_elsewhere(cloud)
    yield from _claimed_elsewhere(cloud)


def _gracefully_gone(cloud: Cloud) -> Iterator[Case]:
    table = cloud.sb[Chassis]
    for name, host in cloud.hosts.items():
        system_id = host.chassis_name
        # Open vSwitch alone has a system-id too; ovn-remote makes a chassis of the host.
        if not system_id or not host.settings.get("ovn-remote"):
            continue
        if controller_state(host) not in ("not running", "dead"):
            continue
        if not table.absent("name", system_id) or table.find("hostname", name):
            continue
        yield Case(
            subject=subject.host(name),
            summary=f"ovn-controller on {name} was stopped and took the host's Chassis row and "
            "tunnels with it",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Chassis name={system_id}",
                    seen="no such row",
                    expected=f"one row, hostname {name}",
                    command=f"ovn-sbctl find Chassis name={db(system_id)}",
                ),
                Evidence(
                    where=name,
                    what="ovn-controller",
                    seen=controller_state(host),
                    expected="running",
                    command="systemctl status ovn-controller",
                ),
            ),
            steps=on_host(
                name,
                "systemctl start ovn-controller",
                undo="systemctl stop ovn-controller",
                verify="ovn-appctl -t ovn-controller connection-status",
            ),
        )


FAULTS = (
    Fault(
        id="pb-requested-chassis-mismatch",
        stage=Stage.SOUTHBOUND,
        title="The port is promised to another chassis than the VM's",
        what="`options:requested-chassis` of the port names a host on which the VM does not run, "
        "mostly after a failed or aborted live migration or an evacuation. Only the named chassis "
        "may claim the port, and it has no such tap.",
        shows="The VM has no network. Its tap is plugged, Port_Binding.chassis is empty, and "
        "ovn-controller logs `Not claiming lport …, chassis … requested-chassis …` once.",
        decisive="The Interface with the port's iface-id is on one host and requested-chassis "
        "names another; or, where no host was looked at, another chassis has claimed it.",
        remedy="Correct the host in Neutron's binding, not in Northbound, which Neutron would "
        "overwrite. The port is claimed in under a second.",
        risk=Risk.SAFE,
        references=(
            "ovn-nb(5), Logical_Switch_Port options:requested-chassis",
            "ovn: controller/binding.c consider_vif_lport_",
        ),
        unlike={"vif-not-in-br-int": "there no Interface on any host carries the port's id"},
        find=_mismatched,
    ),
    Fault(
        id="chassis-missing-graceful-stop",
        stage=Stage.SOUTHBOUND,
        title="The host's ovn-controller was stopped and deregistered",
        what="ovn-controller ended in an orderly way (systemctl stop, an upgrade that hung between "
        "stop and start). On its way out it deletes the host's Chassis row and tunnels, and every "
        "peer deletes its tunnel to the host.",
        shows="The host's VMs lose DHCP and all remote traffic; the local gateway still answers from "
        "the flows left in br-int. Port_Binding.chassis is empty while `up` may still be true.",
        decisive="No Chassis row for the host's system-id, and no ovn-controller process there. "
        "`ovn-nbctl --wait=hv sync` does not notice.",
        remedy="Start ovn-controller: the row, the tunnels and the claims come back by themselves.",
        risk=Risk.SAFE,
        references=(
            "ovn-controller(8), exit",
            "ovn: utilities/ovn-ctl stop_controller, controller/chassis.c chassis_cleanup",
        ),
        unlike={"controller-crashed": "after a crash the Chassis row and the tunnels stay"},
        find=_gracefully_gone,
    ),
)
