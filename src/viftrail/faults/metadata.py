"""S9: the metadata service that answers on 169.254.169.254, on the VM's own host."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Plug, Port
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import DHCPOptions, LogicalSwitch, LogicalSwitchPort
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host, owned_row
from viftrail.verdict import Evidence, Risk, Stage, Step

ADDRESS = "169.254.169.254"
AGENT = "neutron-ovn-metadata-agent"
METADATA_AGENTS = (AGENT, "neutron-ovn-agent")
"""From Neutron 2025.2 on the second can take the first one's place."""


def _unserved(cloud: Cloud) -> Iterator[Case]:
    for switch, row in cloud.metadata_ports:
        if not _addresses(row):
            continue  # the agent leaves such a network alone: metadata-port-without-ip
        told = {options.uuid for options in cloud.options_in_use(switch) if _next_hop(options)}
        plugged = {plug.host for plug in cloud.plugs.get(row.name, ()) if _works(cloud, plug)}
        homes = sorted(
            (
                (host, port)
                for port, host in _claimed(cloud, switch)
                # Guests that DHCP does not send there do without.
                if host not in plugged and port.row and port.row.dhcpv4_options in told
                if _served(cloud, host)
            ),
            key=lambda home: (home[0], home[1].id),
        )
        for host, members in groupby(homes, key=itemgetter(0)):
            yield Case(
                subject=subject.network(switch.name),
                summary=f"{host} has no metadata service for network {_label(switch)}: nobody there "
                f"answers {ADDRESS}",
                evidence=(
                    Evidence(
                        where=host,
                        what=f"Interface external_ids:iface-id={row.name}",
                        seen=_plugged_wrong(cloud, row, host),
                        expected=f"tap… in br-int with an ofport, the end of {_namespace(row)}",
                        command="ovs-vsctl --columns=name,ofport,error find Interface "
                        f"external_ids:iface-id={db(row.name)}",
                    ),
                    Evidence(
                        where=NORTHBOUND,
                        what=f"Logical_Switch_Port {row.name}",
                        seen=f"type localport, {', '.join(row.addresses)}",
                        expected="plugged on every host with a VM of the network",
                        command=f"ovn-nbctl list Logical_Switch_Port {q(row.name)}",
                    ),
                ),
                steps=on_host(
                    host,
                    f"systemctl restart {AGENT}",
                    undo=f"systemctl stop {AGENT}",
                    verify=f"ovs-vsctl find Interface external_ids:iface-id={db(row.name)}",
                ),
                victims=frozenset(subject.port(port.id) for _, port in members),
                note="From Neutron 2025.2 on the agent may be neutron-ovn-agent.",
            )


def _label(switch: LogicalSwitch) -> str:
    """The network's name as its users know it."""
    return switch.external_ids.get("neutron:network_name") or switch.name


def _served(cloud: Cloud, host: str) -> bool:
    """Some metadata agent is meant to run there; where Neutron was not asked, one is."""
    agents = cloud.openstack.agents
    return agents is None or any(
        agent.host == host and agent.binary in METADATA_AGENTS for agent in agents
    )


def _works(cloud: Cloud, plug: Plug) -> bool:
    """It is in the integration bridge, and ovs-vswitchd opened its device."""
    bridge = cloud.hosts[plug.host].integration_bridge
    return plug.bridge == bridge and (plug.interface.ofport or 0) > 0


def _plugged_wrong(cloud: Cloud, row: LogicalSwitchPort, host: str) -> str:
    for plug in cloud.plugs.get(row.name, ()):
        if plug.host == host:
            ofport = "no ofport" if plug.interface.ofport is None else str(plug.interface.ofport)
            return f"{plug.interface.name}, ofport {ofport}, in {plug.bridge or 'no bridge'}"
    return "no such Interface"


def _claimed(cloud: Cloud, switch: LogicalSwitch) -> Iterator[tuple[Port, str]]:
    """The network's VMs that are bound, on hosts whose Interfaces were read."""
    for member in cloud.members(switch):
        port = cloud.ports.get(member.name)
        chassis = cloud.chassis_of(cloud.binding(member.name)) if port else None
        host = cloud.hosts.get(chassis.hostname) if chassis else None
        if port and chassis and host and host.vswitch:
            yield port, chassis.hostname


def _unaddressed(cloud: Cloud) -> Iterator[Case]:
    for switch, row in cloud.metadata_ports:
        for options in cloud.options_in_use(switch):
            hop = _next_hop(options)
            if not hop or hop in _addresses(row):
                continue
            users = [
                member.name
                for member in cloud.members(switch)
                if member.dhcpv4_options == options.uuid and member.name in cloud.ports
            ]
            entry = " ".join([*(row.addresses[0].split() if row.addresses else ()), hop])
            subnet = options.external_ids.get("subnet_id", "SUBNET")
            yield Case(
                subject=subject.network(switch.name),
                summary=f"guests of {options.cidr} are sent to {hop} for their metadata, which the "
                "network's metadata port does not have",
                evidence=(
                    Evidence(
                        where=NORTHBOUND,
                        what=f"Logical_Switch_Port {row.name} addresses",
                        seen=", ".join(row.addresses) or "empty",
                        expected=f"{hop} among them",
                        command=f"ovn-nbctl lsp-get-addresses {q(row.name)}",
                    ),
                    Evidence(
                        where=NORTHBOUND,
                        what=f"DHCP_Options {options.uuid} options:classless_static_route",
                        seen=options.options.get("classless_static_route", ""),
                        expected=f"{ADDRESS}/32 by way of an address of that port",
                        command=f"ovn-nbctl dhcp-options-get-options {q(options.uuid)}",
                    ),
                ),
                steps=owned_row(
                    cloud,
                    ovn=f"ovn-nbctl lsp-set-addresses {q(row.name)} {q(entry)}",
                    undo=f"ovn-nbctl lsp-set-addresses {q(row.name)} "
                    + (" ".join(q(text) for text in row.addresses) or "''"),
                    openstack=f"openstack port set --fixed-ip subnet={q(subnet)},ip-address={q(hop)} "
                    f"{q(row.name)}",
                    openstack_undo=f"openstack port unset --fixed-ip "
                    f"subnet={q(subnet)},ip-address={q(hop)} {q(row.name)}",
                    verify=f"ovn-nbctl lsp-get-addresses {q(row.name)}",
                )
                + tuple(_provision(cloud, row, users)),
                victims=frozenset(map(subject.port, users)),
                note=f"{AGENT} does not notice a first address by itself: hence its restart, on the "
                "hosts with a VM of the subnet. Guests keep on trying, or have to be rebooted.",
            )


def _provision(cloud: Cloud, row: LogicalSwitchPort, users: list[str]) -> Iterator[Step]:
    """Have the agents look again (PortBindingUpdatedEvent passes over a first address)."""
    for host in sorted({cloud.host_of(cloud.ports[name]) for name in users} - {""}):
        yield from on_host(
            host,
            f"systemctl restart {AGENT}",
            undo=f"systemctl stop {AGENT}",
            verify=f"ovs-vsctl find Interface external_ids:iface-id={db(row.name)}",
        )


def _addresses(row: LogicalSwitchPort) -> set[str]:
    """The IP addresses of a port's ``addresses`` column."""
    return {word for text in row.addresses for word in text.split()[1:]}


def _namespace(row: LogicalSwitchPort) -> str:
    return row.external_ids.get("neutron:device_id", "ovnmeta-NETWORK")


def _next_hop(options: DHCPOptions) -> str:
    """Where DHCP option 121 sends what is for the metadata service; empty where it does not say.

    The column is ``{prefix,hop, prefix,hop}`` (ovn-nb(5), classless_static_route).
    """
    text = options.options.get("classless_static_route", "").strip("{}")
    words = [word.strip() for word in text.split(",")]
    hop = dict(zip(words[::2], words[1::2], strict=False)).get(f"{ADDRESS}/32", "")
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return ""


FAULTS = (
    Fault(
        id="metadata-not-provisioned",
        stage=Stage.LOCAL,
        title="The host has no metadata service for the network",
        what="The network's metadata port is plugged on every host with a VM of the network, as the "
        "end of a namespace with a proxy in it. Here it is not: the metadata agent is dead, or "
        "failed for this network.",
        shows="DHCP and all other traffic work. ARP for the metadata address is answered by OVN, "
        "and every TCP connection to 169.254.169.254 times out; cloud-init waits for minutes, and "
        "the guest gets no SSH key.",
        decisive="No Interface in br-int of the VM's host carries the metadata port's id and has an "
        "ofport. Port_Binding says nothing: a localport never has a chassis.",
        remedy="Restart the metadata agent, which provisions all its networks anew.",
        risk=Risk.SAFE,
        references=(
            "neutron: agent/ovn/metadata/agent.py",
            "ovn-nb(5), Logical_Switch_Port type localport",
        ),
        unlike={
            "metadata-port-without-ip": "there the port itself lacks the address, on all hosts",
            "sg-egress-missing": "there DHCP fails too",
        },
        find=_unserved,
        spares_others=True,
    ),
    Fault(
        id="metadata-port-without-ip",
        stage=Stage.LOCAL,
        title="The network's metadata port has no address in the subnet",
        what="DHCP sends guests to an address for their metadata that the network's metadata port "
        "does not have: Neutron gave it none in this subnet, or took it away.",
        shows="169.254.169.254 is not answered in one subnet, on every host; all else works.",
        decisive="The next hop of 169.254.169.254/32 in DHCP_Options is no address of the localport.",
        remedy="Give the metadata port that address, and restart the metadata agents.",
        risk=Risk.SAFE,
        references=(
            "neutron: agent/ovn/metadata/agent.py _get_provision_params",
            "RFC 3442, classless static routes",
        ),
        unlike={"metadata-not-provisioned": "there the port has its address, and is not plugged"},
        find=_unaddressed,
        spares_others=True,
    ),
)
