"""S9: guests that are told no IPv6 address: router advertisements and DHCPv6."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.ipv6 import (
    ADDRESS_MODES,
    STATEFUL,
    STATELESS,
    dhcpv6_options,
    dhcpv6_wanted,
    leg_of,
    mode_of,
    mode_wanted,
)
from viftrail.chain.local import surely_wanted
from viftrail.chain.quoting import atom, db, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import DHCPOptions, LogicalRouterPort
from viftrail.faults.fault import Case, Fault
from viftrail.faults.local import DISABLED
from viftrail.faults.localnet import SYNC
from viftrail.faults.step import owned_row
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step


def _unadvertised(cloud: Cloud) -> Iterator[Case]:
    if not any(map(_is_silent, cloud.nb[LogicalRouterPort])):
        return
    silent: dict[str, list[Port]] = {}
    legs: dict[str, LogicalRouterPort] = {}
    for port in cloud.ports.values():
        leg = leg_of(cloud, port) if port.ipv6 else None
        if leg and _is_silent(leg) and mode_wanted(cloud, port):
            legs[leg.name] = leg
            silent.setdefault(leg.name, []).append(port)
    for name, ports in silent.items():
        told = [port for port in ports if port.owned and port.owned.address_mode]
        switch = cloud.switch_of(ports[0])
        if told and switch:
            yield _silent(cloud, legs[name], subject.network(switch.name), ports, Certainty.PROVEN)
        else:  # inferred from its address, or from its DHCP options
            for port in ports:
                where = subject.port(port.id)
                yield _silent(cloud, legs[name], where, [port], Certainty.LIKELY)


def _is_silent(leg: LogicalRouterPort) -> bool:
    """It is in an IPv6 subnet, and advertises nothing there, as far as was asked."""
    return (
        leg.ipv6_ra_configs is not None
        and mode_of(leg) not in ADDRESS_MODES
        and any(":" in network for network in leg.networks)
    )


def _silent(
    cloud: Cloud,
    leg: LogicalRouterPort,
    where: subject.Subject,
    ports: list[Port],
    certainty: Certainty,
) -> Case:
    mode, wanted = mode_of(leg), mode_wanted(cloud, ports[0])
    column = f"Logical_Router_Port {q(leg.name)} ipv6_ra_configs"
    periodic = "send_periodic" not in (leg.ipv6_ra_configs or {})
    keys = ["address_mode", *(["send_periodic"] if periodic else [])]
    values = {"address_mode": wanted, "send_periodic": "true"}
    lacking = [port for port in ports if not _has_address(cloud, port)]
    return Case(
        subject=where,
        summary=f"router port {leg.name} "
        + (f"has address mode {mode}, which is none" if mode else "has no address mode")
        + ", so it sends no router advertisements and guests get no IPv6 address",
        evidence=(
            Evidence(
                where=NORTHBOUND,
                what=f"{column}:address_mode",
                seen=mode or "none",
                expected=wanted,
                command=f"ovn-nbctl get {column}",
            ),
            Evidence(
                where=NORTHBOUND,
                what=f"Logical_Router_Port {leg.name} networks",
                seen=", ".join(leg.networks),
                expected="an IPv6 subnet, which is to be advertised",
                command=f"ovn-nbctl get Logical_Router_Port {q(leg.name)} networks",
            ),
        ),
        steps=owned_row(
            cloud,
            ovn=f"ovn-nbctl set Logical_Router_Port {q(leg.name)} "
            + " ".join(f"ipv6_ra_configs:{key}={db(values[key])}" for key in keys),
            undo=f"ovn-nbctl set Logical_Router_Port {q(leg.name)} "
            f"ipv6_ra_configs:address_mode={db(mode)}"
            if mode
            else f"ovn-nbctl remove {column} {' '.join(keys)}",
            openstack=SYNC,
            verify=f"ovn-nbctl get {column}",
        ),
        certainty=certainty,
        # What a guest has made itself of an earlier advertisement it keeps.
        victims=frozenset(subject.port(port.id) for port in lacking)
        if certainty is Certainty.PROVEN
        else None,
    )


def _has_address(cloud: Cloud, port: Port) -> bool:
    """The guest was asked, and has the address of its port."""
    host = cloud.hosts.get(cloud.host_of(port))
    guest = host.guest(port.id) if host else None
    return guest is not None and port.ipv6 in guest.addresses


def _unreferred(cloud: Cloud) -> Iterator[Case]:
    asking = any(mode_of(leg) in (STATEFUL, STATELESS) for leg in cloud.nb[LogicalRouterPort])
    if not asking and not any(owned.address_mode for owned in cloud.owner.ports):
        return
    for port in cloud.ports.values():
        row = port.row
        if row is None or row.dhcpv6_options or not dhcpv6_wanted(cloud, port):
            continue
        usual, leg = dhcpv6_options(cloud, port), leg_of(cloud, port)
        mode = mode_of(leg) or mode_wanted(cloud, port)
        yield Case(
            subject=subject.port(port.id),
            summary=f"the port of {port.label} has no DHCPv6 options, so nobody gives the guest "
            + ("its IPv6 address" if mode == STATEFUL else "the options that its router promises"),
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what="Logical_Switch_Port.dhcpv6_options",
                    seen="empty",
                    expected=usual.uuid if usual else "the options of its IPv6 subnet",
                    command=f"ovn-nbctl lsp-get-dhcpv6-options {q(port.id)}",
                ),
                Evidence(
                    where=NORTHBOUND,
                    what=f"ipv6_ra_configs:address_mode of {leg.name}" if leg else "address mode",
                    seen=mode,
                    expected="slaac, where nobody shall ask by DHCPv6",
                    command=f"ovn-nbctl get Logical_Router_Port {q(leg.name)} ipv6_ra_configs"
                    if leg
                    else "ovn-nbctl list Logical_Router_Port",
                ),
            ),
            steps=_refer(cloud, port, usual) if usual else (),
            certainty=Certainty.PROVEN if surely_wanted(cloud, port, usual) else Certainty.LIKELY,
            note=DISABLED
            if usual
            else "The subnet has no DHCP_Options row: its owner has to write it, by openstack subnet "
            "set --dhcp with the subnet's id.",
        )


def _refer(cloud: Cloud, port: Port, usual: DHCPOptions) -> tuple[Step, ...]:
    subnet = usual.external_ids.get("subnet_id", "")
    return owned_row(
        cloud,
        ovn=f"ovn-nbctl lsp-set-dhcpv6-options {q(port.id)} {q(usual.uuid)}",
        undo=f"ovn-nbctl clear Logical_Switch_Port {q(port.id)} dhcpv6_options",
        openstack=f"openstack subnet set --dhcp {q(subnet)}",
        openstack_undo=f"openstack subnet set --no-dhcp {q(subnet)}",
        verify=f"ovn-nbctl lsp-get-dhcpv6-options {q(port.id)}",
    )


def _nameless(cloud: Cloud) -> Iterator[Case]:
    users: dict[str, list[Port]] = {}
    for port in cloud.ports.values():
        if port.row and port.row.dhcpv6_options:
            users.setdefault(port.row.dhcpv6_options, []).append(port)
    for row in cloud.nb[DHCPOptions]:
        ports = users.get(row.uuid, [])
        switch = cloud.switch_of(ports[0]) if ports else None
        if ":" not in row.cidr or row.options.get("server_id") or switch is None:
            continue
        leg = leg_of(cloud, ports[0])
        column = f"DHCP_Options {q(row.uuid)}"
        yield Case(
            subject=subject.network(switch.name),
            summary=f"the DHCP options of {row.cidr} lack server_id, so northd makes no DHCPv6 flows "
            "from them",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"{column} options",
                    seen=", ".join(sorted(row.options)) or "empty",
                    expected="server_id among them",
                    command=f"ovn-nbctl dhcp-options-get-options {q(row.uuid)}",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl set {column} options:server_id={q(atom(leg.mac))}",
                undo=f"ovn-nbctl remove {column} options server_id",
                openstack="openstack subnet set --dhcp "
                + q(row.external_ids.get("subnet_id", row.cidr)),
                verify=f"ovn-nbctl dhcp-options-get-options {q(row.uuid)}",
            )
            if leg
            else (),
            victims=frozenset(subject.port(port.id) for port in ports),
            note=""
            if leg
            else "Any MAC address will do that no device of the network has: "
            f"ovn-nbctl set {column} options:server_id=",
        )


FAULTS = (
    Fault(
        id="ipv6-ra-missing",
        stage=Stage.LOCAL,
        title="The router advertises no IPv6 prefix",
        what="The router port in the IPv6 subnet has no address_mode in ipv6_ra_configs, or one that "
        "does not exist. northd makes no flows then that answer router solicitations, and nothing "
        "is sent unasked.",
        shows="Guests get no IPv6 address and no default route by IPv6; what they got earlier lasts "
        "until it expires. IPv4 works. With an unknown mode northd logs `Invalid address mode "
        "[…] defined`.",
        decisive="Logical_Router_Port.ipv6_ra_configs lacks a known address_mode, while the subnet's "
        "owner, its DHCP options, or an address made of the port's MAC say that there is one.",
        remedy="Write the address mode again; guests solicit, or the next advertisement reaches them.",
        risk=Risk.SAFE,
        references=(
            "ovn-nb(5), Logical_Router_Port ipv6_ra_configs",
            "RFC 4861, 6.3.7; RFC 4862, 5.5",
            "neutron: ovn_client.py _get_nets_and_ipv6_ra_confs_for_router_port",
        ),
        unlike={
            "dhcpv6-options-missing": "there the router tells the guest to ask by DHCPv6",
            "sg-egress-version-missing": "there the guest has its address",
            "a subnet whose router is not the cloud's": "its router advertises it; OVN shall not",
        },
        find=_unadvertised,
    ),
    Fault(
        id="dhcpv6-options-missing",
        stage=Stage.LOCAL,
        title="The port has no DHCPv6 options",
        what="The router tells guests to ask by DHCPv6, and the Logical_Switch_Port refers to no "
        "DHCP_Options row of its IPv6 subnet.",
        shows="In a dhcpv6-stateful subnet no IPv6 address; in a dhcpv6-stateless one the address is "
        "there, and no name servers. Nothing is logged, since the request is never handed over.",
        decisive="dhcpv6_options of the port is empty, while address_mode of its router port is "
        "dhcpv6_stateful or dhcpv6_stateless.",
        remedy="Restore the reference, or switch DHCP on for the subnet.",
        risk=Risk.SAFE,
        references=(
            "ovn-nb(5), dhcpv6_options",
            "RFC 8415",
            "neutron: ovn_client.py _get_subnet_dhcp_options_for_port",
        ),
        unlike={
            "dhcpv6-options-incomplete": "there the port refers to a row, which lacks a key",
            "a subnet of mode slaac": "Neutron writes no DHCP options for it (is_dhcp_options_ignored)",
        },
        find=_unreferred,
    ),
    Fault(
        id="dhcpv6-options-incomplete",
        stage=Stage.LOCAL,
        title="The subnet's DHCPv6 options have no server_id",
        what="The DHCP_Options row of the IPv6 subnet lacks server_id, the mandatory option, without "
        "which northd makes no DHCPv6 flows for its ports.",
        shows="Nobody in the subnet is answered by DHCPv6. northd logs `server_id not present in the "
        "DHCPv6 options for lport …`.",
        decisive="No server_id in the options of a row with an IPv6 cidr that ports refer to.",
        remedy="Set server_id, which is a MAC address here.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), DHCPv6 options", "ovn: northd.c build_dhcpv6_action"),
        unlike={"dhcpv6-options-missing": "there the port refers to no row at all"},
        find=_nameless,
        spares_others=True,
    ),
)
