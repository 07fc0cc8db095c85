"""S3: a port that is bound to nothing, to the wrong kind of switch, or whose status is old."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.binding import FAILED, UNBOUND
from viftrail.chain.cloud import Cloud
from viftrail.chain.physnet import mappings
from viftrail.chain.refused import agent_of, behind, network_of, refused, stands
from viftrail.facts.intent import is_guests
from viftrail.facts.southbound import Chassis
from viftrail.faults.fault import Case, Fault
from viftrail.faults.refusal import again
from viftrail.faults.step import ADMIN_SHELL, NO_UNDO
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

DPDK = "dpdkvhostuser"


def _sticky(cloud: Cloud) -> Iterator[Case]:
    """Nothing keeps it from being bound any more, and nobody has tried since."""
    for each in refused(cloud):
        chassis = cloud.sb[Chassis].one("hostname", each.host)
        agent = agent_of(cloud, each.host)
        if each.row is None or each.row.vif_type != FAILED or chassis is None:
            continue
        network = network_of(cloud, each)
        physnet = network.physical_network if network else ""
        if physnet and physnet not in mappings(chassis.bridge_mappings):
            continue
        if physnet and agent is not None and physnet not in mappings(agent.bridge_mappings):
            continue  # Neutron does not see it: bind-mappings-not-seen
        if (agent is not None and not agent.alive) or behind(cloud, each.host) > 1:
            continue
        yield Case(
            subject=each.about,
            summary=f"port {each.port_id} stayed binding_failed, though {each.host} would take it now: "
            "Neutron only tries again when the port is changed",
            evidence=(
                stands(each.row),
                Evidence(
                    where="OVN_Southbound",
                    what=f"Chassis hostname={each.host}",
                    seen="registered, and up to date",
                    expected="that, so nothing is left that refuses it",
                    command=f"ovn-sbctl --columns=name,hostname,other_config find Chassis "
                    f"hostname={each.host}",
                ),
            ),
            steps=again(each),
            certainty=Certainty.PROVEN if agent is not None else Certainty.LIKELY,
            note="Nova's periodic healer, which did that, is off by default since Nova 31.",
        )


def _hostless(cloud: Cloud) -> Iterator[Case]:
    for row in cloud.openstack.ports or ():
        if row.vif_type != UNBOUND or row.host_id or not is_guests(row):
            continue
        if row.device_id:
            what = f"port {row.id} is the server's {row.device_id}, and bound to no host"
            server = cloud.openstack.server_with(row.device_id)
            where = server.host if server else ""
            if not where:
                continue  # it has no host yet: its server is being built, or shelved
            step = (
                Step(
                    command=f"openstack port set --host {where} {row.id}",
                    where=ADMIN_SHELL,
                    risk=Risk.SAFE,
                    undo=f"openstack port unset --host {row.id}",
                    verify=f"openstack port show {row.id} -c binding_vif_type",
                ),
            )
        else:
            what = f"port {row.id} belongs to no server, so that it is bound to no host"
            step = (
                Step(
                    command=f"openstack server add port SERVER {row.id}",
                    where=ADMIN_SHELL,
                    risk=Risk.SAFE,
                    undo=f"openstack server remove port SERVER {row.id}",
                    verify=f"openstack port show {row.id} -c device_id -c binding_vif_type",
                    tenant="the server gets another NIC",
                ),
            )
        yield Case(
            subject=subject.port(row.id),
            summary=what,
            evidence=(
                stands(row),
                Evidence(
                    where="Neutron",
                    what=f"port {row.id} device_id",
                    seen=row.device_id or "empty",
                    expected="a server's id, and a host",
                    command=f"openstack port show {row.id} -c device_id -c device_owner",
                ),
            ),
            steps=step,
        )


def _wrong_kind(cloud: Cloud) -> Iterator[Case]:
    for row in cloud.openstack.ports or ():
        chassis = cloud.sb[Chassis].one("hostname", row.host_id)
        if chassis is None or row.vif_type not in ("ovs", "vhostuser") or row.vnic_type == "direct":
            continue
        kinds = chassis.other_config.get("iface-types", "").split(",")
        datapath = chassis.other_config.get("datapath-type", "")
        usual = "vhostuser" if datapath == "netdev" and DPDK in kinds else "ovs"
        if not kinds[0] or row.vif_type == usual:
            continue
        bridge = "netdev" if row.vif_type == "vhostuser" else "system"
        yield Case(
            subject=subject.port(row.id),
            summary=f"port {row.id} is bound as {row.vif_type}, and br-int of {row.host_id} is of the "
            f"kind that takes {usual} (datapath {datapath or 'system'})",
            evidence=(
                Evidence(
                    where="Neutron",
                    what=f"port {row.id} binding_vif_type",
                    seen=row.vif_type,
                    expected=usual,
                    command=f"openstack port show {row.id} -c binding_vif_type",
                ),
                Evidence(
                    where="OVN_Southbound",
                    what=f"Chassis {chassis.name} other_config datapath-type, iface-types",
                    seen=f"{datapath or 'system'}, {'with' if DPDK in kinds else 'without'} {DPDK}",
                    expected=f"what {row.vif_type} needs",
                    command=f"ovn-sbctl get Chassis {chassis.name} other_config",
                ),
            ),
            steps=(
                Step(
                    command="ovs-vsctl set Open_vSwitch . "
                    f"external_ids:ovn-bridge-datapath-type={bridge}",
                    where=row.host_id,
                    risk=Risk.DISRUPTIVE,
                    undo="ovs-vsctl set Open_vSwitch . "
                    f"external_ids:ovn-bridge-datapath-type={datapath or 'system'}",
                    verify="ovs-vsctl get Bridge br-int datapath_type",
                    blinks=f"every VM of {row.host_id}: br-int is made anew",
                ),
            ),
            note="If the new kind is meant, leave it, and have the port bound and plugged again by a "
            "migration or a hard reboot.",
        )


def _stale(cloud: Cloud) -> Iterator[Case]:
    for row in cloud.openstack.ports or ():
        port = cloud.ports.get(row.id)
        binding = cloud.binding(row.id)
        if row.status not in ("DOWN", "BUILD") or not row.admin_state_up or not row.device_id:
            continue
        if row.vif_type in (FAILED, UNBOUND, "") or port is None or port.row is None:
            continue
        if not is_guests(row) or port.row.up is not True or port.row.enabled is False:
            continue
        if binding is None or not binding.chassis or binding.up is not True:
            continue
        yield Case(
            subject=subject.port(row.id),
            summary=f"Neutron calls port {row.id} {row.status}, and OVN has it up: the event that said "
            "so was lost",
            evidence=(
                Evidence(
                    where="Neutron",
                    what=f"port {row.id} status",
                    seen=row.status,
                    expected="ACTIVE",
                    command=f"openstack port show {row.id} -c status",
                ),
                Evidence(
                    where="OVN_Northbound",
                    what="Logical_Switch_Port.up",
                    seen="true",
                    expected="true",
                    command=f"ovn-nbctl get Logical_Switch_Port {row.id} up",
                ),
            ),
            steps=(
                Step(
                    command="systemctl restart neutron-server",
                    where="a host with neutron-server",
                    risk=Risk.BLINKS,
                    undo=NO_UNDO,
                    verify=f"openstack port show {row.id} -c status",
                    blinks="Neutron's API for some seconds; no traffic",
                ),
            ),
            victims=frozenset(),
            note="With all workers' connections made anew Neutron goes over all ports. Where it "
            "comes back, look for `HashRing is empty` in its log.",
        )


FAULTS = (
    Fault(
        id="bind-failed-sticky",
        stage=Stage.PORT,
        title="The port stayed unbound though its host is well again",
        what="Neutron tries to bind a port when it is made or changed, and not when the host that "
        "refused it has recovered.",
        shows="The host is mended, new servers start there, and this one still has no network.",
        decisive="binding_vif_type is binding_failed, while the host's chassis, agent and mappings are "
        "as they should be.",
        remedy="Change the port in any way, which binds it; then reboot the server hard, so that Nova "
        "plugs it as it is bound.",
        risk=Risk.DISRUPTIVE,
        references=("neutron: ml2/plugin.py _should_bind_port", "nova: conf/compute.py"),
        unlike={"bind-dead-agent": "there the host is still not well"},
        find=_sticky,
    ),
    Fault(
        id="bind-unbound-no-host",
        stage=Stage.PORT,
        title="The port is bound to no host",
        what="The port belongs to no server, or its server was taken from it halfway.",
        shows="The port is there, with its address, and no host may claim it.",
        decisive="binding_vif_type is unbound, and binding_host_id is empty.",
        remedy="Add the port to its server.",
        risk=Risk.SAFE,
        references=("neutron: ml2/plugin.py", "nova: network/neutron.py"),
        unlike={"bind-failed-sticky": "there a host is named, and refused"},
        find=_hostless,
        intended=True,
        yields_to=frozenset({Stage.PORT}),
    ),
    Fault(
        id="bind-vhostuser-mismatch",
        stage=Stage.PORT,
        title="The port is bound for another kind of switch",
        what="The kind of br-int (kernel or DPDK) was changed after the port was bound: vhostuser is "
        "for datapath netdev with dpdkvhostuser only.",
        shows="The server boots, and its NIC has no link.",
        decisive="binding_vif_type is not what the chassis' datapath-type and iface-types ask for.",
        remedy="Set the datapath type back; or bind and plug the port anew.",
        risk=Risk.DISRUPTIVE,
        references=("neutron: mech_driver.py bind_port, get_supported_vif_types",),
        unlike={"vif-netdev-missing": "there the kind is right, and the device is gone"},
        find=_wrong_kind,
        unprovoked="it takes DPDK, which has no place in a network namespace",
    ),
    Fault(
        id="neutron-status-stale",
        stage=Stage.PORT,
        title="Neutron's status of the port is old",
        what="Southbound and Northbound have the port up, and Neutron was not told: the worker that "
        "owns the event died, or lost its connection to Northbound.",
        shows="The server works, and its port is DOWN in Neutron; a build that waits for the event "
        "waits in vain.",
        decisive="Logical_Switch_Port.up and Port_Binding.up are true, and Neutron's status is DOWN.",
        remedy="Restart neutron-server, which then goes over all ports.",
        risk=Risk.BLINKS,
        references=("neutron: ovsdb_monitor.py", "neutron: hash_ring_manager.py"),
        unlike={"port-admin-down": "there its admin state is down"},
        find=_stale,
    ),
)
