"""S2: nova-compute built the server on its host."""

from __future__ import annotations

from viftrail.chain.checks import NO_CREDENTIALS, NO_SERVER, Checks, not_applicable, not_examined
from viftrail.chain.cloud import Cloud
from viftrail.chain.failure import BEFORE_HOST, Kind, failure_of, tried_on, under_way
from viftrail.chain.scheduling import fault_evidence
from viftrail.chain.trail import Trail
from viftrail.facts.openstack import Server
from viftrail.verdict import Evidence, Finding, Stage, State


def waited_in_vain(cloud: Cloud) -> dict[str, tuple[Server, ...]]:
    """By host: the servers whose build there waited for a plug that was never reported."""
    found: dict[str, list[Server]] = {}
    for server in cloud.openstack.servers or ():
        failure = failure_of(cloud.openstack, server, cloud.facts.logs)
        host = tried_on(cloud.openstack, server)
        if host and failure and failure.kind is Kind.PLUG:
            found.setdefault(host, []).append(server)
    return {host: tuple(servers) for host, servers in found.items()}


def examine(cloud: Cloud, trail: Trail) -> Finding:
    """It was launched, or where and with what words its build ended."""
    if not cloud.openstack.asked:
        return not_examined(Stage.BUILD, NO_CREDENTIALS)
    server = trail.server
    if server is None:
        return not_examined(Stage.BUILD, NO_SERVER)
    failure = failure_of(cloud.openstack, server, cloud.facts.logs)
    if failure and failure.kind in BEFORE_HOST:
        return not_applicable(Stage.BUILD, "it was never given to a host")
    checks = Checks(Stage.BUILD)
    host = tried_on(cloud.openstack, server)
    if failure:
        where = f" on {host}" if host else ""
        evidence = fault_evidence(server, failure.message)
        if failure.kind is Kind.BINDING:
            return Finding(
                id=Stage.BUILD.value,
                name=Stage.BUILD.title,
                state=State.CONSEQUENCE,
                summary=f"follows from S3: its build{where} ended as its port was not bound",
                evidence=(evidence,),
            )
        checks.check(
            False, evidence, bad=f"its build{where} failed: {failure.kind.value}: {failure.message}"
        )
        return checks.finding()
    if server.vm_state == "error" or server.status == "ERROR":
        checks.unknown("Nova says that it failed, and not why")
        return checks.finding()
    built = bool(server.launched) or server.vm_state in ("active", "stopped", "paused")
    if not built and server.status not in ("ACTIVE", "SHUTOFF"):
        checks.unknown(f"it is being built ({server.task_state or server.status})")
        return checks.finding()
    checks.check(
        True,
        Evidence(
            where="Nova",
            what="state of the server",
            seen=f"{server.vm_state or server.status}"
            + (f", {server.task_state}" if server.task_state else ""),
            expected="active",
            command=f"openstack server show {server.id} -c status -c OS-EXT-STS:vm_state "
            "-c OS-EXT-STS:task_state",
        ),
        good=f"built on {host}" if host else "built",
        bad="",
    )
    doing = under_way(cloud.openstack, server)
    if doing:
        action, event = doing
        checks.aside(f"`{action.action}` is under way on {event.host or host} since {event.start}")
    return checks.finding()
