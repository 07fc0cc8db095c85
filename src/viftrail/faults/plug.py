"""S8: Interfaces that are in br-int and do not work, or are one too many."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Plug, Port
from viftrail.chain.daemon import ABSENT, DEAD, HUNG, STOPPED
from viftrail.chain.quoting import db, q
from viftrail.chain.switch import carried_out, switch_state
from viftrail.chain.vif import usable
from viftrail.facts.host import Host
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.facts.vswitch import Interface
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import installed, on_host, plug_again
from viftrail.verdict import Certainty, Evidence, Risk, Stage

REFUSED = "could not add network device"


def _twice(cloud: Cloud) -> Iterator[Case]:
    for port_id, plugs in cloud.plugs.items():
        port = cloud.ports.get(port_id)
        if port is None or len(plugs) < 2:
            continue
        for name in dict.fromkeys(plug.host for plug in plugs):
            host = cloud.hosts[name]
            here = [plug for plug in plugs if plug.host == name and usable(host, plug)]
            own = _own(port, here)
            if own is not None:
                for other in here:
                    if other is not own:
                        yield _same_host(port, host, own, other)
        yield from _other_host(cloud, port, plugs)


def _own(port: Port, plugs: list[Plug]) -> Plug | None:
    """The plug that Nova made: it is called after the port."""
    names = port.device_names()
    return next((plug for plug in plugs if plug.interface.name in names), None)


def _same_host(port: Port, host: Host, own: Plug, other: Plug) -> Case:
    row, name = other.interface, other.host
    wins = _taken(host, row) or not _taken(host, own.interface)
    return Case(
        subject=subject.port(port.id),
        summary=f"{row.name} on {name} carries the iface-id of {port.label} as well, whose own "
        f"device is {own.interface.name}"
        + (f": ovn-controller bound the port to {row.name}" if wins else ""),
        evidence=(
            Evidence(
                where=name,
                what=f"Interface external_ids:iface-id={port.id}",
                seen=", ".join(sorted((own.interface.name, row.name))),
                expected=own.interface.name,
                command="ovs-vsctl --columns=name,ofport find Interface "
                f"external_ids:iface-id={db(port.id)}",
            ),
            Evidence(
                where=name,
                what=f"table 0 of {other.bridge}, in_port={row.ofport} ({row.name})",
                seen="a flow" if _taken(host, row) else "no flow",
                expected=f"none; one for in_port={own.interface.ofport} ({own.interface.name})",
                command=f"ovs-ofctl dump-flows {q(other.bridge)} table=0",
            ),
        ),
        steps=on_host(
            name,
            f"ovs-vsctl del-port {q(other.bridge)} {q(row.name)}",
            undo=plug_again(other.bridge, row),
            verify=installed(own.interface.name),
        ),
        victims=frozenset({subject.port(port.id)} if wins else ()),
    )


def _taken(host: Host, row: Interface) -> bool:
    """br-int has a flow for what comes in by this Interface."""
    flows = host.flows.ports if host.flows else ()
    match = f"in_port={row.ofport}"
    return any(match in flow.replace(",", " ").split() for flow in flows)


def _other_host(cloud: Cloud, port: Port, plugs: tuple[Plug, ...]) -> Iterator[Case]:
    """Plugs on hosts that may not claim the port: harmless until requested-chassis is lost."""
    rows = cloud.nb[LogicalSwitchPort].find("name", port.id)
    wanted = {w for row in rows for w in row.options.get("requested-chassis", "").split(",") if w}
    home = cloud.host_of(port)
    if home not in wanted or not any(plug.host == home for plug in plugs):
        return
    for plug in plugs:
        host = cloud.hosts[plug.host]
        if plug.host in wanted or host.chassis_name in wanted or not usable(host, plug):
            continue
        yield Case(
            subject=subject.port(port.id),
            summary=f"{plug.interface.name} on {plug.host} carries the iface-id of {port.label}, "
            f"which runs on {home}; {plug.host} may not claim the port",
            evidence=(
                Evidence(
                    where=plug.host,
                    what=f"Interface external_ids:iface-id={port.id}",
                    seen=f"{plug.interface.name} in {plug.bridge}",
                    expected="none",
                    command="ovs-vsctl --columns=name find Interface "
                    f"external_ids:iface-id={db(port.id)}",
                ),
            ),
            steps=on_host(
                plug.host,
                f"ovs-vsctl del-port {q(plug.bridge)} {q(plug.interface.name)}",
                undo=plug_again(plug.bridge, plug.interface),
                verify=f"ovs-vsctl find Interface name={db(plug.interface.name)}",
            ),
            certainty=Certainty.LIKELY,
            victims=frozenset(),
            note="Make sure first that no VM on that host holds the device: "
            "`virsh list --all` there.",
        )


def _plugged(cloud: Cloud) -> Iterator[tuple[Port, Host, Plug]]:
    """What is in br-int for a VM where a living ovs-vswitchd carries the bridge out."""
    for port, host in cloud.ports_seen():
        if switch_state(host) in (ABSENT, DEAD, STOPPED, HUNG) or not carried_out(host):
            continue
        for plug in cloud.plugs.get(port.id, ()):
            if cloud.hosts[plug.host] is host and plug.bridge == host.integration_bridge:
                yield port, host, plug


def _unassigned(cloud: Cloud) -> Iterator[Case]:
    for port, _, plug in _plugged(cloud):
        row = plug.interface
        if row.ofport is not None or row.error:
            continue
        yield Case(
            subject=subject.port(port.id),
            summary=f"ovs-vswitchd on {plug.host} has given {row.name} of {port.label} no number, "
            "although it has made the bridge: it does not look at new rows",
            evidence=(_state(plug, "a positive number, none"),),
            steps=on_host(
                plug.host,
                "systemctl restart ovs-vswitchd",
                undo="nothing to undo",
                verify=f"ovs-vsctl get Interface {q(row.name)} ofport",
                risk=Risk.BLINKS,
            ),
            # A row that was written a moment ago looks the same.
            certainty=Certainty.LIKELY,
        )


def _refused(cloud: Cloud) -> Iterator[Case]:
    for port, host, plug in _plugged(cloud):
        row = plug.interface
        if REFUSED not in (row.error or "") or (row.ofport or 0) > 0:
            continue
        link = host.link_by_name.get(row.name)
        master = link.master if link and link.master != "ovs-system" else ""
        free = f"ip link set {q(row.name)} nomaster && " if master else ""
        back = f" && ip link set {q(row.name)} master {q(master)}" if master else ""
        again = plug_again(plug.bridge, row).removeprefix("ovs-vsctl ")
        yield Case(
            subject=subject.port(port.id),
            summary=f"ovs-vswitchd on {plug.host} cannot take {row.name} of {port.label} into "
            f"{plug.bridge}: {row.error}"
            + (f"; the device is in Linux bridge or bond {master}" if master else ""),
            evidence=(
                _state(plug, "a positive number, none"),
                *(
                    (
                        Evidence(
                            where=plug.host,
                            what=f"master of {row.name}",
                            seen=master,
                            expected="none, or ovs-system",
                            command=f"ip link show {q(row.name)}",
                        ),
                    )
                    if master
                    else ()
                ),
            ),
            steps=on_host(
                plug.host,
                f"{free}ovs-vsctl --if-exists del-port {q(row.name)} -- {again}",
                undo=f"ovs-vsctl del-port {q(plug.bridge)} {q(row.name)}{back}",
                verify=f"ovs-vsctl get Interface {q(row.name)} ofport error",
            ),
            note="" if master else "If it is refused again, ovs-vswitchd.log says why.",
        )


def _state(plug: Plug, expected: str) -> Evidence:
    row = plug.interface
    return Evidence(
        where=plug.host,
        what=f"Interface {row.name} ofport, error",
        seen=f"{'unassigned' if row.ofport is None else row.ofport}, {row.error or 'none'}",
        expected=expected,
        command=f"ovs-vsctl --columns=ofport,error list Interface {q(row.name)}",
    )


FAULTS = (
    Fault(
        id="vif-duplicate-iface-id",
        stage=Stage.VIF,
        title="Two Interfaces carry one port's iface-id",
        what="A second Interface with the port's id was left by an earlier plug, or made by hand. On "
        "one host ovn-controller binds the port to one of them, mostly the newer. On another host "
        "than the one that may claim the port it is harmless, until requested-chassis is lost.",
        shows="The VM is cut off, while its port is claimed, up, and ovn-installed.",
        decisive="Two Interfaces with one iface-id, and the flow in table 0 is for the one that "
        "is not called after the port.",
        remedy="Delete the other one. The port is bound to the VM's own device at once.",
        risk=Risk.SAFE,
        references=("ovn: controller/binding.c, Multiple bindings for", "ovn-controller(8)"),
        unlike={
            "pb-pingpong": "there two hosts claim the port in turn",
            "flows-wiped": "there table 0 has a flow for nobody",
        },
        find=_twice,
        spares_others=True,
    ),
    Fault(
        id="vif-ofport-unassigned",
        stage=Stage.VIF,
        title="ovs-vswitchd has not taken up a new Interface",
        what="The row is in conf.db and ovs-vswitchd has given it neither a number nor an error, while "
        "it has made the bridge: it is blocked, or too busy to come round to new rows.",
        shows="The new VM has no network; those plugged before work.",
        decisive="Interface.ofport is empty, not -1, and stays so, in a bridge that works.",
        remedy="Look at ovs-vswitchd's log and load; restart it where it does not recover.",
        risk=Risk.BLINKS,
        references=("ovs-vswitchd.conf.db(5), Interface ofport",),
        unlike={
            "vswitchd-dead": "there the process is gone or does not answer",
            "vif-netdev-missing": "there ofport is -1, with an error",
        },
        find=_unassigned,
        unprovoked="a living ovs-vswitchd takes a row up at once, and one that does not live is "
        "another fault",
    ),
    Fault(
        id="vif-add-to-ofproto-failed",
        stage=Stage.VIF,
        title="ovs-vswitchd cannot take the VM's device into br-int",
        what="The device exists and was opened, and the datapath refuses it: on the kernel's, mostly "
        "because a Linux bridge or bond already has it.",
        shows="The VM is isolated; its port is not claimed. The Interface has ofport -1.",
        decisive="Interface.error says `could not add network device … to ofproto`.",
        remedy="Take the device out of what holds it, and add the port again.",
        risk=Risk.SAFE,
        references=("ovs: vswitchd/bridge.c iface_do_create", "ovs: datapath/vport-netdev.c"),
        unlike={
            "vif-netdev-missing": "there the device does not exist",
            "tunnel-not-made": "there it is a tunnel port of ovn-controller's",
        },
        find=_refused,
        unprovoked="the lab's userspace datapath takes every device that there is; only the "
        "kernel's refuses one that is in a Linux bridge",
    ),
)
