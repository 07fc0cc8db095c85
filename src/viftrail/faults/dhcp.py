"""S9: faults of a subnet's DHCP_Options row."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.local import dhcp_options
from viftrail.chain.quoting import atom, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import DHCPOptions, LogicalRouterPort
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import owned_row
from viftrail.verdict import Evidence, Risk, Stage, Step

MANDATORY = ("lease_time", "server_id", "server_mac")
"""Without these northd makes no DHCP flows (northd.c build_dhcpv4_action)."""


def _incomplete(cloud: Cloud) -> Iterator[Case]:
    users: dict[str, list[str]] = {}
    for port in cloud.ports.values():
        if port.row and port.row.dhcpv4_options:
            users.setdefault(port.row.dhcpv4_options, []).append(port.id)
    for row in cloud.nb[DHCPOptions]:
        missing = [key for key in MANDATORY if not row.options.get(key)]
        if ":" in row.cidr or not missing or row.uuid not in users:
            continue
        victims = frozenset(subject.port(port_id) for port_id in users[row.uuid])
        for network in sorted(_networks(cloud, users[row.uuid])):
            yield Case(
                subject=subject.network(network),
                summary=f"the DHCP options of {row.cidr} lack {', '.join(missing)}, so northd makes "
                "no DHCP flows from them",
                evidence=(
                    Evidence(
                        where=NORTHBOUND,
                        what=f"DHCP_Options {row.uuid} options",
                        seen=", ".join(sorted(row.options)) or "empty",
                        expected=f"{', '.join(MANDATORY)} among them",
                        command=f"ovn-nbctl dhcp-options-get-options {q(row.uuid)}",
                    ),
                ),
                steps=_mend(cloud, row, missing),
                victims=victims,
                note="Neutron writes an incomplete row for a subnet without gateway and without "
                "metadata port: openstack subnet set --gateway.",
            )


def _networks(cloud: Cloud, port_ids: list[str]) -> set[str]:
    """The switches of these ports; a subnet's options serve one."""
    switches = (cloud.switch_of(cloud.ports[port_id]) for port_id in port_ids[:1])
    return {switch.name for switch in switches if switch}


def _mend(cloud: Cloud, row: DHCPOptions, missing: list[str]) -> tuple[Step, ...]:
    command = _complete(cloud, row, missing)
    if not command:
        return ()
    return owned_row(
        cloud,
        ovn=command,
        undo=" && ".join(
            f"ovn-nbctl remove DHCP_Options {q(row.uuid)} options {q(key)}" for key in missing
        ),
        openstack="openstack subnet set --dhcp " + q(row.external_ids.get("subnet_id", row.cidr)),
        verify=f"ovn-nbctl dhcp-options-get-options {q(row.uuid)}",
    )


def _complete(cloud: Cloud, row: DHCPOptions, missing: list[str]) -> str:
    """A command that sets what can be taken from the router or from the row itself."""
    values = {
        "lease_time": "43200",
        "server_id": row.options.get("router", ""),
        "server_mac": _router_mac(cloud, row),
    }
    if not all(values[key] for key in missing):
        return ""
    pairs = " ".join(q(f"options:{key}={atom(values[key])}") for key in missing)
    return f"ovn-nbctl set DHCP_Options {q(row.uuid)} {pairs}"


def _router_mac(cloud: Cloud, row: DHCPOptions) -> str:
    gateway = row.options.get("router", "")
    for leg in cloud.nb[LogicalRouterPort]:
        if gateway and any(network.partition("/")[0] == gateway for network in leg.networks):
            return leg.mac
    return ""


def _foreign(cloud: Cloud) -> Iterator[Case]:
    rows = cloud.nb[DHCPOptions].by("uuid")
    for port in cloud.ports.values():
        used = next(iter(rows.get(port.row.dhcpv4_options or "", ())), None) if port.row else None
        if used is None or not port.ipv4 or _serves(used, port.ipv4):
            continue
        usual = dhcp_options(cloud, port)
        right = usual if usual and _serves(usual, port.ipv4) else None
        subnet = right.external_ids.get("subnet_id", "SUBNET") if right else "SUBNET"
        refer = f"ovn-nbctl lsp-set-dhcpv4-options {q(port.id)} "
        yield Case(
            subject=subject.port(port.id),
            summary=f"{port.label} has address {port.ipv4}, and its port refers to the DHCP options "
            f"of {used.cidr or 'no subnet'}: northd makes no DHCP flows for it",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"DHCP_Options {used.uuid} cidr",
                    seen=used.cidr,
                    expected=f"the subnet of {port.ipv4}",
                    command=f"ovn-nbctl get DHCP_Options {q(used.uuid)} cidr",
                ),
                Evidence(
                    where=NORTHBOUND,
                    what=f"Logical_Switch_Port {port.id} dhcpv4_options",
                    seen=used.uuid,
                    expected=right.uuid if right else "the options of its own subnet",
                    command=f"ovn-nbctl lsp-get-dhcpv4-options {q(port.id)}",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=refer + right.uuid,
                undo=refer + used.uuid,
                openstack=f"openstack subnet set --dhcp {q(subnet)}",
                verify=f"ovn-nbctl lsp-get-dhcpv4-options {q(port.id)}",
            )
            if right
            else (),
            note=""
            if right
            else "Its own subnet has no DHCP_Options row: its owner has to write "
            "one, by openstack subnet set --dhcp with the subnet's id.",
        )


def _serves(options: DHCPOptions, address: str) -> bool:
    """Whether the address is of the row's subnet: else northd makes no flow of it."""
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(options.cidr)
    except ValueError:
        return False


FAULTS = (
    Fault(
        id="dhcp-options-foreign",
        stage=Stage.LOCAL,
        title="The port refers to the DHCP options of another subnet",
        what="The DHCP_Options row that the port refers to is of a subnet that the port's address "
        "is not in. northd leaves such a port without DHCP flows, and says nothing.",
        shows="No lease; with a static address everything works.",
        decisive="The port's address is not within DHCP_Options.cidr.",
        remedy="Refer to the options of the port's own subnet.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), DHCP_Options cidr", "ovn: northd.c build_dhcpv4_action"),
        unlike={
            "dhcp-options-missing": "there the port refers to no row at all",
            "dhcp-options-incomplete": "there the row is the right one and lacks a key",
        },
        find=_foreign,
    ),
    Fault(
        id="dhcp-options-incomplete",
        stage=Stage.LOCAL,
        title="The subnet's DHCP options are incomplete",
        what="The DHCP_Options row lacks server_id, server_mac or lease_time, without which northd "
        "writes no DHCP flows for its ports.",
        shows="No lease in the whole subnet. northd logs `Required DHCPv4 options not defined for "
        "lport …`.",
        decisive="A mandatory key is missing in DHCP_Options.options.",
        remedy="Complete the row; in Neutron give the subnet a gateway, or the network a metadata "
        "port.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), DHCP_Options", "ovn: northd.c build_dhcpv4_action"),
        unlike={"dhcp-options-missing": "there the port refers to no row at all"},
        find=_incomplete,
        spares_others=True,
    ),
)
