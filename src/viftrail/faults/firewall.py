"""The guess that a security group drops what the port sends."""

from __future__ import annotations

from viftrail.chain.local import denying_out, dropped, rules_known
from viftrail.chain.quoting import db, q
from viftrail.chain.sounding import rules_shown
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.faults.hypothesis import Scene, Weighed
from viftrail.verdict import Evidence, RuledOut, Stage, Undecided


def weigh(scene: Scene, guess: str) -> Weighed:
    """Rules that allow clear it, unless a packet was seen to end, or another rule may drop it."""
    port, cloud = scene.trail.port, scene.cloud
    doubt = _doubt(scene)
    if doubt:
        return Undecided(
            guess=guess,
            why=doubt,
            observation="a rule from-lport that drops or rejects what the guest sends, above those "
            "that allow it",
            where=cloud.central_name,
            command=rules_shown(cloud, scene.trail),
        )
    what = "egress rules of its port groups"
    passed = [e for e in scene.stages[Stage.LOCAL].evidence if e.what == what and e.seen != "none"]
    if passed:
        because = f"the security groups of {port.label} let it send"
        return RuledOut(guess=guess, because=because, evidence=tuple(passed))
    if port.row is not None and rules_known(cloud, port) and not dropped(cloud, port):
        return RuledOut(guess=guess, because="no security group applies to the port at all")
    if port.row is None and cloud.nb[LogicalSwitchPort].absent("name", port.id):
        return RuledOut(
            guess=guess,
            because="Northbound has no such port, so none of its ACLs can be about it",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"Logical_Switch_Port name={port.id}",
                    seen="no such row",
                    expected="one row",
                    command=f"ovn-nbctl find Logical_Switch_Port name={db(port.id)}",
                ),
            ),
        )
    return Undecided(
        guess=guess,
        why=f"the rules of the security groups of {port.label} were not read",
        observation="a port group of the port with a rule from-lport that allows",
        where=cloud.central_name,
        command=f"ovn-nbctl --columns=name,acls find Port_Group {q('ports{>=}' + port.row.uuid)}"
        if port.row
        else f"ovn-nbctl find Logical_Switch_Port name={db(port.id)}",
    )


def _doubt(scene: Scene) -> str:
    """Why rules that allow do not clear it; empty: they do."""
    cloud = scene.cloud
    for traced in cloud.soundings.traces:
        if traced.by_acl:
            return f"a packet of it was traced to its end in {traced.stage}, where ACLs decide"
        ending = traced.ending
        if ending.dropped and ending.logical_table is not None and not traced.stage:
            return (
                f"a packet of it was traced to its end in table {ending.table}, perhaps by an ACL"
            )
    for group, acl in denying_out(cloud, scene.trail.port):
        return f"{group.name} has a rule of priority {acl.priority} to {acl.action} {acl.match}"
    return ""
