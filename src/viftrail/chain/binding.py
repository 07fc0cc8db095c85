"""S3: Neutron has the port, and bound it to the host where the server runs."""

from __future__ import annotations

from viftrail.chain.checks import NO_CREDENTIALS, Checks, not_applicable, not_examined
from viftrail.chain.cloud import Cloud
from viftrail.chain.failure import BEFORE_HOST, Kind, failure_of, tried_on
from viftrail.chain.scheduling import fault_evidence
from viftrail.chain.trail import Trail
from viftrail.facts.openstack import NeutronPort, Server
from viftrail.verdict import Evidence, Finding, Stage

FAILED = "binding_failed"
UNBOUND = "unbound"


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """The port's binding as Neutron keeps it, against the chassis as Southbound has it."""
    if not cloud.openstack.asked:
        return not_examined(Stage.PORT, NO_CREDENTIALS)
    if not trail.port.id:
        return _none(cloud, trail.server)
    row = cloud.neutron_port(trail.port.id)
    if row is None:
        return not_examined(Stage.PORT, "the port was not among those that were read")
    checks = Checks(Stage.PORT)
    checks.check(
        row.admin_state_up,
        _evidence(row, "admin_state_up", str(row.admin_state_up), "True"),
        bad="the port is administratively down",
    )
    if not row.vif_type:
        checks.unknown("how the port is bound was not read: needs admin")
        return checks.finding()
    if checks.check(
        row.vif_type not in (FAILED, UNBOUND),
        _evidence(row, "binding_vif_type", row.vif_type, "ovs, or vhostuser"),
        bad="Neutron could not bind the port"
        if row.vif_type == FAILED
        else "the port is bound to no host",
        good=f"bound to {row.host_id}",
    ):
        # That it is DOWN follows from OVN, or is stale: what OVN says of it decides (S4 to S8).
        checks.aside("" if row.status == "ACTIVE" else f"Neutron calls it {row.status}")
    return checks.finding()


def _evidence(row: NeutronPort, what: str, seen: str, expected: str) -> Evidence:
    return Evidence(
        where="Neutron",
        what=f"port {row.id} {what}",
        seen=seen or "empty",
        expected=expected,
        command=f"openstack port show {row.id} -c {what}",
    )


def _none(cloud: Cloud, server: Server | None) -> Finding:
    """Of a server that has no port: whether one was made at all, and what became of it."""
    failure = failure_of(cloud.openstack, server, cloud.facts.logs) if server else None
    if server is None or cloud.openstack.ports is None:
        return not_examined(Stage.PORT, "Neutron's ports were not read")
    if failure is None or failure.kind in BEFORE_HOST:
        why = "no port was made: it was never given to a host" if failure else "it has no port"
        return not_applicable(Stage.PORT, why)
    if failure.kind is not Kind.BINDING:
        return not_applicable(Stage.PORT, "its port was deleted with the failed build")
    checks = Checks(Stage.PORT)
    host = tried_on(cloud.openstack, server)
    checks.check(
        False,
        fault_evidence(server, failure.message),
        bad=f"Neutron refused to bind port {failure.port_id}" + (f" on {host}" if host else ""),
    )
    return checks.finding()
