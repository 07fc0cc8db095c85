"""S12: provider networks without a working localnet port."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.northbound import enabled
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import LogicalSwitch, LogicalSwitchPort
from viftrail.faults.fault import Case, Fault
from viftrail.faults.provider import PHYSNET
from viftrail.faults.step import on_host, owned_row
from viftrail.verdict import Evidence, Risk, Stage, Step

NETWORK_TYPE = "neutron:provnet-network-type"
SYNC = "neutron-ovn-db-sync-util --ovn-neutron_sync_mode repair"


def _vanished(cloud: Cloud) -> Iterator[Case]:
    table = cloud.nb[LogicalSwitchPort]
    for switch in cloud.nb[LogicalSwitch]:
        physnet = switch.external_ids.get(PHYSNET, "")
        if not physnet or not all(table.knows("uuid", uuid) for uuid in switch.ports):
            continue
        localnets = [member for member in cloud.members(switch) if member.type == "localnet"]
        if any(member.options.get("network_name") == physnet for member in localnets):
            continue
        seen = ", ".join(m.options.get("network_name", "") or "none" for m in localnets)
        wrong = localnets[0].name if localnets else ""
        yield Case(
            subject=subject.network(switch.name),
            summary=f"provider network {switch.name} has "
            + (f"a localnet port for {seen}" if localnets else "no localnet port")
            + f" instead of one for {physnet}, so it ends inside OVN",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"localnet ports of {switch.name}",
                    seen=seen or "none",
                    expected=f"one with network_name={physnet}",
                    command=f"ovn-nbctl lsp-list {q(switch.name)}",
                ),
            ),
            steps=_restore(cloud, switch, wrong, seen),
            note="On a VLAN network the port also needs its tag: "
            "`ovn-nbctl set Logical_Switch_Port … tag=`."
            if switch.external_ids.get("neutron:provnet-network-type") == "vlan"
            else "",
        )


def _restore(cloud: Cloud, switch: LogicalSwitch, wrong: str, seen: str) -> tuple[Step, ...]:
    physnet = switch.external_ids[PHYSNET]
    port = wrong or f"provnet-{switch.uuid}"
    word = q(port)
    make = (
        f"lsp-add {q(switch.name)} {word} -- lsp-set-type {word} localnet "
        f"-- lsp-set-addresses {word} unknown -- lsp-set-options {word} network_name={q(physnet)}"
    )
    name = f"set Logical_Switch_Port {word} options:network_name="
    return owned_row(
        cloud,
        ovn="ovn-nbctl " + (name + db(physnet) if wrong else make),
        undo="ovn-nbctl " + (name + db(seen) if wrong else f"lsp-del {word}"),
        openstack=SYNC,
        verify=f"ovn-nbctl lsp-list {q(switch.name)}",
    )


def _mistagged(cloud: Cloud) -> Iterator[Case]:
    table = cloud.nb[LogicalSwitchPort]
    # Which tag a VLAN network has stands in no other row: its owner knows.
    segments = {owned.switch: owned.vlan for owned in cloud.owner.ports if owned.vlan is not None}
    for switch in cloud.nb[LogicalSwitch]:
        kind = switch.external_ids.get(NETWORK_TYPE, "")
        ports = cloud.localnets_of(switch) if kind in ("flat", "vlan") else ()
        if len(ports) != 1:
            continue  # of several segments each has a type and a tag of its own
        (port,) = ports
        right = segments.get(switch.name, port.tag) if kind == "vlan" else None
        if port.tag == right and (port.tag is not None) is (kind == "vlan"):
            continue
        if not all(table.knows("uuid", uuid) for uuid in switch.ports):
            continue
        yield _tag_case(cloud, switch, port, right)


def _tag_case(
    cloud: Cloud, switch: LogicalSwitch, port: LogicalSwitchPort, right: int | None
) -> Case:
    """``right`` is the VLAN that the port shall tag frames with; None where nobody says it."""
    kind = switch.external_ids[NETWORK_TYPE]
    column = f"Logical_Switch_Port {q(port.name)} tag"
    wanted = "the network's segmentation id" if right is None else str(right)
    return Case(
        subject=subject.network(switch.name),
        summary=f"provider network {switch.name} is {kind}"
        + (f" {right}" if right is not None else "")
        + ", but its localnet port "
        + (
            "sends its frames untagged" if port.tag is None else f"tags frames with VLAN {port.tag}"
        ),
        evidence=(
            Evidence(
                where=NORTHBOUND,
                what=column,
                seen="none" if port.tag is None else str(port.tag),
                expected="none" if kind == "flat" else wanted,
                command=f"ovn-nbctl get {column}",
            ),
            Evidence(
                where=NORTHBOUND,
                what=f"Logical_Switch {switch.name} {NETWORK_TYPE}",
                seen=kind,
                expected="flat, and no tag" if kind == "flat" else "vlan, and its tag",
                command=f"ovn-nbctl get Logical_Switch {q(switch.name)} external_ids",
            ),
        ),
        steps=()
        if kind == "vlan" and right is None
        else owned_row(
            cloud,
            ovn=_retag(port.name, right),
            undo=_retag(port.name, port.tag),
            openstack=SYNC,
            verify=f"ovn-nbctl get {column}",
        ),
        note="`openstack network show -c provider:segmentation_id` tells the tag; set it with "
        f"`ovn-nbctl set Logical_Switch_Port {q(port.name)} tag=`."
        if kind == "vlan" and right is None
        else "",
    )


def _retag(port: str, tag: int | None) -> str:
    """With tag_request, which northd copies to tag where it is set (ovn-nb(5))."""
    if tag is None:
        return f"ovn-nbctl clear Logical_Switch_Port {q(port)} tag tag_request"
    return f"ovn-nbctl set Logical_Switch_Port {q(port)} tag={tag} tag_request={tag}"


def _disabled(cloud: Cloud) -> Iterator[Case]:
    for port in cloud.nb[LogicalSwitchPort]:
        if port.type != "localnet" or port.enabled is not False:
            continue
        for switch in cloud.nb[LogicalSwitch].find("ports", port.uuid):
            yield Case(
                subject=subject.network(switch.name),
                summary=f"the localnet port of provider network {switch.name} is administratively "
                "down, so it ends inside OVN",
                evidence=(enabled(port),),
                # Neutron has no such port, and never writes this column of it.
                steps=on_host(
                    cloud.central_name,
                    f"ovn-nbctl lsp-set-enabled {q(port.name)} enabled",
                    undo=f"ovn-nbctl lsp-set-enabled {q(port.name)} disabled",
                    verify=f"ovn-nbctl get Logical_Switch_Port {q(port.name)} enabled",
                ),
            )


FAULTS = (
    Fault(
        id="prov-localnet-wrong",
        stage=Stage.PROVIDER,
        title="A provider network has no localnet port of its physical network",
        what="The localnet port of the provider network is missing, or names another physical network "
        "than the network itself.",
        shows="North-south traffic and floating IPs are dead. With a wrong name ovn-controller logs "
        "`bridge not found for localnet port …`, with that name.",
        decisive="No port of type localnet in the switch has the network_name that the switch's "
        "neutron:provnet-physical-network says.",
        remedy="Have Neutron write the port again (sync repair); without Neutron, make it.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), localnet", "neutron: ovn_db_sync.py"),
        unlike={"prov-mapping-missing": "there the port is right and the chassis has no mapping"},
        find=_vanished,
    ),
    Fault(
        id="prov-vlan-mismatch",
        stage=Stage.PROVIDER,
        title="A provider network's frames carry the wrong VLAN",
        what="The localnet port of a flat network has a VLAN tag, or that of a VLAN network has none, "
        "or another than its owner gave the network.",
        shows="North-south traffic and floating IPs are dead; on the wire ARP requests leave in the "
        "wrong VLAN (`tcpdump -e`).",
        decisive="Logical_Switch_Port.tag contradicts the switch's neutron:provnet-network-type, or "
        "the segmentation id that the owner of its ports tells.",
        remedy="Take the tag away, or set the network's segmentation id.",
        risk=Risk.SAFE,
        references=(
            "ovn-nb(5), Logical_Switch_Port tag",
            "neutron: ovn_client.py create_provnet_port",
        ),
        unlike={
            "prov-localnet-wrong": "there the port is missing or of another physical network",
            "prov-nic-not-in-bridge": "there no frame leaves the host at all",
        },
        find=_mistagged,
    ),
    Fault(
        id="prov-localnet-disabled",
        stage=Stage.PROVIDER,
        title="The localnet port of a provider network is administratively down",
        what="Somebody set `enabled=false` by hand at the port of type localnet; northd drops what "
        "goes in and out of it.",
        shows="North-south traffic and floating IPs are dead; ARP for the next hop is not answered.",
        decisive="Logical_Switch_Port.enabled of the localnet port is false.",
        remedy="Enable the port.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), Logical_Switch_Port enabled", "ovn: northd.c lsp_is_enabled"),
        unlike={"prov-localnet-wrong": "there the port is missing or of another physical network"},
        find=_disabled,
        unprovoked="one column tells it all: it is tested in a recording where that one is changed",
    ),
)
