"""S2: nova-compute could not build the server on the host that it was given to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.failure import Failure, Kind, creation, failure_of, tried_on
from viftrail.chain.scheduling import fault_evidence
from viftrail.facts.openstack import Server
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL, NO_UNDO, NOTHING_CHANGED, on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

LAB = "provoked in the OpenStack lab"
PLUG_STAGES = frozenset(stage for stage in Stage if 4 <= stage.number <= 8)

_OSVIF = re.compile(
    r"Failed to plug vif|Failure running os_vif plugin plug method|"
    r"exceeded timeout \d+ seconds, cause: Result queue is empty"
)
_TAP = re.compile(
    r"Unable to create tap device (?P<tap>\S+?):|Unable to add port \S+ to OVS bridge|"
    r"Cannot get interface MTU on '\S+'"
)


def words_of(cloud: Cloud, server: Server) -> str:
    """All that Nova says of a failed build: its fault, the traceback, the events'."""
    action = creation(cloud.openstack, server)
    texts = [server.fault.message, server.fault.details] if server.fault else []
    for event in action.events if action else ():
        texts += [event.details, event.traceback]
    return "\n".join(texts)


def failures(cloud: Cloud, *kinds: Kind) -> Iterator[tuple[Server, Failure, str]]:
    """Servers whose build failed like this, with the host that it was tried on."""
    for server in cloud.openstack.servers or ():
        failure = failure_of(cloud.openstack, server)
        if failure and failure.kind in kinds:
            yield server, failure, tried_on(cloud.openstack, server)


def delete_and_create(server: Server) -> Step:
    """A server that was never built holds nothing: the same is asked for once more."""
    return Step(
        command=f"openstack server create --flavor {server.flavor.name or 'FLAVOR'} "
        f"--image {server.image or 'IMAGE'} --network NETWORK {server.name}",
        where=ADMIN_SHELL,
        risk=Risk.SAFE,
        undo=f"openstack server delete {server.name}",
        verify=f"openstack server show {server.name} -c status",
        tenant="a server that was never built holds nothing; the one in ERROR can be deleted",
    )


def _timeout(cloud: Cloud) -> Iterator[Case]:
    for server, failure, host in failures(cloud, Kind.PLUG):
        yield Case(
            subject=subject.server(server.id),
            summary=f"nova-compute{f' on {host}' if host else ''} plugged {server.name} and waited in "
            "vain for Neutron to report its port as up; what kept it down is not to be seen any more",
            evidence=(fault_evidence(server, failure.message),),
            steps=(delete_and_create(server),),
            certainty=Certainty.LIKELY,
            note="While the next one waits (300 s by default, its domain paused), ask `viftrail why` "
            "for it: then the stage that keeps its port down shows. Leave vif_plugging_is_fatal alone.",
        )


def _lost_event(cloud: Cloud) -> Iterator[Case]:
    """It still waits, and all that it waits for has come about."""
    for server in cloud.openstack.servers or ():
        if server.vm_state != "building" or server.task_state != "spawning":
            continue
        for row in cloud.openstack.ports_of(server.id):
            port, binding = cloud.ports.get(row.id), cloud.binding(row.id)
            if (
                row.status != "ACTIVE"
                or port is None
                or port.row is None
                or port.row.up is not True
            ):
                continue
            if binding is None or not binding.chassis or binding.up is not True:
                continue
            yield Case(
                subject=subject.port(row.id),
                summary=f"the port of {server.name} is up in OVN and ACTIVE in Neutron, and Nova still "
                "waits to be told",
                evidence=(
                    Evidence(
                        where="Neutron",
                        what=f"port {row.id} status",
                        seen="ACTIVE",
                        expected="ACTIVE, and the event network-vif-plugged at Nova",
                        command=f"openstack port show {row.id} -c status",
                    ),
                    Evidence(
                        where="Nova",
                        what="state of the server",
                        seen=f"{server.vm_state}, {server.task_state}",
                        expected="active",
                        command=f"openstack server show {server.id} -c OS-EXT-STS:task_state",
                    ),
                ),
                steps=(
                    Step(
                        command="grep -h notifiers.nova /var/log/neutron/neutron-server.log",
                        where="a host with neutron-server",
                        risk=Risk.SAFE,
                        undo=NOTHING_CHANGED,
                        verify=f"openstack server show {server.id} -c status",
                    ),
                ),
                certainty=Certainty.LIKELY,
                note="Mend [nova] in neutron.conf (credentials, region), or nova-api; then restart "
                "neutron-server. Some seconds of waiting are no fault.",
            )


def _said(
    pattern: re.Pattern[str], summary: str, steps: Callable[[str], tuple[Step, ...]], note: str
) -> Callable[[Cloud], Iterator[Case]]:
    """A case for each build that ended with these words."""

    def find(cloud: Cloud) -> Iterator[Case]:
        for server in cloud.openstack.servers or ():
            found = pattern.search(words_of(cloud, server))
            if not found or server.vm_state != "error":
                continue
            host = tried_on(cloud.openstack, server)
            yield Case(
                subject=subject.server(server.id),
                summary=summary.format(host=host or "the host", server=server.name),
                evidence=(fault_evidence(server, found.group(0)),),
                steps=(*(steps(host) if host else ()), delete_and_create(server)),
                note=note,
            )

    return find


def _switch(host: str) -> tuple[Step, ...]:
    return on_host(
        host,
        "systemctl start openvswitch-switch",
        undo=NO_UNDO,
        verify="ovs-appctl version; ovsdb-client list-dbs tcp:127.0.0.1:6640",
    )


def _tap(host: str) -> tuple[Step, ...]:
    return on_host(
        host,
        "ip -brief link show type tun",
        undo=NOTHING_CHANGED,
        verify="virsh domiflist --domain DOMAIN",
    )


def _full(host: str) -> tuple[Step, ...]:
    return on_host(host, "df -h /var/lib/nova", undo=NOTHING_CHANGED, verify="df -h /var/lib/nova")


def _no_address(cloud: Cloud) -> Iterator[Case]:
    for server, failure, _ in failures(cloud, Kind.ADDRESSES):
        yield Case(
            subject=subject.server(server.id),
            summary=f"Neutron had no address left, or none that was allowed, for {server.name}",
            evidence=(fault_evidence(server, failure.message),),
            steps=(
                Step(
                    command="openstack ip availability show NETWORK",
                    where=ADMIN_SHELL,
                    risk=Risk.SAFE,
                    undo=NOTHING_CHANGED,
                    verify="openstack ip availability show NETWORK",
                ),
                delete_and_create(server),
            ),
            note="Delete ports that nobody uses (`openstack port list --network NETWORK`, those without "
            "a device), or widen the subnet's allocation pool.",
        )


FULL_DISK = re.compile(r"No space left on device")

FAULTS = (
    Fault(
        id="build-vif-plug-timeout",
        stage=Stage.BUILD,
        title="The port was not reported as plugged in time",
        what="nova-compute plugs, and waits vif_plugging_timeout (300 s) for Neutron to say that the "
        "port is up. It never came up: any fault from Northbound to the plug does that.",
        shows="BUILD for minutes, the domain paused; then ERROR with `Failed to allocate the "
        "network(s), not rescheduling.`",
        decisive="`Timeout waiting for ['network-vif-plugged-P']`; meanwhile Port_Binding.up is false "
        "or its chassis is empty.",
        remedy="Mend the stage that keeps the port down. Do not make the plug's failure harmless.",
        risk=Risk.SAFE,
        references=("nova: compute/manager.py wait_for_instance_event",),
        unlike={"build-event-lost": "there the port is up, and Nova is not told"},
        find=_timeout,
        yields_to=PLUG_STAGES | {Stage.BUILD},
        unprovoked=LAB,
    ),
    Fault(
        id="build-event-lost",
        stage=Stage.BUILD,
        title="Nova is not told that the port is up",
        what="Neutron could not reach Nova's API with its event: wrong credentials or region in [nova] "
        "of neutron.conf, nova-api down, or notifications switched off.",
        shows="The same wait and end as with a plug that fails, for every server.",
        decisive="Port ACTIVE, Logical_Switch_Port.up true, and neutron-server logs `Failed to notify "
        "nova on events`.",
        remedy="Mend [nova] of neutron.conf, and restart neutron-server.",
        risk=Risk.SAFE,
        references=("neutron: notifiers/nova.py send_events",),
        unlike={"build-vif-plug-timeout": "there the port is not up"},
        find=_lost_event,
        unprovoked=LAB,
    ),
    Fault(
        id="build-osvif-plug-failed",
        stage=Stage.BUILD,
        title="os-vif could not plug",
        what="os-vif asks the host's ovsdb-server for a port, and waits 120 s for ovs-vswitchd to make "
        "it. That one is dead or hangs, or the ovsdb-server does not listen where os-vif looks.",
        shows="The build fails after about two minutes, then on the next host; `Exceeded maximum number "
        "of retries`.",
        decisive="`Failed to plug vif VIFOpenVSwitch`; `exceeded timeout 120 seconds`.",
        remedy="Start Open vSwitch; or have it listen: `ovs-vsctl set-manager ptcp:6640:127.0.0.1`.",
        risk=Risk.SAFE,
        references=("os-vif: vif_plug_ovs/ovs.py", "nova: virt/libvirt/vif.py _plug_os_vif"),
        unlike={"build-vif-plug-timeout": "there it took 300 s, and the plug was made"},
        find=_said(
            _OSVIF,
            "os-vif could not plug {server} on {host}: its Open vSwitch did not do it in time",
            _switch,
            "Without ovs-vswitchd nothing passes the host's bridges: its other servers are cut off too.",
        ),
        yields_to=frozenset({Stage.VIF, Stage.LOCAL, Stage.CONTROLLER}),
        unprovoked=LAB,
    ),
    Fault(
        id="build-libvirt-tap-failed",
        stage=Stage.BUILD,
        title="libvirt could not make the tap",
        what="A device of that name is there already, left by a domain that is gone; or br-int is "
        "missing, or /dev/net/tun is.",
        shows="The build fails at once.",
        decisive="`Unable to create tap device`, or `Cannot get interface MTU on 'br-int'`.",
        remedy="Delete the stale device, once it is proved that no domain has it.",
        risk=Risk.DESTROYS,
        references=("libvirt: src/util/virnetdevtap.c", "libvirt: src/util/virnetdevopenvswitch.c"),
        unlike={"build-osvif-plug-failed": "there os-vif complains, before libvirt"},
        find=_said(
            _TAP,
            "libvirt on {host} could not make the tap of {server}",
            _tap,
            "`ip link delete TAP` only when neither `virsh domiflist` of any domain nor `fuser` finds "
            "somebody who has it: a living server's tap deleted is a server cut off.",
        ),
        unprovoked=LAB,
    ),
    Fault(
        id="build-no-fixed-ip",
        stage=Stage.BUILD,
        title="Neutron had no address for the port",
        what="The subnet's allocation pools are used up, or the address that was asked for is taken or "
        "in no subnet.",
        shows="ERROR within seconds, `Failed to allocate the network(s) with error`.",
        decisive="`No more fixed IP to be allocated`, or Neutron's `No more IP addresses available on "
        "network`.",
        remedy="Delete ports that nobody uses, or widen the pool.",
        risk=Risk.SAFE,
        references=("nova: compute/manager.py NoMoreFixedIps",),
        unlike={"build-port-binding-failed": "there the port was made, and not bound"},
        find=_no_address,
        unprovoked=LAB,
    ),
)
