"""S6: ports that may be claimed by the wrong number of chassis, or by none."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Plug, Port
from viftrail.chain.quoting import atom, db, q
from viftrail.chain.vif import usable
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import claimed, on_host, owned_row, plug_again, rewritten_row
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

NOT_CLAIMED = frozenset(
    {"localport", "localnet", "router", "l2gateway", "virtual", "patch", "vtep"}
)
"""Types that no chassis claims because of an Interface (ovn-nb(5), Logical_Switch_Port type)."""


def _left_over(cloud: Cloud) -> Iterator[Case]:
    for port in cloud.ports.values():
        wanted = port.row.options.get("requested-chassis", "") if port.row else ""
        home, _, others = wanted.partition(",")
        if not others:
            continue
        targets = others.split(",")
        looked = [cloud.hosts[name] for name in targets if name in cloud.hosts]
        if any(plug.host != home for plug in cloud.plugs.get(port.id, ())):
            continue  # it is plugged at the target: the migration is under way
        sure = len(looked) == len(targets) and all(host.vswitch for host in looked)
        yield Case(
            subject=subject.port(port.id),
            summary=f"the port of {port.label} is still promised to {', '.join(targets)} besides "
            f"{home}, and nothing is plugged there: a live migration ended without clearing up",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what="Logical_Switch_Port.options:requested-chassis",
                    seen=wanted,
                    expected=home,
                    command=f"ovn-nbctl get Logical_Switch_Port {q(port.id)} options",
                ),
                *(
                    Evidence(
                        where=name,
                        what=f"Interface external_ids:iface-id={port.id}",
                        seen="none" if name in cloud.hosts else "not looked at",
                        expected="one, while the VM is migrated there",
                        command="ovs-vsctl --columns=name find Interface "
                        f"external_ids:iface-id={db(port.id)}",
                    )
                    for name in targets
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl set Logical_Switch_Port {q(port.id)} "
                f"options:requested-chassis={db(home)}",
                undo=f"ovn-nbctl set Logical_Switch_Port {q(port.id)} "
                f"options:requested-chassis={q(atom(wanted))}",
                openstack=f"openstack port unset --binding-profile migrating_to {q(port.id)}",
                openstack_undo="openstack port set --binding-profile "
                f"migrating_to={q(targets[0])} {q(port.id)}",
                verify=f"ovn-nbctl get Logical_Switch_Port {q(port.id)} options",
            ),
            # It takes a moment from the promise to the plug.
            certainty=Certainty.LIKELY if sure else Certainty.POSSIBLE,
            victims=frozenset(),
            note="Make sure first that no live migration of it is under way: "
            "openstack server migration list.",
        )


def _pingpong(cloud: Cloud) -> Iterator[Case]:
    for port_id, plugs in cloud.plugs.items():
        port = cloud.ports.get(port_id)
        if port is None or port.row is None or port.requested_chassis:
            continue
        able = [plug for plug in plugs if usable(cloud.hosts[plug.host], plug)]
        hosts = sorted({plug.host for plug in able})
        if len(hosts) < 2:
            continue
        home = _home(port, able)
        wrong = [plug for plug in able if home in hosts and plug.host != home]
        holder = cloud.chassis_of(cloud.binding(port_id))
        yield Case(
            subject=subject.port(port.id),
            summary=f"{' and '.join(hosts)} both have a plug for {port.label}, whose port is "
            "promised to none: they take the claim from each other again and again",
            evidence=(
                *(
                    Evidence(
                        where=plug.host,
                        what=f"Interface external_ids:iface-id={port.id}",
                        seen=f"{plug.interface.name} in {plug.bridge}",
                        expected="on one host only" + (f", {home}" if home else ""),
                        command="ovs-vsctl --columns=name find Interface "
                        f"external_ids:iface-id={db(port.id)}",
                    )
                    for plug in able
                ),
                Evidence(
                    where=NORTHBOUND,
                    what="Logical_Switch_Port.options:requested-chassis",
                    seen="not set",
                    expected=home or "the host where the VM runs",
                    command=f"ovn-nbctl get Logical_Switch_Port {q(port.id)} options",
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what="Port_Binding.chassis",
                    seen=f"{holder.hostname} just now" if holder else "nobody just now",
                    expected="one that does not change",
                    command=f"ovn-sbctl --columns=chassis find Port_Binding logical_port={db(port.id)}",
                ),
            ),
            steps=(*_unplug(wrong), *(_promise(cloud, port, home) if wrong else ())),
            note=""
            if wrong
            else "Find the host where no VM has the device (`virsh list`), and delete the port from "
            "br-int there.",
        )


def _home(port: Port, plugs: list[Plug]) -> str:
    """Where the VM runs: its owner's word, Neutron's, or where the plug has the name Nova gives."""
    if port.owned:
        return port.owned.host
    said = port.row.external_ids.get("neutron:host_id", "") if port.row else ""
    named = [plug.host for plug in plugs if plug.interface.name in port.device_names()]
    return said or (named[0] if len(named) == 1 else "")


def _unplug(plugs: list[Plug]) -> Iterator[Step]:
    for plug in plugs:
        yield from on_host(
            plug.host,
            f"ovs-vsctl --if-exists del-port {q(plug.bridge)} {q(plug.interface.name)}",
            undo=plug_again(plug.bridge, plug.interface),
            verify=f"ovs-vsctl find Interface name={db(plug.interface.name)}",
        )


def _promise(cloud: Cloud, port: Port, home: str) -> tuple[Step, ...]:
    return owned_row(
        cloud,
        ovn=f"ovn-nbctl set Logical_Switch_Port {q(port.id)} options:requested-chassis={db(home)}",
        undo=f"ovn-nbctl remove Logical_Switch_Port {q(port.id)} options requested-chassis",
        openstack=f"openstack port set --host {q(home)} {q(port.id)}",
        verify=claimed(port.id),
    )


def _wrong_type(cloud: Cloud) -> Iterator[Case]:
    for port_id, plugs in cloud.plugs.items():
        for row in cloud.nb[LogicalSwitchPort].find("name", port_id):
            if row.type not in NOT_CLAIMED:
                continue
            owner = row.external_ids.get("neutron:device_owner", "")
            if cloud.owner.port(port_id) is None and not owner.startswith("compute:"):
                continue
            port = cloud.ports.get(port_id) or Port(port_id, row, None)
            binding = cloud.binding(port_id)
            yield Case(
                subject=subject.port(port_id),
                summary=f"the port of {port.label} is of type {row.type}, which no chassis claims, "
                f"and {plugs[0].host} has a VM's plug for it",
                evidence=(
                    Evidence(
                        where=NORTHBOUND,
                        what="Logical_Switch_Port.type",
                        seen=row.type,
                        expected="empty, as for every VM's port",
                        command=f"ovn-nbctl lsp-get-type {q(port_id)}",
                    ),
                    *(
                        (
                            Evidence(
                                where=SOUTHBOUND,
                                what="Port_Binding.type and chassis",
                                seen=f"{binding.type or 'empty'}, "
                                + ("claimed" if binding.chassis else "nobody"),
                                expected=f"empty, {plugs[0].host}",
                                command="ovn-sbctl --columns=type,chassis find Port_Binding "
                                f"logical_port={db(port_id)}",
                            ),
                        )
                        if binding
                        else ()
                    ),
                ),
                steps=rewritten_row(
                    cloud,
                    port_id,
                    ovn=f"ovn-nbctl lsp-set-type {q(port_id)} ''",
                    undo=f"ovn-nbctl lsp-set-type {q(port_id)} {q(row.type)}",
                    verify=claimed(port_id),
                ),
            )


FAULTS = (
    Fault(
        id="pb-migration-leftover",
        stage=Stage.SOUTHBOUND,
        title="A port is still promised to the target of a migration",
        what="requested-chassis names two hosts, as during a live migration, and the migration has "
        "ended or failed: `migrating_to` was left in the port's binding profile.",
        shows="Mostly nothing. What is sent to the VM is copied to the second host, and on a provider "
        "network its traffic is forced into tunnels, whose MTU is smaller.",
        decisive="options:requested-chassis has a comma, and no Interface on the second host carries "
        "the port's id.",
        remedy="Remove `migrating_to` from the binding profile in Neutron.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), requested-chassis", "neutron: ovn_client.py, MIGRATING_ATTR"),
        unlike={
            "pb-requested-chassis-mismatch": "there the first host named is not the VM's",
            "a live migration under way": "there the second host has the plug already",
        },
        find=_left_over,
        spares_others=True,
    ),
    Fault(
        id="pb-pingpong",
        stage=Stage.SOUTHBOUND,
        title="Two hosts take a port from each other",
        what="Interfaces on two hosts carry the port's iface-id, and requested-chassis is not set, so "
        "each ovn-controller claims the port whenever the other has it.",
        shows="The VM is reachable for moments. Both hosts log `Changing chassis for lport …` twice a "
        "second, and Nova gets a storm of events.",
        decisive="Interfaces with the port's id in br-int of two hosts, and no requested-chassis.",
        remedy="Delete the port from br-int of the host where the VM does not run, and have Neutron "
        "name the other one.",
        risk=Risk.SAFE,
        references=("ovn: controller/binding.c claim_lport", "ovn-nb(5), requested-chassis"),
        unlike={
            "vif-duplicate-iface-id": "there both are on one host, or only one host may claim",
            "pb-requested-chassis-mismatch": "there the option is set, to the wrong host",
        },
        find=_pingpong,
    ),
    Fault(
        id="pb-wrong-type",
        stage=Stage.SOUTHBOUND,
        title="A VM's port has a type that nobody claims",
        what="Logical_Switch_Port.type of a VM's port is localport, virtual or another, set by hand or "
        "by a script that meant another row.",
        shows="The VM may still reach its gateway, and nobody reaches it from another host. "
        "Port_Binding.chassis is empty, `up` may be true.",
        decisive="The type is not empty, and an Interface on a host carries the port's id for a VM.",
        remedy="Have Neutron write the row again; it empties the type of a VM's port.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), Logical_Switch_Port type", "ovn: controller/binding.c"),
        unlike={
            "vif-not-in-br-int": "there no Interface carries the port's id",
            "a metadata port": "it is a localport, and belongs to no VM",
        },
        find=_wrong_type,
    ),
)
