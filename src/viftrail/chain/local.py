"""S9: what br-int itself answers on the VM's host: DHCP, ARP, security groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from viftrail.chain.checks import Checks
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.ipv6 import check_ipv6
from viftrail.chain.quoting import q
from viftrail.chain.sounding import check_local
from viftrail.chain.trail import Trail
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import ACL, DHCPOptions, LogicalSwitchPort, PortGroup
from viftrail.facts.slice import DROP_GROUP, network_of
from viftrail.verdict import Evidence, Finding, Stage, State

_VERSION: Final = re.compile(r"\b(?:ip|icmp)([46])\b")
"""What ties an ACL's match to one IP version (ovn-sb(5), Logical_Flow match)."""


def lets_out(cloud: Cloud, group: PortGroup, version: str = "") -> bool:
    """The group has a rule that lets its ports send, by this IP version or by any."""
    return _allows(cloud, group, "from-lport", version)


def lets_in(cloud: Cloud, group: PortGroup) -> bool:
    """The group has a rule that lets somebody reach its ports."""
    return _allows(cloud, group, "to-lport")


def rules_in(cloud: Cloud, group: PortGroup, version: str = "") -> Iterator[ACL]:
    """The group's rules that let somebody reach its ports, by this IP version or by any."""
    return _allowing(cloud, group, "to-lport", version)


def _allows(cloud: Cloud, group: PortGroup, direction: str, version: str = "") -> bool:
    return any(True for _ in _allowing(cloud, group, direction, version))


def denying_out(cloud: Cloud, port: Port) -> Iterator[tuple[PortGroup, ACL]]:
    """Rules of its groups that keep it from sending; Neutron itself has such in one group only."""
    for group in cloud.groups_of(port):
        if group.name != DROP_GROUP:
            for uuid in group.acls:
                for acl in cloud.nb[ACL].find("uuid", uuid):
                    if acl.direction == "from-lport" and acl.action in ("drop", "reject"):
                        yield group, acl


def _allowing(cloud: Cloud, group: PortGroup, direction: str, version: str) -> Iterator[ACL]:
    acls = cloud.nb[ACL]
    for uuid in group.acls:
        for acl in acls.find("uuid", uuid):
            allows = acl.direction == direction and acl.action.startswith("allow")
            if allows and _is_of(acl, version):
                yield acl


def _is_of(acl: ACL, version: str) -> bool:
    """The rule can match packets of this IP version: it names that one, or none."""
    named = _VERSION.findall(acl.match) if version else ()
    return not named or version in named


def versions_of(port: Port) -> tuple[str, ...]:
    """The IP versions that the port has addresses of."""
    return tuple(v for v, address in (("4", port.ipv4), ("6", port.ipv6)) if address)


def mute_versions(cloud: Cloud, port: Port) -> tuple[str, ...]:
    """The IP versions of the port that no group lets it send by, where the rules are known."""
    if not dropped(cloud, port) or not rules_known(cloud, port):
        return ()
    groups = [group for group in cloud.groups_of(port) if group.name != DROP_GROUP]
    return tuple(
        version
        for version in versions_of(port)
        if not any(lets_out(cloud, group, version) for group in groups)
    )


def dhcp_options(cloud: Cloud, port: Port) -> DHCPOptions | None:
    """The DHCP_Options of the port's subnet: those its neighbours use, else by CIDR."""
    options = cloud.nb[DHCPOptions]
    networks = {network_of(cidr) for cidr in port.cidrs if ":" not in cidr}
    switch = cloud.switch_of(port)
    for found in cloud.options_in_use(switch) if switch else ():
        if not networks or found.cidr in networks:
            return found
    same = [row for network in networks for row in options.find("cidr", network)]
    return same[0] if len(same) == 1 else None


def dhcp_wanted(cloud: Cloud, port: Port) -> bool:
    """The owner says so, or, where it was not asked, the subnet has DHCP options.

    Machines without hypervisor boot from a DHCP server of their own where Neutron is set so (neutron
    common/ovn/utils.py get_lsp_dhcp_opts): of their ports nothing is concluded.
    """
    if cloud.is_baremetal(port):
        return False
    if port.owned and port.owned.dhcp is not None:
        return port.owned.dhcp
    return dhcp_options(cloud, port) is not None


def surely_wanted(cloud: Cloud, port: Port, options: DHCPOptions | None) -> bool:
    """The owner wants its subnet to answer, and it does so at another port; or the owner is the lab.

    Whether DHCP was disabled at this port alone is in no row of Northbound's (neutron
    common/ovn/utils.py get_lsp_dhcp_opts, extra_dhcp_opts).
    """
    if not port.owned or not port.owned.dhcp:
        return False
    if cloud.owner.kind == "lab":
        return True
    rows, uuid = cloud.nb[LogicalSwitchPort], options.uuid if options else ""
    return bool(uuid and (rows.find("dhcpv4_options", uuid) or rows.find("dhcpv6_options", uuid)))


def rules_known(cloud: Cloud, port: Port) -> bool:
    """Every group of the port was read, with every rule."""
    acls = cloud.nb[ACL]
    return bool(
        port.row
        and cloud.nb[PortGroup].knows("ports", port.row.uuid)
        and all(
            acls.find("uuid", uuid) or acls.knows("uuid", uuid)
            for group in cloud.groups_of(port)
            for uuid in group.acls
        )
    )


def dropped(cloud: Cloud, port: Port) -> bool:
    """The port is in Neutron's group that drops all that nothing else allows."""
    return any(group.name == DROP_GROUP for group in cloud.groups_of(port))


def guest_macs(cloud: Cloud, trail: Trail) -> tuple[str, ...]:
    """Source MACs of the guest: asked of it, or heard on its tap."""
    host = cloud.hosts.get(trail.host)
    if host is None:
        return ()
    guest = host.guest(trail.port.id)
    if guest and guest.mac:
        return (guest.mac.lower(),)
    for name in trail.port.device_names():
        if name in host.heard:
            return host.heard[name]
    return ()


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """DHCP options, security groups, and the MAC that the guest really uses."""
    checks = Checks(Stage.LOCAL)
    port, row = trail.port, trail.port.row
    if row is None:
        checks.unknown("there is no Logical_Switch_Port to ask about")
        return checks.finding()
    if port.ipv4 and not row.dhcpv4_options and not dhcp_wanted(cloud, port):
        checks.check(
            True,
            Evidence(
                where=NORTHBOUND,
                what="DHCP_Options of its subnet",
                seen="none",
                expected="none, where the subnet does without DHCP",
                command="ovn-nbctl list DHCP_Options",
            ),
            good="its subnet has no DHCP, perhaps on purpose",
            bad="",
        )
    elif port.ipv4:
        known = cloud.nb[DHCPOptions]
        options = known.one("uuid", row.dhcpv4_options or "")
        if row.dhcpv4_options and not options and not known.absent("uuid", row.dhcpv4_options):
            checks.unknown("its DHCP options were not read")
        checks.check(
            bool(row.dhcpv4_options),
            Evidence(
                where=NORTHBOUND,
                what="Logical_Switch_Port.dhcpv4_options",
                seen=f"options of {options.cidr}" if options else row.dhcpv4_options or "empty",
                expected="the options of its subnet",
                command=f"ovn-nbctl lsp-get-dhcpv4-options {q(port.id)}",
            ),
            good="it has DHCP options",
            bad="nobody answers DHCP for the port",
        )
    if dropped(cloud, port):
        groups = [group for group in cloud.groups_of(port) if group.name != DROP_GROUP]
        open_groups = [group.name for group in groups if lets_out(cloud, group)]
        if not open_groups and not rules_known(cloud, port):
            checks.unknown("the rules of its security groups were not read")
        else:
            checks.check(
                bool(open_groups),
                Evidence(
                    where=NORTHBOUND,
                    what="egress rules of its port groups",
                    seen=", ".join(open_groups) or "none",
                    expected="at least one group with an allow rule",
                    command=f"ovn-nbctl --columns=name find Port_Group {q('ports{>=}' + row.uuid)}",
                ),
                good="security groups let it send",
                bad="no security group lets the port send",
            )
            for version in mute_versions(cloud, port) if open_groups else ():
                checks.check(
                    False,
                    Evidence(
                        where=NORTHBOUND,
                        what=f"egress rules of {', '.join(open_groups)} for IPv{version}",
                        seen="none",
                        expected="at least one",
                        command=f"ovn-nbctl --type=port-group acl-list {open_groups[0]}",
                    ),
                    bad=f"no security group lets the port send by IPv{version}",
                )
    macs = guest_macs(cloud, trail)
    allowed = {entry.split()[0].lower() for entry in row.port_security}
    if macs and allowed:
        checks.check(
            any(mac in allowed for mac in macs),
            Evidence(
                where=trail.port.server or trail.host,
                what="MAC address that the guest uses",
                seen=", ".join(macs),
                expected=", ".join(sorted(allowed)),
                command="ip link show",
            ),
            good="the guest uses the port's MAC",
            bad="the guest uses a MAC that port security drops",
        )
    check_ipv6(checks, cloud, port)
    check_local(checks, cloud, trail)
    finding = checks.finding()
    if finding.state is State.OK and not macs and not cloud.soundings.calls:
        return Finding(
            id=finding.id,
            name=finding.name,
            state=finding.state,
            summary=finding.summary + "; the guest itself was not asked",
            evidence=finding.evidence,
        )
    return finding
