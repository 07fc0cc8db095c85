"""S2: nova-compute could not build the server on the host that it was given to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.daemon import HUNG, RUNNING, STOPPED
from viftrail.chain.failure import Failure, Kind, creation, failure_of, tried_on
from viftrail.chain.placement import DEFAULT_ZONE
from viftrail.chain.quoting import q
from viftrail.chain.saying import evidence_of, said, told, told_during
from viftrail.chain.scheduling import fault_evidence
from viftrail.chain.switch import switch_state
from viftrail.facts.log.line import LogLine
from viftrail.facts.log.logs import Signal
from viftrail.facts.openstack import UUID, Server
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import ADMIN_SHELL, NO_UNDO, NOTHING_CHANGED, on_host, revive
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

PLUG_STAGES = frozenset(stage for stage in Stage if 4 <= stage.number <= 8)

_OSVIF = re.compile(
    r"Failed to plug vif|Failure running os_vif plugin plug method|"
    r"exceeded timeout \d+ seconds, cause: Result queue is empty"
)
_EVENT = re.compile(rf"network-vif-plugged-(?P<port>{UUID})")
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
        failure = failure_of(cloud.openstack, server, cloud.facts.logs)
        if failure and failure.kind in kinds:
            yield server, failure, tried_on(cloud.openstack, server)


LACKS = (
    "what Nova does not tell of the first request: user data, security groups, volumes and "
    "scheduler hints"
)


def asked_anew(server: Server, *, port_id: str = "", flavor: str = "", host: str = "") -> Step:
    """A server that was never built holds nothing: it is asked for once more, or otherwise.

    What neither Nova nor its flavor tells any more is left blank (NETWORK), for the operator.
    """
    options = [f"--host {q(host)}"] if host else []
    options += [
        f"--flavor {q(flavor or server.flavor.name or 'FLAVOR')}",
        f"--image {q(server.image or 'IMAGE')}",
        f"--port {q(port_id)}" if port_id else "--network NETWORK",
    ]
    # A host that is named is in a zone already, and the default zone is none to be asked for.
    if server.availability_zone not in ("", DEFAULT_ZONE) and not host:
        options.append(f"--availability-zone {q(server.availability_zone)}")
    if server.key_name:
        options.append(f"--key-name {q(server.key_name)}")
    return Step(
        command=f"openstack server create {' '.join(options)} {q(server.name)}",
        where=ADMIN_SHELL,
        risk=Risk.SAFE,
        undo="openstack server delete SERVER   # the new one, by its id: the names are the same",
        verify=f"openstack server list --all-projects --name {q(server.name)}",
        tenant="a server that was never built holds nothing; the one in ERROR can be deleted",
        lacks=LACKS,
    )


def _timeout(cloud: Cloud) -> Iterator[Case]:
    for server, failure, host in failures(cloud, Kind.PLUG):
        yield Case(
            subject=subject.server(server.id),
            summary=f"nova-compute{f' on {host}' if host else ''} plugged {server.name} and waited in "
            "vain for Neutron to report its port as up; what kept it down is not to be seen any more",
            evidence=(
                *evidence_of([told(cloud, "vif-plug-timeout", server=server.id)]),
                fault_evidence(server, failure.message),
            ),
            steps=(asked_anew(server),),
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


def _untold(cloud: Cloud) -> Iterator[Case]:
    """Neutron heard from OVN that the port was up, and Nova waited to the end all the same."""
    for server, failure, host in failures(cloud, Kind.PLUG):
        waited = told(cloud, "vif-plug-timeout", server=server.id)
        event = _EVENT.search(waited.groups.get("events", "")) if waited else None
        up = told(cloud, "ovn-reports-status", port=event["port"], status="up") if event else None
        if waited is None or up is None or up.time > waited.time:
            continue
        why = told_during(
            cloud, server, "nova-not-notified", "nova-endpoint-missing", "nova-event-failed"
        )
        yield Case(
            subject=subject.server(server.id),
            summary=f"OVN reported the port of {server.name} as up, and nova-compute on {host} was not "
            "told" + (": Neutron could not reach Nova's API" if why else ""),
            evidence=(
                *evidence_of([up, why, waited]),
                fault_evidence(server, failure.message),
            ),
            steps=(
                Step(
                    command="systemctl restart neutron-server",
                    where="a host with neutron-server",
                    risk=Risk.BLINKS,
                    undo=NO_UNDO,
                    verify="grep -h notifiers.nova /var/log/neutron/neutron-server.log",
                    blinks="Neutron's API for some seconds; no traffic",
                ),
                asked_anew(server),
            ),
            certainty=Certainty.PROVEN if why else Certainty.LIKELY,
            note="Only once [nova] of neutron.conf is right: auth_url, user, password, region_name; and "
            "nova-api answers.",
        )


def _either(*finds: Callable[[Cloud], Iterator[Case]]) -> Callable[[Cloud], Iterator[Case]]:
    """All cases of several."""
    return lambda cloud: (case for find in finds for case in find(cloud))


def _said(
    pattern: re.Pattern[str],
    signals: tuple[str, ...],
    summary: str,
    steps: Callable[[Cloud, str], tuple[Step, ...]],
    note: str,
) -> Callable[[Cloud], Iterator[Case]]:
    """A case for each build that ended with these words."""

    def find(cloud: Cloud) -> Iterator[Case]:
        for server in cloud.openstack.servers or ():
            if server.vm_state != "error":
                continue
            found = pattern.search(words_of(cloud, server))
            logged = told(cloud, *signals, server=server.id) or _written(cloud, server, pattern)
            if not found and not logged:
                continue
            host = tried_on(cloud.openstack, server)
            yield Case(
                subject=subject.server(server.id),
                summary=summary.format(host=host or "the host", server=server.name),
                evidence=(
                    *evidence_of([logged] if isinstance(logged, Signal) else []),
                    *((said(logged),) if isinstance(logged, LogLine) else ()),
                    fault_evidence(
                        server, found[0] if found else server.fault.message if server.fault else ""
                    ),
                ),
                steps=(*(steps(cloud, host) if host else ()), asked_anew(server)),
                note=note,
            )

    return find


def _written(cloud: Cloud, server: Server, pattern: re.Pattern[str]) -> LogLine | None:
    """The last line about the server that holds these words."""
    lines = [line for line in cloud.facts.logs.about(server.id) if pattern.search(line.text)]
    return lines[-1] if lines else None


_OVSDB = "ptcp:6640:127.0.0.1"
"""Where os-vif asks by default: ovsdb_connection of [vif_plug_ovs] (os-vif, vif_plug_ovs/ovs.py)."""


def _switch(cloud: Cloud, host: str) -> tuple[Step, ...]:
    seen = cloud.hosts.get(host)
    state = switch_state(seen) if seen else ""
    if state in (STOPPED, HUNG):
        return revive(
            host,
            "ovs-vswitchd",
            state,
            verify="ovs-appctl version",
            blinks=f"every VM of {host}, about a second",
        )
    if state == RUNNING:  # so it is the way to conf.db that was missing, or still is
        return on_host(
            host,
            f"ovs-vsctl set-manager {_OVSDB}",
            undo="ovs-vsctl del-manager",
            verify="ovsdb-client list-dbs tcp:127.0.0.1:6640",
        )
    return on_host(
        host,
        "systemctl start openvswitch-switch",
        undo=NO_UNDO,
        verify="ovs-appctl version; ovsdb-client list-dbs tcp:127.0.0.1:6640",
    )


def _tap(_cloud: Cloud, host: str) -> tuple[Step, ...]:
    return on_host(
        host,
        "ip -brief link show type tun",
        undo=NOTHING_CHANGED,
        verify="virsh domiflist --domain DOMAIN",
    )


def _full(_cloud: Cloud, host: str) -> tuple[Step, ...]:
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
                asked_anew(server),
            ),
            note="Delete ports that nobody uses (`openstack port list --network NETWORK`, those without "
            "a device), or widen the subnet's allocation pool.",
        )


FULL_DISK = re.compile(r"No space left on device")

FAULTS = (
    Fault(
        id="infra-compute-disk-full",
        stage=Stage.BUILD,
        title="The disk of instances is full on the compute host",
        what="Placement still had room to promise, and the file system of instances_path has none left: "
        "leftovers of images in _base, logs, or more promised than there is.",
        shows="Builds fail on that host after scheduling; servers that run there may pause with an I/O "
        "error.",
        decisive="`No space left on device` in the build's traceback; `df` of instances_path at 100 %.",
        remedy="Make room there; keep some for good with reserved_host_disk_mb.",
        risk=Risk.SAFE,
        references=("nova: compute/manager.py _build_and_run_instance",),
        unlike={
            "sched-disk-capacity": "there no host was ever told to build it",
            "infra-network-node-disk-full": "there it is the disk of conf.db",
        },
        find=_said(
            FULL_DISK,
            (),
            "the disk of instances on {host} is full, so that {server} could not be built",
            _full,
            "What may be deleted is for you to say. A file in _base that a server's disk is based on "
            "destroys that server: `qemu-img info --backing-chain` first.",
        ),
    ),
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
        find=_either(_untold, _lost_event),
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
            ("os-vif-failed", "plug-failed"),
            "os-vif could not plug {server} on {host}: its Open vSwitch did not do it in time",
            _switch,
            "Without ovs-vswitchd nothing passes the host's bridges: its other servers are cut off too.",
        ),
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
            ("tap-not-created", "port-not-added", "device-missing"),
            "libvirt on {host} could not make the tap of {server}",
            _tap,
            "`ip link delete TAP` only when neither `virsh domiflist` of any domain nor `fuser` finds "
            "somebody who has it: a living server's tap deleted is a server cut off.",
        ),
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
    ),
)
