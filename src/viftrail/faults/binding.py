"""S5 and S8: bindings that are missing, or that nobody has claimed.

These are what the rows alone can show. Where the hosts were looked at as well,
the faults of those stages name the cause.
"""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import northd, subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.controller import newest_step
from viftrail.chain.daemon import SILENT
from viftrail.chain.quoting import db
from viftrail.facts.inquiry import SOUTHBOUND
from viftrail.facts.southbound import Chassis, ChassisPrivate, PortBinding
from viftrail.faults.chassis import LAG
from viftrail.faults.fault import Case, Fault
from viftrail.faults.northd import misled
from viftrail.faults.step import NOTHING_CHANGED, claimed, on_host
from viftrail.verdict import Certainty, Evidence, Risk, Stage


def _meant(cloud: Cloud, port: Port) -> bool:
    """The port is in Northbound, and its owner, where asked, knows it."""
    return port.row is not None and (port.owned is not None or not cloud.owner.ports)


def _missing(cloud: Cloud) -> Iterator[Case]:
    states = [northd.northd_state(host) for host in cloud.central.values()]
    if states and not {"active", "standby", *SILENT} & set(states):
        return  # northd itself is at fault
    if any(True for _ in misled(cloud)):
        return
    bindings = cloud.sb[PortBinding]
    for port in cloud.ports.values():
        if not bindings.absent("logical_port", port.id) or not _meant(cloud, port):
            continue
        yield Case(
            subject=subject.port(port.id),
            summary=f"the port of {port.label} is in Northbound, but northd has made no "
            "Port_Binding for it",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Port_Binding logical_port={port.id}",
                    seen="no such row",
                    expected="one row, as its Logical_Switch_Port exists",
                    command=f"ovn-sbctl find Port_Binding logical_port={db(port.id)}",
                ),
                *(
                    Evidence(
                        where=name,
                        what="ovn-northd",
                        seen=northd.northd_state(host),
                        expected="active, on these very databases",
                        command="ovn-appctl -t ovn-northd nb-connection-status",
                    )
                    for name, host in cloud.central.items()
                ),
            ),
            steps=on_host(
                cloud.central_name,
                "systemctl restart ovn-northd",
                undo="nothing to undo",
                verify=f"ovn-sbctl find Port_Binding logical_port={db(port.id)}",
            ),
            certainty=Certainty.LIKELY,
            note="If it stays away, look in ovn-northd.log for this port, and whether northd is "
            "connected to these databases and not to others.",
        )


def _unclaimed(cloud: Cloud) -> Iterator[Case]:
    newest = newest_step(cloud) or 0
    for binding in cloud.sb[PortBinding]:
        port = None if binding.chassis else cloud.ports.get(binding.logical_port)
        if port is None or not port.plugged or cloud.is_off(port) or not _meant(cloud, port):
            continue
        chassis = cloud.sb[Chassis].one("hostname", port.requested_chassis)
        if chassis is None:
            continue
        private = cloud.sb[ChassisPrivate].one("name", chassis.name)
        late = private is not None and newest - private.nb_cfg >= LAG
        if late or chassis.hostname in cloud.hosts or cloud.plugs.get(port.id):
            continue  # why is known, or can be seen on the host
        yield Case(
            subject=subject.port(port.id),
            summary=f"nobody has claimed the port of {port.label}; {chassis.hostname}, which shall, "
            "is registered and up to date",
            evidence=(
                Evidence(
                    where=SOUTHBOUND,
                    what="Port_Binding.chassis",
                    seen="nobody",
                    expected=chassis.hostname,
                    command=f"ovn-sbctl --columns=chassis,up find Port_Binding "
                    f"logical_port={db(port.id)}",
                ),
            ),
            steps=on_host(
                chassis.hostname,
                f"ovs-vsctl --columns=name,ofport,error find Interface "
                f"external_ids:iface-id={db(port.id)}",
                undo=NOTHING_CHANGED,
                verify=claimed(port.id),
            ),
            certainty=Certainty.LIKELY,
            note="The cause is on that host: no plug, a wrong iface-id, a missing device. A VM that is "
            "shut off looks the same.",
        )


FAULTS = (
    Fault(
        id="northd-binding-missing",
        stage=Stage.NORTHD,
        title="northd has made no binding for a port",
        what="ovn-northd runs, or cannot be seen not to, and yet Southbound has no Port_Binding for a "
        "port of Northbound: northd serves other databases, skipped the row, or ran out of keys.",
        shows="The port has no flows, no DHCP, no address. Others may be well.",
        decisive="The Logical_Switch_Port exists and no Port_Binding has its name.",
        remedy="Restart ovn-northd; if that does not help, look for the port in its log and for the "
        "databases that it is connected to.",
        risk=Risk.SAFE,
        references=("ovn-northd(8)", "ovn: northd/northd.c"),
        unlike={"northd-not-running": "there no northd is active"},
        find=_missing,
    ),
    Fault(
        id="pb-unclaimed",
        stage=Stage.VIF,
        title="Nobody has claimed a port",
        what="The chassis that shall claim the port is registered and follows Southbound, and has not "
        "claimed it. The cause is on the host, which was not looked at.",
        shows="The VM has no network, or does not run. Other VMs' ARP entries for it stay INCOMPLETE "
        "where NB_Global.options:ignore_lsp_down is false, as Neutron sets it since 2024.1: who cannot "
        "reach a neighbour asks about the neighbour.",
        decisive="Port_Binding.chassis is empty while the requested chassis is up to date.",
        remedy="Look at the host: `viftrail why` with --ssh names the cause.",
        risk=Risk.SAFE,
        references=("ovn: controller/binding.c",),
        unlike={"controller-flow-lag": "there the chassis is behind"},
        find=_unclaimed,
    ),
)
