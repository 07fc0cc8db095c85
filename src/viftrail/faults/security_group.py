"""S9: security groups whose port groups have drifted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.local import (
    dropped,
    lets_in,
    lets_out,
    mute_versions,
    rules_in,
    rules_known,
    versions_of,
)
from viftrail.chain.quoting import q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import LogicalSwitchPort, PortGroup
from viftrail.facts.slice import DROP_GROUP
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL, owned_row
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step


def _drifted(cloud: Cloud) -> Iterator[Case]:
    for port in cloud.ports.values():
        row = port.row
        if row is None:
            continue
        lacking = _lacking(cloud, port)
        if not lacking or _cut_off(cloud, port):
            continue  # without any egress rule it is sg-egress-missing
        name = lacking[0]
        group_id = name.removeprefix("pg_").replace("_", "-")
        yield Case(
            subject=subject.port(port.id),
            summary=f"{port.label} belongs to security group {group_id}, but its port group does "
            "not hold the port: the group's rules do not apply to it",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"Port_Group {name} ports",
                    seen="the port is not among them",
                    expected=row.uuid,
                    command=f"ovn-nbctl get Port_Group {q(name)} ports",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl add Port_Group {q(name)} ports {q(row.uuid)}",
                undo=f"ovn-nbctl remove Port_Group {q(name)} ports {q(row.uuid)}",
                openstack=f"openstack port set --security-group {q(group_id)} {q(port.id)}",
                openstack_undo=f"openstack port unset --security-group {q(group_id)} {q(port.id)}",
                verify=f"ovn-nbctl get Port_Group {q(name)} ports",
            ),
        )


def _lacking(cloud: Cloud, port: Port) -> list[str]:
    """The port groups that its owner lists, and that do not hold it."""
    members = cloud.members_of_groups
    uuid = port.row.uuid if port.row else ""
    return [name for name in _wanted(port) if name in members and uuid not in members[name]]


def _wanted(port: Port) -> list[str]:
    if port.owned:
        return list(port.owned.port_groups)
    row = port.row
    ids = row.external_ids.get("neutron:security_group_ids", "").split() if row else []
    return ["pg_" + group.replace("-", "_") for group in ids]


def _cut_off(cloud: Cloud, port: Port) -> bool:
    return dropped(cloud, port) and not any(lets_out(cloud, g) for g in cloud.groups_of(port))


def _closed(cloud: Cloud) -> Iterator[Case]:
    for port in cloud.ports.values():
        row = port.row
        if row is None or not dropped(cloud, port) or not rules_known(cloud, port):
            continue
        groups = [group for group in cloud.groups_of(port) if group.name != DROP_GROUP]
        if any(lets_in(cloud, group) for group in groups):
            continue
        if _cut_off(cloud, port) or _lacking(cloud, port):
            continue  # those are sg-egress-missing and sg-portgroup-drift, and say why
        names = [group.name for group in groups]
        security_group = names[0].removeprefix("pg_").replace("_", "-") if names else "GROUP"
        yield Case(
            subject=subject.port(port.id),
            summary=f"no security group of {port.label} lets anything in: it can send and gets "
            "answers, and nobody can reach it",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"to-lport rules of {', '.join(names)}",
                    seen="none that allows",
                    expected="at least one, if it is to be reached",
                    command=f"ovn-nbctl --type=port-group acl-list {q(names[0])}",
                ),
            ),
            steps=(
                Step(
                    command=f"openstack security group rule create --protocol icmp {q(security_group)}",
                    where=ADMIN_SHELL,
                    risk=Risk.SAFE,
                    undo="openstack security group rule delete RULE, with the id that it printed",
                    verify=f"openstack security group rule list {q(security_group)}",
                ),
            ),
            certainty=Certainty.LIKELY,
            victims=frozenset(),
            note="A tenant may want it so. This lets ping in; open what shall be reached, and no more.",
        )


def _peerless(cloud: Cloud) -> Iterator[Case]:
    reached = _reached(cloud)
    for port in cloud.ports.values():
        row = port.row
        # Most ports are let in to by somebody, and need no look at their groups one by one.
        if row is None or any(row.uuid in reached[version] for version in versions_of(port)):
            continue
        if not dropped(cloud, port) or not rules_known(cloud, port):
            continue
        groups = [group for group in cloud.groups_of(port) if group.name != DROP_GROUP]
        rules = set(_let_in(cloud, port, groups))
        if not rules or _cut_off(cloud, port) or _lacking(cloud, port):
            continue  # those are sg-egress-missing and sg-portgroup-drift, and say why
        names, sets = sorted({name for name, _ in rules}), sorted({each for _, each in rules})
        remote = sorted({source.rpartition("_ip")[0] for source in sets})
        shown = ", ".join(_security_group(name) for name in remote)
        yield Case(
            subject=subject.port(port.id),
            summary=f"every rule that lets anything in to {port.label} is for the members of security "
            f"group {shown}, and that has no member with an address: nobody can reach the VM",
            evidence=(
                *(
                    Evidence(
                        where=NORTHBOUND,
                        what=f"to-lport rules of {name}",
                        seen="only those from "
                        + ", ".join(f"${source}" for of, source in sorted(rules) if of == name),
                        expected="one that lets in who shall reach it",
                        command=f"ovn-nbctl --type=port-group acl-list {q(name)}",
                    )
                    for name in names
                ),
                *(
                    Evidence(
                        where=NORTHBOUND,
                        what=f"Port_Group {name} ports, of which ${name}_ip4 and _ip6 are made",
                        seen="none with an IP address",
                        expected="the ports that shall reach it",
                        command=f"ovn-nbctl get Port_Group {q(name)} ports",
                    )
                    for name in remote
                ),
            ),
            steps=(
                Step(
                    command=f"openstack port set --security-group {q(_security_group(remote[0]))} PEER",
                    where=ADMIN_SHELL,
                    risk=Risk.SAFE,
                    undo="openstack port unset --security-group "
                    f"{q(_security_group(remote[0]))} PEER",
                    verify=f"ovn-sbctl find Address_Set name={q(sets[0])}",
                ),
            ),
            certainty=Certainty.LIKELY,
            victims=frozenset(),
            note="A tenant may have made the rule before its peers. PEER is the port that shall reach "
            "it. A port whose port security is off is in no group, and an allowed address pair is in "
            "no group's set: let those in by a rule with --remote-ip.",
        )


def _reached(cloud: Cloud) -> dict[str, set[str]]:
    """By IP version: the UUIDs of the ports that some rule lets somebody reach."""
    reached: dict[str, set[str]] = {"4": set(), "6": set()}
    for group in cloud.nb[PortGroup]:
        for version, ports in reached.items():
            rules = rules_in(cloud, group, version)
            if any(not _nobody_in(cloud, rule.source_set) for rule in rules):
                ports.update(group.ports)
    return reached


def _let_in(cloud: Cloud, port: Port, groups: list[PortGroup]) -> Iterator[tuple[str, str]]:
    """Each rule that can let somebody reach the port: whose it is, and the address set it asks for."""
    for group in groups:
        for version in versions_of(port):
            for rule in rules_in(cloud, group, version):
                yield group.name, rule.source_set


def _nobody_in(cloud: Cloud, source: str) -> bool:
    """It is proved that northd has no address to put into this address set of a port group."""
    name, _, version = source.rpartition("_ip")
    group = cloud.nb[PortGroup].one("name", name)
    if group is None:
        return False
    for uuid in group.ports:
        member = cloud.nb[LogicalSwitchPort].one("uuid", uuid)
        if member is None or _has_address(member, version):
            return False
    return True


def _has_address(member: LogicalSwitchPort, version: str) -> bool:
    """The port says an address of this IP version, or leaves it to OVN to choose one."""
    words = [word for text in member.addresses for word in text.split()]
    return "dynamic" in words or any(_version_of(word) == version for word in words)


def _version_of(word: str) -> str:
    """The IP version of an address; empty for what is none, such as a MAC."""
    try:
        return str(ipaddress.ip_interface(word).version)
    except ValueError:
        return ""


def _security_group(name: str) -> str:
    """The id of the security group that Neutron made this Port_Group of."""
    return name.removeprefix("pg_").replace("_", "-")


def _one_version(cloud: Cloud) -> Iterator[Case]:
    for port in cloud.ports.values():
        mute = mute_versions(cloud, port) if len(versions_of(port)) > 1 else ()
        if len(mute) != 1 or _lacking(cloud, port):
            continue  # mute by all versions it is sg-egress-missing
        (version,) = mute
        groups = [group.name for group in cloud.groups_of(port) if group.name != DROP_GROUP]
        name, match = groups[0], q(f"inport == @{groups[0]} && ip{version}")
        yield Case(
            subject=subject.port(port.id),
            summary=f"no security group lets {port.label} send by IPv{version}: every such packet is "
            "dropped",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"from-lport rules of {', '.join(groups)} for IPv{version}",
                    seen="none that allows",
                    expected="at least one",
                    command=f"ovn-nbctl --type=port-group acl-list {q(name)}",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl --type=port-group acl-add {q(name)} from-lport 1002 {match} "
                "allow-related",
                undo=f"ovn-nbctl --type=port-group acl-del {q(name)} from-lport 1002 {match}",
                openstack=f"openstack security group rule create --egress --ethertype IPv{version} "
                + q(name.removeprefix("pg_").replace("_", "-")),
                openstack_undo="delete the rule by the id that the command prints",
                verify=f"ovn-nbctl --type=port-group acl-list {q(name)}",
            ),
            certainty=Certainty.LIKELY,
            note=f"A tenant may want no IPv{version} out, although the port has such an address.",
        )


FAULTS = (
    Fault(
        id="sg-ingress-missing",
        stage=Stage.LOCAL,
        title="No security group lets anybody reach the VM",
        what="None of the port's security groups has a rule for incoming traffic, so neutron_pg_drop "
        "drops whatever is no answer. It is what a new security group is before a rule is added.",
        shows="The VM gets its lease and reaches everything; ping and ssh to it, or to its floating "
        "IP, time out.",
        decisive="The port is in neutron_pg_drop, and no group of it has an allow rule to-lport. "
        "Whether that is meant only the tenant knows, so an audit does not list it.",
        remedy="Add the rule that is missing, if the VM is meant to be reached.",
        risk=Risk.SAFE,
        references=("neutron: common/ovn/acl.py", "ovn-nb(5), ACL direction"),
        unlike={
            "sg-egress-missing": "there the VM cannot send either, and has no lease",
            "fip-nat-row-missing": "there even other VMs reach it by its own address",
        },
        find=_closed,
        one_way=True,
        intended=True,
    ),
    Fault(
        id="sg-remote-group-empty",
        stage=Stage.LOCAL,
        title="Security groups let in members of a group that has none",
        what="Every rule for incoming traffic names a remote security group. It matches the addresses "
        "of that group's ports, and there are none: the peers are in another group, have no port "
        "security and so no group, or use an address of allowed_address_pairs, which no set holds.",
        shows="The VM gets its lease and reaches everything; nobody reaches it, though the rules look "
        "right. An audit does not list it, as the peers may be yet to come.",
        decisive="Each allow rule to-lport asks for `$pg_GROUP_ip4` or `_ip6`, and no port of that "
        "Port_Group has an address of this version. Southbound's Address_Set of that name is empty.",
        remedy="Put the peers' ports into the remote group, or write a rule with --remote-ip.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), Port_Group name", "neutron: common/ovn/acl.py acl_remote_group_id"),
        unlike={
            "sg-ingress-missing": "there is no rule for incoming traffic at all",
            "sg-portgroup-drift": "there it is the VM's own group that does not hold its port",
        },
        find=_peerless,
        one_way=True,
        intended=True,
    ),
    Fault(
        id="sg-egress-version-missing",
        stage=Stage.LOCAL,
        title="Security groups let the VM send by one IP version only",
        what="The port has IPv4 and IPv6 addresses, and its security groups have egress rules for one "
        "of the two: the other default rule was deleted, or never written.",
        shows="The guest has both addresses, and one of them is mute: over IPv6 neighbours and the "
        "router answer its discovery, which OVN always lets pass, and nothing else does.",
        decisive="The port is in neutron_pg_drop, and no allow rule from-lport of its groups can match "
        "that IP version. Whether that is meant only the tenant knows, so an audit does not list it.",
        remedy="Add the egress rule of that version, if the VM is to send by it.",
        risk=Risk.SAFE,
        references=("neutron: common/ovn/acl.py", "ovn-northd(8), ACLs, neighbor discovery"),
        unlike={
            "sg-egress-missing": "there the VM sends by no version",
            "ipv6-ra-missing": "there the guest has no IPv6 address",
        },
        find=_one_version,
        intended=True,
    ),
    Fault(
        id="sg-portgroup-drift",
        stage=Stage.LOCAL,
        title="A security group does not hold its port",
        what="The port's owner lists a security group, but the Port_Group of that group lacks the "
        "port: an update failed, or somebody edited the group.",
        shows="Rules are right in Neutron and traffic is dropped all the same.",
        decisive="The port's UUID is not in Port_Group.ports of a group that its owner lists.",
        remedy="Have the owner set the port's groups again.",
        risk=Risk.SAFE,
        references=("neutron: ovn_db_sync.py",),
        unlike={"sg-egress-missing": "there no group at all lets the port send"},
        find=_drifted,
    ),
)
