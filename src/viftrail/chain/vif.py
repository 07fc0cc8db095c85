"""S8: the VM's device is in br-int, works, and its port was claimed because of it."""

from __future__ import annotations

from viftrail.chain.checks import Checks, not_applicable
from viftrail.chain.cloud import Cloud, Plug, Port
from viftrail.chain.domain import check_domain
from viftrail.chain.quoting import db, q
from viftrail.chain.switch import check_switch
from viftrail.chain.trail import Trail
from viftrail.facts.host import Host
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.verdict import Evidence, Finding, Stage


def usable(host: Host, plug: Plug) -> bool:
    """In the integration bridge and opened by ovs-vswitchd."""
    return plug.bridge == host.integration_bridge and (plug.interface.ofport or 0) > 0


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """Interface, then the claim that ovn-controller makes because of it."""
    port = trail.port
    if not port.plugged and not port.subport:
        kind = port.row.type if port.row else ""
        return not_applicable(Stage.VIF, f"a port of type {kind} has no plug in br-int")
    checks = Checks(Stage.VIF)
    if trail.server and trail.server.off:
        state = trail.server.vm_state or trail.server.status
        checks.unknown(f"{port.label} is {state}: it has no device until it is started")
        return checks.finding()
    host = cloud.hosts.get(trail.host)
    if port.subport:
        # Its parent's plug is its own; ovn-controller claims both (binding.c, container ports).
        checks.aside("a trunk's subport has no plug of its own")
    elif host is None:
        checks.unseen(trail.host)
    elif not host.vswitch:
        checks.unknown(f"the Open_vSwitch database of {trail.host} was not read")
    else:
        check_switch(checks, host, trail.host)
        plugs = [plug for plug in cloud.plugs.get(port.id, ()) if plug.host == trail.host]
        _plugged(checks, host, trail.host, port, plugs)
        for plug in plugs:
            _device(checks, host, trail.host, plug)
        check_domain(checks, cloud, port)
    _claimed(checks, cloud, trail)
    return checks.finding()


def _plugged(checks: Checks, host: Host, name: str, port: Port, plugs: list[Plug]) -> None:
    bridge = host.integration_bridge
    checks.check(
        len(plugs) == 1 and plugs[0].bridge == bridge,
        Evidence(
            where=name,
            what=f"Interface external_ids:iface-id={port.id}",
            seen=", ".join(
                f"{plug.interface.name} in {plug.bridge or 'no bridge'}" for plug in plugs
            )
            or "none",
            expected=f"one, in {bridge}",
            command="ovs-vsctl --columns=name,ofport find Interface "
            f"external_ids:iface-id={db(port.id)}",
        ),
        good="plugged into " + bridge,
        bad=f"no Interface in {bridge} of {name} carries the port's id"
        if len(plugs) < 2
        else f"{len(plugs)} Interfaces of {name} carry the port's id",
    )


def _device(checks: Checks, host: Host, name: str, plug: Plug) -> None:
    interface = plug.interface
    command = f"ovs-vsctl list Interface {q(interface.name)}"
    checks.check(
        (interface.ofport or 0) > 0 and not interface.error,
        Evidence(
            where=name,
            what=f"Interface {interface.name} ofport, error",
            seen=f"{'unassigned' if interface.ofport is None else interface.ofport}, "
            f"{interface.error or 'none'}",
            expected="a positive number, none",
            command=command,
        ),
        bad=f"ovs-vswitchd could not open {interface.name}",
    )
    link = host.link_by_name.get(interface.name)
    if interface.type == "" and host.links:
        checks.check(
            link is not None and link.up and link.carrier,
            Evidence(
                where=name,
                what=f"device {interface.name}",
                seen="no such device"
                if link is None
                else ("up" if link.up else "down") + ("" if link.carrier else ", no carrier"),
                expected="up, with carrier",
                command=f"ip link show {q(interface.name)}",
            ),
            good="the device is up",
            bad=f"the device {interface.name} is missing or down",
        )


def _claimed(checks: Checks, cloud: Cloud, trail: Trail) -> None:
    binding = cloud.binding(trail.port.id)
    if binding is None:
        return
    chassis = cloud.chassis_of(binding)
    if chassis is None and binding.chassis:
        checks.unknown("the chassis that claimed the port was not read")
        return
    own = chassis is not None and trail.host in chassis.names
    seen = trail.host if own else chassis.hostname if chassis else "nobody"
    checks.check(
        own,
        Evidence(
            where=SOUTHBOUND,
            what="Port_Binding.chassis",
            seen=seen,
            expected=trail.host,
            command=f"ovn-sbctl --columns=chassis,up find Port_Binding logical_port={db(trail.port.id)}",
        ),
        good=f"claimed by {seen}",
        bad=f"the port is claimed by {seen}",
    )
    if chassis is not None:
        checks.check(
            binding.up is not False,
            Evidence(
                where=SOUTHBOUND,
                what="Port_Binding.up",
                seen="false" if binding.up is False else "true",
                expected="true",
                command=f"ovn-sbctl get Port_Binding {q(trail.port.id)} up",
            ),
            bad="its flows are not installed yet",
        )
