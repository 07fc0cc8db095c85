"""S11: gateways that are scheduled to chassis that do not exist."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.southbound import Chassis
from viftrail.faults.fault import Case, Fault
from viftrail.faults.router import able_for
from viftrail.faults.step import owned_row
from viftrail.verdict import Evidence, Risk, Stage


def _gone(cloud: Cloud) -> Iterator[Case]:
    table = cloud.sb[Chassis]
    for gateway in cloud.gateways:
        gone = [name for name in gateway.candidates if table.absent("name", name)]
        if not gone:
            continue
        leg, left = gateway.leg.name, len(gateway.candidates) - len(gone)
        _, ready = able_for(cloud, gateway)
        fresh = next((row.name for row in ready if row.name not in gateway.candidates), "")
        drop = " -- ".join(f"lrp-del-gateway-chassis {q(leg)} {q(name)}" for name in gone)
        add = f"lrp-set-gateway-chassis {q(leg)} {q(fresh)} 2 -- " if fresh else ""
        back = " -- ".join(f"lrp-set-gateway-chassis {q(leg)} {q(name)} 1" for name in gone)
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
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl {add}{drop}",
                undo=f"ovn-nbctl {back}",
                openstack=f"openstack network agent delete {q(gone[0])}",
                verify=f"ovn-sbctl --columns=chassis find Port_Binding logical_port={db('cr-' + leg)}",
            )
            if fresh or left
            else (),
            # With another candidate left the gateway works: only its standby is missing.
            victims=None if not left else frozenset(),
            note=""
            if fresh or left
            else "No other chassis may host gateways there; restore the old system-id, or make a "
            "host eligible.",
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
        remedy="Name a living chassis; Neutron does so when the dead agent is deleted.",
        risk=Risk.BLINKS,
        references=("ovn-nb(5), Gateway_Chassis",),
        unlike={"router-no-gateway-chassis": "there no chassis is named at all"},
        find=_gone,
    ),
)
