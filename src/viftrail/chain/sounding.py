"""What packets that were sent on purpose say of the stages that they passed. Pure."""

from __future__ import annotations

from viftrail.chain.checks import Checks
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import q
from viftrail.chain.trail import Trail
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.sounding import Knock, Traced
from viftrail.verdict import Evidence

ENOUGH = 0.5
"""Of the packets sent; one or two may wait for ARP, or be counted a moment late."""


def passed(knock: Knock) -> bool:
    """Geneve arrives this way."""
    return knock.sent > 0 and knock.arrived >= ENOUGH * knock.sent


def lost(knock: Knock) -> bool:
    """Nothing of what was sent arrives: not even other traffic."""
    return knock.arrived <= 0


def knocks(cloud: Cloud, one: str, other: str, *, big: bool) -> tuple[Knock, ...]:
    """Those between two hosts, both ways."""
    ends = {one, other}
    return tuple(
        k for k in cloud.soundings.knocks if {k.sender, k.receiver} == ends and k.big is big
    )


def arrives(cloud: Cloud, one: str, other: str) -> bool:
    """Small geneve packets were sent between these hosts, and passed both ways."""
    both = knocks(cloud, one, other, big=False)
    return len(both) > 1 and all(map(passed, both))


def silenced(cloud: Cloud, one: str, other: str) -> Knock | None:
    """The first way on which every small geneve packet was lost."""
    return next((k for k in knocks(cloud, one, other, big=False) if lost(k)), None)


def knock_evidence(knock: Knock) -> Evidence:
    """What was sent, and what came."""
    return Evidence(
        where=f"{knock.sender} and {knock.receiver}",
        what=f"geneve packets of {knock.size} bytes that were sent to prove it",
        seen=f"{knock.sender} sent {knock.sent}, {knock.receiver} received {max(knock.arrived, 0)}",
        expected="all of them",
        command=knock.command,
    )


def check_tunnel(checks: Checks, cloud: Cloud) -> None:
    """Geneve packets arrive, small ones and the largest."""
    for knock in cloud.soundings.knocks:
        small = knocks(cloud, knock.sender, knock.receiver, big=False)
        if knock.big and any(k.sender == knock.sender and lost(k) for k in small):
            continue  # where nothing passes, the size is no reason
        if passed(knock) or lost(knock):
            size = f" of {knock.size} bytes" if knock.big else ""
            checks.check(
                passed(knock),
                knock_evidence(knock),
                good=f"geneve{size} arrives",
                bad=f"geneve{size} from {knock.sender} does not arrive at {knock.receiver}",
            )


def check_local(checks: Checks, cloud: Cloud, trail: Trail) -> None:
    """The DHCP request is answered by br-int, and the guest answers its router."""
    for traced in cloud.soundings.traces:
        if traced.what == "dhcp":
            _traced(checks, cloud, trail, traced, "its DHCP request")
    for call in cloud.soundings.calls:
        if call.delivered <= 0:
            continue
        evidence = Evidence(
            where=call.host,
            what=f"ARP requests put out of {call.device}, and packets that came in",
            seen=f"{call.delivered} out, {call.answered} in",
            expected="an answer",
            command=call.command,
        )
        if call.answered > 0:
            good = "what the guest sends enters br-int"
            checks.check(True, evidence, good=good, bad="")
        else:
            checks.unknown(
                f"the guest is silent: {call.delivered} ARP requests went out of {call.device}, and "
                "nothing came in; look inside it, at its console"
            )


def check_router(checks: Checks, cloud: Cloud, trail: Trail) -> None:
    """The gateway's address is answered by br-int."""
    for traced in cloud.soundings.traces:
        if traced.what == "arp":
            _traced(checks, cloud, trail, traced, "its ARP request for the gateway")


def rules_shown(cloud: Cloud, trail: Trail) -> str:
    """The command that lists every ACL that can be about the port: its switch's and its groups'."""
    lists = [f"ovn-nbctl acl-list {q(trail.switch.name)}"] if trail.switch else []
    lists += [
        f"ovn-nbctl --type=port-group acl-list {q(group.name)}"
        for group in cloud.groups_of(trail.port)
    ]
    return "; ".join(lists)


def _traced(checks: Checks, cloud: Cloud, trail: Trail, traced: Traced, what: str) -> None:
    ending = traced.ending
    if not ending.dropped:
        place = "at other ports: br-int itself gives no answer"
    elif traced.stage:
        place = f"in {traced.stage} (table {ending.table})"
    else:
        place = f"in OpenFlow table {ending.table}"
    checks.check(
        ending.answered,
        Evidence(
            where=traced.host,
            what=f"{what}, traced through br-int",
            seen="answered"
            if ending.answered
            else f"ends {place}" + (f", at the flow: {ending.flow}" if ending.flow else ""),
            expected="answered",
            command=traced.command,
        ),
        good=f"{what} is answered",
        bad=f"{what} ends {place}",
    )
    if traced.by_acl:
        checks.check(
            False,
            Evidence(
                where=NORTHBOUND,
                what="ACLs of its switch and port groups",
                seen=f"the trace ends where they decide, in {traced.stage}",
                expected="one that allows it, above any that drops it",
                command=rules_shown(cloud, trail),
            ),
            bad=f"{what} ends {place}",
        )


_ANSWERER = {"floating IP": ", for the VM, by its router"}
"""Who answers ARP: OVN's own flows know the floating IP, whatever becomes of packets to it."""


def check_outside(checks: Checks, cloud: Cloud, what: str) -> None:
    """An ARP probe on the provider network: for the ``next hop`` or a ``floating IP``."""
    for asked in cloud.soundings.arpings:
        if asked.what == what:
            checks.check(
                asked.answered,
                Evidence(
                    where=asked.host,
                    what=f"ARP for the {what} {asked.address}",
                    seen="answered" if asked.answered else "no answer",
                    expected="answered",
                    command=asked.command,
                ),
                good=f"ARP for the {what} {asked.address} is answered{_ANSWERER.get(what, '')}",
                bad=f"nobody answers ARP for the {what} {asked.address}",
            )
