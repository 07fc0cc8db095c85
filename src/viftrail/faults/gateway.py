"""S11: gateways that are scheduled to chassis that do not exist."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Gateway
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.southbound import Chassis
from viftrail.faults.failover import ranks_of, verbs_of
from viftrail.faults.fault import Case, Fault
from viftrail.faults.router import able_for
from viftrail.faults.step import neutron_owns, on_host
from viftrail.verdict import Evidence, Risk, Stage, Step


def _gone(cloud: Cloud) -> Iterator[Case]:
    table = cloud.sb[Chassis]
    for gateway in cloud.gateways:
        gone = [name for name in gateway.candidates if table.absent("name", name)]
        if not gone:
            continue
        leg, left = gateway.leg.name, len(gateway.candidates) - len(gone)
        _, ready = able_for(cloud, gateway)
        fresh = next((row.name for row in ready if row.name not in gateway.candidates), "")
        yield Case(
            subject=subject.router(gateway.router.name),
            summary=f"gateway port {leg} is scheduled to {', '.join(gone)}, which "
            + ("is no chassis" if len(gone) == 1 else "are no chassis")
            + ("" if left else "; nobody else may host it"),
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"gateway chassis of {leg}",
                    seen=", ".join(gateway.candidates),
                    expected="names of chassis",
                    command=f"ovn-nbctl lrp-get-gateway-chassis {q(leg)}",
                ),
                Evidence(
                    where=SOUTHBOUND,
                    what=f"Chassis name={gone[0]}",
                    seen="no such row",
                    expected="one row",
                    command=f"ovn-sbctl find Chassis name={db(gone[0])}",
                ),
            ),
            steps=_replace(cloud, gateway, gone, fresh) if fresh or left else (),
            # With another candidate left the gateway works: only its standby is missing.
            victims=None if not left else frozenset(),
            note=_BY_ITSELF
            if (fresh or left) and neutron_owns(cloud)
            else ""
            if fresh or left
            else "No other chassis may host gateways there; restore the old system-id, or make a "
            "host eligible.",
        )


_BY_ITSELF = (
    "No OpenStack command says which chassis shall host a gateway. Neutron chooses anew by itself when "
    "a Chassis comes or goes, or changes its ovn-bridge-mappings or ovn-cms-options."
)
"""neutron: ovsdb_monitor.py ChassisEvent."""


def _replace(cloud: Cloud, gateway: Gateway, gone: list[str], fresh: str) -> tuple[Step, ...]:
    """Take away who is gone; who can do it takes the best place that gets free."""
    put, drop = verbs_of(cloud, gateway)
    ranks = ranks_of(cloud, gateway)
    best = max(ranks[name] for name in gone)
    change = [f"{put} {q(fresh)} {best}"] if fresh else []
    back = [f"{drop} {q(fresh)}"] if fresh else []
    return on_host(
        cloud.central_name,
        "ovn-nbctl " + " -- ".join([*change, *(f"{drop} {q(name)}" for name in gone)]),
        undo="ovn-nbctl "
        + " -- ".join([*back, *(f"{put} {q(name)} {ranks[name]}" for name in gone)]),
        verify="ovn-sbctl --columns=chassis find Port_Binding "
        f"logical_port={db('cr-' + gateway.leg.name)}",
        # The newcomer may outrank who hosts it now.
        risk=Risk.BLINKS if len(gone) < len(gateway.candidates) else Risk.SAFE,
    )


FAULTS = (
    Fault(
        id="router-gateway-chassis-gone",
        stage=Stage.ROUTER,
        title="A gateway is scheduled to a chassis that does not exist",
        what="The gateway port names a chassis that was removed, renamed or reinstalled: a "
        "reinstallation gives a host another system-id.",
        shows="North-south traffic and floating IPs are dead when no other candidate is left; "
        "otherwise the gateway merely has no standby.",
        decisive="Gateway_Chassis.chassis_name (or HA_Chassis.chassis_name) is no Chassis.name.",
        remedy="Name a living chassis in its place; Neutron does so at the next change of a Chassis.",
        risk=Risk.BLINKS,
        references=("ovn-nb(5), Gateway_Chassis", "neutron: ovsdb_monitor.py ChassisEvent"),
        unlike={"router-no-gateway-chassis": "there no chassis is named at all"},
        find=_gone,
    ),
)
