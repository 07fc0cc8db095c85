"""S9: faults of what br-int answers by itself: DHCP, port security, security groups."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.local import dhcp_options, dhcp_wanted, lets_out, rules_known, surely_wanted
from viftrail.chain.quoting import q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import DHCPOptions, LogicalSwitchPort, PortGroup
from viftrail.facts.slice import DROP_GROUP
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import owned_row
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step


def _dhcp_missing(cloud: Cloud) -> Iterator[Case]:
    for port in cloud.ports.values():
        row = port.row
        if row is None or row.dhcpv4_options or not port.ipv4:
            continue
        usual, wanted = dhcp_options(cloud, port), dhcp_wanted(cloud, port)
        if not wanted:
            continue  # a subnet may do without DHCP on purpose
        yield Case(
            subject=subject.port(port.id),
            summary=f"the port of {port.label} has no DHCP options, so its DHCP requests are not "
            "answered",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what="Logical_Switch_Port.dhcpv4_options",
                    seen="empty",
                    expected=usual.uuid if usual else "the options of its subnet",
                    command=f"ovn-nbctl lsp-get-dhcpv4-options {q(port.id)}",
                ),
                Evidence(
                    where=NORTHBOUND,
                    what="DHCP_Options of the subnet",
                    seen=f"those of {usual.cidr}" if usual else "none",
                    expected="one row",
                    command="ovn-nbctl list DHCP_Options",
                ),
            ),
            steps=_refer(cloud, port, usual) if usual else (),
            certainty=Certainty.PROVEN if surely_wanted(cloud, port, usual) else Certainty.LIKELY,
            note=DISABLED
            if usual
            else "The DHCP_Options row itself is gone; its owner has to write it "
            "again: openstack subnet set --dhcp, with the subnet's id.",
        )


DISABLED = (
    "An extra DHCP option of the port, dhcp_disabled=true, has the same effect: openstack port show, "
    "extra_dhcp_opts."
)


def _refer(cloud: Cloud, port: Port, usual: DHCPOptions) -> tuple[Step, ...]:
    subnet = usual.external_ids.get("subnet_id", "")
    return owned_row(
        cloud,
        ovn=f"ovn-nbctl lsp-set-dhcpv4-options {q(port.id)} {q(usual.uuid)}",
        undo=f"ovn-nbctl clear Logical_Switch_Port {q(port.id)} dhcpv4_options",
        openstack=f"openstack subnet set --dhcp {q(subnet)}",
        openstack_undo=f"openstack subnet set --no-dhcp {q(subnet)}",
        verify=f"ovn-nbctl lsp-get-dhcpv4-options {q(port.id)}",
    )


def _mac_mismatch(cloud: Cloud) -> Iterator[Case]:
    for port, _ in cloud.ports_seen():
        row = port.row
        if row is None or not row.port_security:
            continue
        allowed = sorted({entry.split()[0].lower() for entry in row.port_security})
        macs, where = _guest_macs(cloud, port)
        if not macs or set(macs) & set(allowed):
            continue
        right = port.mac if port.mac in allowed else allowed[0]
        yield Case(
            subject=subject.port(port.id),
            summary=f"{port.label} sends from {', '.join(macs)}, but its port allows only "
            f"{', '.join(allowed)}: br-int drops every frame",
            evidence=(
                Evidence(
                    where=where,
                    what="MAC address that the guest uses",
                    seen=", ".join(macs),
                    expected=", ".join(allowed),
                    command="ip link show eth0",
                ),
                Evidence(
                    where=NORTHBOUND,
                    what="Logical_Switch_Port.port_security",
                    seen=", ".join(row.port_security),
                    expected="the guest's MAC",
                    command=f"ovn-nbctl lsp-get-port-security {q(port.id)}",
                ),
            ),
            steps=(
                Step(
                    command=f"ip link set dev eth0 address {q(right)}",
                    where=port.label,
                    risk=Risk.BLINKS,
                    undo=f"ip link set dev eth0 address {q(macs[0])}",
                    verify="ip link show eth0",
                    blinks="this guest's own link, which carries nothing now",
                    tenant="the guest's MAC changes; it asks for its lease again",
                ),
            ),
            # Of a tap only a moment was heard: a bridge in the guest may have spoken.
            certainty=Certainty.PROVEN if where == port.label else Certainty.LIKELY,
            note="The first Ethernet device of the guest is called eth0 here. If the other MAC is "
            "intended, allow it instead: openstack port set --allowed-address "
            f"mac-address={macs[0]},ip-address={port.ipv4} {port.id}",
        )


def _guest_macs(cloud: Cloud, port: Port) -> tuple[tuple[str, ...], str]:
    """Source MACs of the guest, and where they were seen."""
    name = cloud.host_of(port)
    host = cloud.hosts.get(name)
    if host is None:
        return (), ""
    guest = host.guest(port.id)
    if guest and guest.mac:
        return (guest.mac.lower(),), port.label
    for device in port.device_names():
        if device in host.heard:
            return host.heard[device], f"{name}, on {device}"
    return (), ""


def _no_egress(cloud: Cloud) -> Iterator[Case]:
    for port in _silenced(cloud):
        row = port.row
        if row is None or not rules_known(cloud, port):
            continue
        groups = [group for group in cloud.groups_of(port) if group.name != DROP_GROUP]
        wanted = [group for group in _wanted_groups(cloud, port) if lets_out(cloud, group)]
        yield Case(
            subject=subject.port(port.id),
            summary=f"no security group lets {port.label} send: every IP packet it sends is "
            "dropped, DHCP included",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what="port groups of the port",
                    seen=", ".join(sorted(g.name for g in cloud.groups_of(port))),
                    expected=", ".join(g.name for g in wanted) or "one with an egress rule",
                    command=f"ovn-nbctl --columns=name find Port_Group {q('ports{>=}' + row.uuid)}",
                ),
                Evidence(
                    where=NORTHBOUND,
                    what=f"{DROP_GROUP}, from-lport",
                    seen="drops what no other group allows",
                    expected="an allow rule of higher priority in another group",
                    command=f"ovn-nbctl acl-list {DROP_GROUP}",
                ),
            ),
            steps=_open(cloud, port, groups, wanted),
            note="Give the port a security group with an egress rule: openstack port set "
            f"--security-group, for port {port.id}."
            if not (wanted or groups or _wanted_groups(cloud, port))
            else "",
        )


def _silenced(cloud: Cloud) -> Iterator[Port]:
    """Members of Neutron's group that drops all, whom no other known group lets send."""
    quiet = set(cloud.members_of_groups.get(DROP_GROUP, ()))
    for group in cloud.nb[PortGroup]:
        if group.name != DROP_GROUP and lets_out(cloud, group):
            quiet.difference_update(group.ports)
    rows = cloud.nb[LogicalSwitchPort]
    names = (row.name for uuid in sorted(quiet) for row in rows.find("uuid", uuid))
    yield from (cloud.ports[name] for name in names if name in cloud.ports)


def _wanted_groups(cloud: Cloud, port: Port) -> list[PortGroup]:
    names = list(port.owned.port_groups) if port.owned else []
    if port.row:
        ids = port.row.external_ids.get("neutron:security_group_ids", "").split()
        names += ["pg_" + group.replace("-", "_") for group in ids]
    groups = (cloud.nb[PortGroup].one("name", name) for name in dict.fromkeys(names))
    return [group for group in groups if group]


def _open(
    cloud: Cloud, port: Port, groups: list[PortGroup], wanted: list[PortGroup]
) -> tuple[Step, ...]:
    """Put the port back into its group, or give its group an egress rule."""
    row = port.row
    if row is not None and wanted:
        name = wanted[0].name
        group_id = name.removeprefix("pg_").replace("_", "-")
        return owned_row(
            cloud,
            ovn=f"ovn-nbctl add Port_Group {q(name)} ports {q(row.uuid)}",
            undo=f"ovn-nbctl remove Port_Group {q(name)} ports {q(row.uuid)}",
            openstack=f"openstack port set --security-group {q(group_id)} {q(port.id)}",
            openstack_undo=f"openstack port unset --security-group {q(group_id)} {q(port.id)}",
            verify=f"ovn-nbctl get Port_Group {q(name)} ports",
        )
    known = groups or _wanted_groups(cloud, port)
    if not known:
        return ()
    name = known[0].name
    match = q(f"inport == @{name} && ip4")
    return owned_row(
        cloud,
        ovn=f"ovn-nbctl --type=port-group acl-add {q(name)} from-lport 1002 {match} allow-related",
        undo=f"ovn-nbctl --type=port-group acl-del {q(name)} from-lport 1002 {match}",
        openstack="openstack security group rule create --egress --ethertype IPv4 "
        + q(name.removeprefix("pg_").replace("_", "-")),
        openstack_undo="delete the rule by the id that the command prints",
        verify=f"ovn-nbctl --type=port-group acl-list {q(name)}",
    )


FAULTS = (
    Fault(
        id="dhcp-options-missing",
        stage=Stage.LOCAL,
        title="The port has no DHCP options",
        what="The Logical_Switch_Port refers to no DHCP_Options row: DHCP is off for the subnet or the "
        "port, or the reference was lost.",
        shows="No lease; a static address works. ovn-controller logs nothing at all, since the "
        "request is never handed to it.",
        decisive="dhcpv4_options of the port is empty while it has an IPv4 address.",
        remedy="Switch DHCP on for the subnet, or restore the reference.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), dhcpv4_options", "neutron: ovn_client.py _get_port_dhcp_options"),
        unlike={
            "controller-crashed": "there the reference is set and nobody executes it",
            "sg-egress-missing": "there a static address does not help either",
        },
        find=_dhcp_missing,
    ),
    Fault(
        id="portsec-mac-mismatch",
        stage=Stage.LOCAL,
        title="The guest uses another MAC than its port",
        what="The guest sends from a MAC that the port's port_security does not list: an image of "
        "another VM with a fixed MAC, a bond or bridge in the guest, a wrong libvirt XML.",
        shows="No DHCP, no ping, no ARP; the tap's rx counter rises. No row of any database changes.",
        decisive="The guest's own MAC, or the source MAC on its tap, is not in port_security.",
        remedy="Give the guest its port's MAC; or, if the other one is meant, an allowed address "
        "pair. Switching port security off opens the port to spoofing and is the last resort.",
        risk=Risk.BLINKS,
        references=("ovn-nb(5), port_security", "ovn: northd ls_in_check_port_sec"),
        unlike={"sg-egress-missing": "there ARP still resolves"},
        find=_mac_mismatch,
    ),
    Fault(
        id="sg-egress-missing",
        stage=Stage.LOCAL,
        title="No security group lets the VM send",
        what="The port is in Neutron's drop group, and none of its security groups has an egress rule: "
        "the default egress rules were deleted, or the port is in no group that has them.",
        shows="Nothing works, not even DHCP, while the port is up. ARP still resolves, because the "
        "drop rule matches IP only.",
        decisive="The port is in neutron_pg_drop, and none of its groups has an allow rule in "
        "direction from-lport.",
        remedy="Add an egress rule to a group of the port, or put the port back into its group.",
        risk=Risk.SAFE,
        references=("neutron: common/ovn/acl.py", "ovn-nb(5), ACL"),
        unlike={"dhcp-options-missing": "there a static address works"},
        find=_no_egress,
    ),
)
