"""S9: security groups whose port groups have drifted."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.local import dropped, lets_out
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import owned_row
from viftrail.verdict import Evidence, Risk, Stage


def _drifted(cloud: Cloud) -> Iterator[Case]:
    members = cloud.members_of_groups
    for port in cloud.ports.values():
        row = port.row
        if row is None:
            continue
        lacking = [
            name for name in _wanted(port) if name in members and row.uuid not in members[name]
        ]
        if not lacking or _cut_off(cloud, port):
            continue  # without any egress rule it is sg-egress-missing
        name = lacking[0]
        group_id = name.removeprefix("pg_").replace("_", "-")
        yield Case(
            subject=subject.port(port.id),
            summary=f"{port.label} belongs to security group {group_id}, but its port group does "
            "not hold the port: the group's rules do not apply to it",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"Port_Group {name} ports",
                    seen="the port is not among them",
                    expected=row.uuid,
                    command=f"ovn-nbctl get Port_Group {name} ports",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl add Port_Group {name} ports {row.uuid}",
                undo=f"ovn-nbctl remove Port_Group {name} ports {row.uuid}",
                openstack=f"openstack port set --security-group {group_id} {port.id}",
                openstack_undo=f"openstack port unset --security-group {group_id} {port.id}",
                verify=f"ovn-nbctl get Port_Group {name} ports",
            ),
        )


def _wanted(port: Port) -> list[str]:
    if port.owned:
        return list(port.owned.port_groups)
    row = port.row
    ids = row.external_ids.get("neutron:security_group_ids", "").split() if row else []
    return ["pg_" + group.replace("-", "_") for group in ids]


def _cut_off(cloud: Cloud, port: Port) -> bool:
    return dropped(cloud, port) and not any(lets_out(cloud, g) for g in cloud.groups_of(port))


FAULTS = (
    Fault(
        id="sg-portgroup-drift",
        stage=Stage.LOCAL,
        title="A security group does not hold its port",
        what="The port's owner lists a security group, but the Port_Group of that group lacks the "
        "port: an update failed, or somebody edited the group.",
        shows="Rules are right in Neutron and traffic is dropped all the same.",
        decisive="The port's UUID is not in Port_Group.ports of a group that its owner lists.",
        remedy="Have the owner set the port's groups again.",
        risk=Risk.SAFE,
        references=("neutron: ovn_db_sync.py",),
        unlike={"sg-egress-missing": "there no group at all lets the port send"},
        find=_drifted,
    ),
)
