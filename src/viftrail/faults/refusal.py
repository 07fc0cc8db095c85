"""S3: Neutron refuses to bind a port to the host where its server shall run."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain.cloud import Cloud
from viftrail.chain.physnet import mappings
from viftrail.chain.provider import uplinks
from viftrail.chain.quoting import db, q
from viftrail.chain.refused import (
    DEAD_AGENT,
    NO_CHASSIS,
    NO_MAPPING,
    Refused,
    agent_of,
    behind,
    given,
    network_of,
    reason_of,
    refused,
    unmapped,
    unregistered,
)
from viftrail.chain.saying import evidence_of
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.facts.southbound import Chassis
from viftrail.faults.build import asked_anew
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL, NO_UNDO, NOTHING_CHANGED, on_host, touch, woken
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

HOSTNAMES = "ovn-sbctl --bare --columns=name,hostname list Chassis"
AGENTS = "openstack network agent list"
REASON = (
    "What neutron-server.log says just before `Failed to bind port` is the reason: `Refusing to bind "
    "port`."
)


def again(refusal: Refused) -> tuple[Step, ...]:
    """Have it bound once more: a port of its own by any update, a server by another try."""
    row, server = refusal.row, refusal.server
    if row is not None and row.host_id:
        verify = f"openstack port show {row.id} -c binding_vif_type"
        steps = [*touch(row.id, row.description, word="rebind", verify=verify)]
        if row.device_id:
            steps.append(
                Step(
                    command=f"openstack server reboot --hard {row.device_id}",
                    where=ADMIN_SHELL,
                    risk=Risk.DISRUPTIVE,
                    undo=f"{NO_UNDO}: the guest restarts",
                    verify=f"openstack server show {row.device_id} -c status",
                    tenant="the server reboots, and Nova plugs it as the port is bound by then",
                )
            )
        return tuple(steps)
    if server is None:
        return ()
    return (asked_anew(server, port_id=row.id if row else ""),)


def _mismatch(cloud: Cloud) -> Iterator[Case]:
    for each in refused(cloud):
        known = given(cloud, each, NO_CHASSIS)
        if known is False or not unregistered(cloud, each.host):
            continue
        alike = cloud.chassis_like(each.host)
        names = sorted(row.hostname for row in cloud.sb[Chassis])
        hint = alike.hostname if alike else ""
        yield Case(
            subject=each.about,
            summary=f"Nova calls the host {each.host}, and OVN "
            + (f"calls it {hint}" if hint else f"has no chassis of that name ({', '.join(names)})")
            + f": Neutron finds no chassis for port {each.port_id}",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what="Chassis.hostname",
                    seen=", ".join(names) or "none",
                    expected=f"{each.host}, letter by letter, as nova-compute is called",
                    command=HOSTNAMES,
                ),
                Evidence(
                    where="Nova",
                    what="host that the port was to be bound to",
                    seen=each.host,
                    expected="the hostname of a Chassis",
                    command="openstack compute service list --service nova-compute -c Host",
                ),
                *evidence_of([reason_of(cloud, each)]),
                each.proof,
            ),
            # Without a Chassis Neutron would refuse it again.
            steps=(_renamed(cloud, each.host, alike), *again(each)) if alike else (),
            certainty=Certainty.PROVEN if hint or known else Certainty.LIKELY,
            note="ovn-controller takes the name at once, without a restart. Never rename "
            "[DEFAULT]host of a compute that has servers."
            if hint
            else "It was never registered, or left: is ovn-controller configured and running there? "
            f"Until `{HOSTNAMES}` lists {each.host}, Neutron refuses the port again.",
        )


def _renamed(cloud: Cloud, host: str, chassis: Chassis) -> Step:
    """Have the chassis take Nova's name; ports that are promised to the old one lose their claim."""
    old, setting = chassis.hostname, "ovs-vsctl set Open_vSwitch . external_ids:hostname="
    ports, column = cloud.nb[LogicalSwitchPort], ("options", f"requested-chassis={old}")
    bound = [] if old == chassis.name else sorted(row.name for row in ports.find(*column))
    look = f"ovn-nbctl --columns=name find Logical_Switch_Port options:requested-chassis={db(old)}"
    harmless = old == chassis.name or ports.absent(*column)
    return Step(
        command=setting + q(host),
        where=host,
        risk=Risk.SAFE if harmless else Risk.DISRUPTIVE,
        undo=setting + q(old),
        verify=HOSTNAMES,
        blinks=""
        if harmless
        else f"ports bound as {old} lose their claim: {', '.join(bound)}"
        if bound
        else f"ports bound as {old}, if there are any, lose their claim: look with `{look}`",
    )


def _dead(cloud: Cloud) -> Iterator[Case]:
    for each in refused(cloud):
        known = given(cloud, each, DEAD_AGENT)
        if known is False or (unregistered(cloud, each.host) and not known):
            continue
        agent, late = agent_of(cloud, each.host), behind(cloud, each.host)
        gone = agent is not None and not agent.alive
        if not known and not gone and late < 2:
            continue
        if not known and _wants(cloud, each):
            continue  # it lacks the mapping as well, and that is certain
        yield Case(
            subject=each.about,
            summary=f"the agent of {each.host} counts as dead, as its ovn-controller does not follow "
            f"Southbound: Neutron binds no port there, nor port {each.port_id}",
            evidence=tuple(_dead_evidence(cloud, each, late)),
            steps=(*woken(each.host), *again(each)),
            certainty=Certainty.PROVEN if known or (gone and late) else Certainty.LIKELY,
            note="The list of agents lags: it tells a death after 75 s or more.",
        )


def _dead_evidence(cloud: Cloud, each: Refused, late: int) -> Iterator[Evidence]:
    agent, chassis = agent_of(cloud, each.host), cloud.chassis_like(each.host)
    if agent is not None:
        yield Evidence(
            where="Neutron",
            what=f"agent {agent.kind or agent.binary} of {each.host}",
            seen=("alive" if agent.alive else "dead")
            + f", heartbeat {agent.heartbeat or 'unknown'}",
            expected="alive",
            command=f"{AGENTS} --host {each.host}",
        )
    if chassis is not None:
        yield Evidence(
            where=SOUTHBOUND,
            what=f"Chassis_Private.nb_cfg of {chassis.hostname}",
            seen=f"{late} behind" if late else "up to date",
            expected="that of SB_Global",
            command=f"ovn-sbctl --columns=nb_cfg find Chassis_Private name={chassis.name}; "
            "ovn-sbctl get SB_Global . nb_cfg",
        )
    yield from evidence_of([reason_of(cloud, each)])
    yield each.proof


def _wants(cloud: Cloud, each: Refused) -> str:
    """The physical network of the port that its host does not map; empty where that is not so."""
    network, chassis = network_of(cloud, each), cloud.chassis_like(each.host)
    wanted = network.physical_network if network else ""
    if not wanted or chassis is None:
        return ""
    return wanted if wanted not in mappings(chassis.bridge_mappings) else ""


def _physnet(cloud: Cloud) -> Iterator[Case]:
    for each in refused(cloud):
        chassis = cloud.chassis_like(each.host)
        reason = reason_of(cloud, each)
        known = given(cloud, each, NO_MAPPING)
        if chassis is None or known is False or unregistered(cloud, each.host):
            continue
        wanted, certainty = _wants(cloud, each), Certainty.PROVEN
        if known and reason is not None:
            wanted = reason.groups.get("physnet") or wanted
        if wanted in mappings(chassis.bridge_mappings):
            continue  # it is mapped by now: bind-failed-sticky
        if not wanted and each.row is None:
            # The port is gone, and with it its network's name: what the host alone lacks is left.
            agent = agent_of(cloud, each.host)
            lacking = unmapped(cloud, each.host)
            if (agent and not agent.alive) or behind(cloud, each.host) > 1 or not lacking:
                continue
            wanted, certainty = lacking[0], Certainty.LIKELY
        if not wanted:
            continue
        bridges = {
            mappings(row.bridge_mappings)[wanted]
            for row in cloud.sb[Chassis]
            if wanted in mappings(row.bridge_mappings)
        }
        bridge = min(bridges, default="br-ex")
        old = chassis.bridge_mappings
        text = f"{old},{wanted}:{bridge}" if old else f"{wanted}:{bridge}"
        setting = "Open_vSwitch . external_ids"
        yield Case(
            subject=each.about,
            summary=f"{each.host} maps no bridge to {wanted}, so that Neutron refuses to bind port "
            f"{each.port_id} there"
            + ("" if certainty is Certainty.PROVEN else ", if it was in a network on that one"),
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"ovn-bridge-mappings of {each.host}",
                    seen=old or "empty",
                    expected=f"a bridge for {wanted}",
                    command=f"ovn-sbctl get Chassis {chassis.name} other_config:ovn-bridge-mappings",
                ),
                *evidence_of([reason]),
                each.proof,
            ),
            steps=(
                *on_host(
                    each.host,
                    f"ovs-vsctl --may-exist add-br {bridge}",
                    undo=f"ovs-vsctl --if-exists del-br {bridge}",
                    verify=f"ovs-vsctl list-ports {bridge}",
                ),
                *_with_nic(cloud, each.host, bridge),
                *on_host(
                    each.host,
                    f"ovs-vsctl set {setting}:ovn-bridge-mappings={text}",
                    undo=f"ovs-vsctl set {setting}:ovn-bridge-mappings={old}"
                    if old
                    else f"ovs-vsctl remove {setting} ovn-bridge-mappings",
                    verify=f"ovn-sbctl get Chassis {chassis.name} other_config:ovn-bridge-mappings",
                ),
                *again(each),
            ),
            certainty=certainty,
            note=f"NIC is the one that leads to {wanted}. One that carries the host's own address "
            "would cut the host off.",
        )


def _with_nic(cloud: Cloud, name: str, bridge: str) -> tuple[Step, ...]:
    """The bridge's way out: a bridge without one binds ports and carries nothing of theirs."""
    host = cloud.hosts.get(name)
    if host and uplinks(host, bridge):
        return ()
    return on_host(
        name,
        f"ovs-vsctl --may-exist add-port {bridge} NIC",
        undo=f"ovs-vsctl --if-exists del-port {bridge} NIC",
        verify=f"ovs-vsctl list-ports {bridge}",
        risk=Risk.DISRUPTIVE,
    )


def _unread(cloud: Cloud) -> Iterator[Case]:
    """The host maps the network, and Neutron's own picture of the host has no mapping."""
    for each in refused(cloud):
        chassis, agent = cloud.chassis_like(each.host), agent_of(cloud, each.host)
        reason = reason_of(cloud, each)
        network = network_of(cloud, each)
        wanted = (reason.groups.get("physnet", "") if reason else "") or (
            network.physical_network if network else ""
        )
        if chassis is None or given(cloud, each, NO_MAPPING) is False or not wanted:
            continue
        told = chassis.other_config.get(KEY, "")
        old = chassis.external_ids.get(KEY, "")
        if wanted not in mappings(told) or wanted in mappings(old):
            continue
        if agent is None or wanted in mappings(agent.bridge_mappings):
            continue
        yield Case(
            subject=each.about,
            summary=f"{each.host} maps {wanted}, and Neutron does not see it: it looks into "
            "Chassis.external_ids, and this OVN writes Chassis.other_config",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Chassis {chassis.name} {KEY} in other_config, in external_ids",
                    seen=f"{told}, {old or 'nothing'}",
                    expected="where Neutron looks",
                    command=f"ovn-sbctl --columns=other_config,external_ids find Chassis "
                    f"name={chassis.name}",
                ),
                Evidence(
                    where="Neutron",
                    what=f"agent of {each.host}, configurations bridge-mappings",
                    seen=agent.bridge_mappings or "empty",
                    expected=told,
                    command=f"openstack network agent show {agent.id} -c configuration",
                ),
                *evidence_of([reason]),
                each.proof,
            ),
            steps=(
                *on_host(
                    cloud.central_name,
                    f"ovn-sbctl set Chassis {chassis.name} external_ids:{KEY}='\"{told}\"'",
                    undo=f"ovn-sbctl remove Chassis {chassis.name} external_ids {KEY}",
                    verify=f"openstack network agent show {agent.id} -c configuration",
                ),
                *again(each),
            ),
            note="That lasts until the chassis registers anew. For good: a Neutron and an OVN that fit "
            "each other (Neutron 22 and newer read other_config).",
        )


def _unexplained(cloud: Cloud) -> Iterator[Case]:
    for each in refused(cloud):
        yield Case(
            subject=each.about,
            summary=f"Neutron refused to bind port {each.port_id} on {each.host}, and nothing that can "
            "be seen now says why",
            evidence=(*evidence_of([reason_of(cloud, each)]), each.proof),
            steps=(
                Step(
                    command=f"grep {each.port_id} /var/log/neutron/neutron-server.log",
                    where="a host with neutron-server",
                    risk=Risk.SAFE,
                    undo=NOTHING_CHANGED,
                    verify=AGENTS,
                ),
                *again(each),
            ),
            certainty=Certainty.LIKELY,
            note=REASON,
        )


BUILD = frozenset({Stage.BUILD})
KEY = "ovn-bridge-mappings"

FAULTS = (
    Fault(
        id="bind-mappings-not-seen",
        stage=Stage.PORT,
        title="Neutron does not see the host's bridge mappings",
        what="OVN since 20.06 keeps what a chassis tells in other_config, and newer ones in nothing "
        "else; an older Neutron looks into external_ids (Debian 12 has such a pair).",
        shows="No port of a flat or VLAN network can be bound on any host; gateways are not scheduled.",
        decisive="Chassis.other_config has the mapping, and Neutron's agent of the host has none.",
        remedy="Write the mapping where Neutron looks; for good, upgrade Neutron.",
        risk=Risk.SAFE,
        references=("neutron: commit 5c30152bfd", "ovn-sb(5), Chassis other_config"),
        unlike={"bind-physnet-missing-on-host": "there the chassis itself has no mapping"},
        find=_unread,
        shows_at=BUILD,
        unprovoked="it takes a Neutron that is older than OVN, and the lab has one release of each",
    ),
    Fault(
        id="bind-host-mismatch",
        stage=Stage.PORT,
        title="Nova and OVN call the host by different names",
        what="The port's binding_host_id is nova-compute's [DEFAULT]host; Neutron looks for a Chassis "
        "with exactly that hostname. Here it is spelled otherwise, mostly the full name on one side "
        "and the short one on the other: ovs-ctl once recorded `hostname -f`.",
        shows="Every build on that host fails within seconds, `Binding failed for port`.",
        decisive="`Refusing to bind port P due to no OVN chassis for host: H`; Chassis.hostname has "
        "another spelling of H.",
        remedy="Set external_ids:hostname of the host's Open_vSwitch to Nova's name, and try again.",
        risk=Risk.SAFE,
        references=("neutron: mech_driver.py bind_port", "ovn: controller/chassis.c get_hostname"),
        unlike={
            "bind-dead-agent": "there the names agree",
            "pb-requested-chassis-mismatch": "there the names are those of two hosts",
        },
        find=_mismatch,
        shows_at=BUILD,
    ),
    Fault(
        id="bind-dead-agent",
        stage=Stage.PORT,
        title="The host's agent counts as dead",
        what="Neutron computes an agent's life from the nb_cfg that ovn-controller writes. Where it is "
        "two steps and 75 s behind, ovn-controller is dead, cut off or far too slow, and no port is "
        "bound to its host.",
        shows="Builds on that host fail within seconds, `Binding failed for port`; the agent list shows "
        "XXX.",
        decisive="`Refusing to bind port P to dead agent`; Chassis_Private.nb_cfg lags.",
        remedy="Bring ovn-controller back, and try again.",
        risk=Risk.BLINKS,
        references=("neutron: neutron_agent.py alive", "neutron: mech_driver.py bind_port"),
        unlike={"bind-host-mismatch": "there the agent lives, under another host name"},
        find=_dead,
        shows_at=BUILD,
    ),
    Fault(
        id="bind-physnet-missing-on-host",
        stage=Stage.PORT,
        title="The host has no bridge for the port's physical network",
        what="A port of a flat or VLAN network can only be bound where ovn-bridge-mappings names a "
        "bridge for that physical network.",
        shows="Servers on such networks fail on some hosts only; those on overlay networks start there.",
        decisive="`Refusing to bind port P on host H due to the OVN chassis bridge mapping`; the "
        "host's Chassis has no such mapping.",
        remedy="Make the bridge with its NIC, and map the physical network to it.",
        risk=Risk.SAFE,
        references=("neutron: mech_driver.py bind_port", "ovn-controller(8), ovn-bridge-mappings"),
        unlike={"bind-dead-agent": "there overlay networks fail too"},
        find=_physnet,
        shows_at=BUILD,
    ),
    Fault(
        id="build-port-binding-failed",
        stage=Stage.PORT,
        title="Neutron refused to bind the port",
        what="Neutron answered nova-compute with binding_failed, and the build ended before anything "
        "was plugged. The port that Nova made for it is deleted with it, or loses its host.",
        shows="ERROR within seconds; `Binding failed for port P, please check neutron logs`, or "
        "`Exceeded maximum number of retries`.",
        decisive="nova-compute logs PortBindingFailed, and neutron-server the reason just before.",
        remedy="Mend what neutron-server names; then try again.",
        risk=Risk.SAFE,
        references=("nova: network/neutron.py _ensure_no_port_binding_failure",),
        unlike={"build-vif-plug-timeout": "there it takes minutes, and the port was bound"},
        find=_unexplained,
        shows_at=BUILD,
        yields_to=frozenset({Stage.PORT}),
    ),
)
