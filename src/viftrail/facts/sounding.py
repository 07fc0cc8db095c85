"""What came of packets that were sent on purpose, and of packets that were only traced.

Rows say what should happen; these say what did. They are taken only when the
operator asks for it (``why --probe``), and are never part of a bundle.
"""

from __future__ import annotations

import re

import msgspec

PUT_DHCP = "userdata=00.00.00.02"
"""ACTION_OPCODE_PUT_DHCP_OPTS: ovn-controller is handed the request (ovn: include/ovn/actions.h)."""

INGRESS = 8
"""OpenFlow table of the first logical ingress table (ovn: controller/lflow.h,
OFTABLE_LOG_INGRESS_PIPELINE); the same in every release. The egress pipeline's has moved."""

LAST_INGRESS = 37
"""Above it the tables are ovn-controller's own, or the egress pipeline's."""

_TABLE = re.compile(r"^ ?(\d+)\. (.*)$", re.MULTILINE)
_ANSWERER = re.compile(r"reply from \S+ \[([0-9a-fA-F:]{17})\]")
_DATAPATH = re.compile(r"metadata=(0x[0-9a-f]+)")


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """Where a trace ended: its last OpenFlow table, and whether a router had it by then."""

    answered: bool
    dropped: bool = True
    """Else it was passed on to other ports, for somebody else to answer."""
    table: int = 0
    routed: bool = False
    flow: str = ""
    """The OpenFlow flow that drops it, as the trace has it."""

    @property
    def logical_table(self) -> int | None:
        """The number of the logical ingress table, where it is one."""
        return self.table - INGRESS if INGRESS <= self.table <= LAST_INGRESS else None


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """A packet of the port that was traced through br-int (ofproto/trace); nothing was sent."""

    what: str
    """``dhcp`` or ``arp``."""
    host: str
    command: str
    ending: Ending
    stage: str = ""
    """The logical stage where it ended, by OVN's name of it; empty: not known."""

    @property
    def by_acl(self) -> bool:
        """It ended where ACLs decide: ``ls_in_acl_eval`` and its like (ovn-northd(8))."""
        return self.ending.dropped and "_acl" in self.stage


class Knock(msgspec.Struct, frozen=True, kw_only=True):
    """Geneve packets that were sent from one tunnel address to another and counted there."""

    sender: str
    receiver: str
    size: int
    """Bytes of the whole IP packet."""
    big: bool
    """As large as the network's largest."""
    sent: int
    arrived: int
    command: str


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """ARP requests for the guest's address, put out of its tap by br-int."""

    host: str
    device: str
    delivered: int
    answered: int
    command: str


class Arping(msgspec.Struct, frozen=True, kw_only=True):
    """ARP probes on a provider network (RFC 5227), from the gateway's host."""

    what: str
    """``next hop`` or ``floating IP``."""
    host: str
    address: str
    answered: bool
    command: str
    mac: str = ""
    """Of who answered first."""


class Soundings(msgspec.Struct, frozen=True, kw_only=True):
    """All of them; empty when none were asked for."""

    traces: tuple[Traced, ...] = ()
    knocks: tuple[Knock, ...] = ()
    calls: tuple[Call, ...] = ()
    arpings: tuple[Arping, ...] = ()


def read_trace(text: str, what: str) -> Ending | None:
    """What ovs-appctl(8) ``ofproto/trace`` printed; None when that is no trace."""
    steps = _TABLE.findall(text)
    if not steps or "Datapath actions:" not in text:
        return None
    table, flow = steps[-1]
    final = text.rpartition("Final flow:")[2]
    if what == "dhcp":
        answered = PUT_DHCP in text
    else:
        answered = "arp_op=2" in final and "Datapath actions: drop" not in final
    datapaths = _DATAPATH.findall("\n".join(line for _, line in steps))
    here = _DATAPATH.search(flow)
    routed = bool(here and datapaths and here.group(1) != datapaths[0])
    dropped = not answered and "Datapath actions: drop" in text
    return Ending(
        answered=answered,
        dropped=dropped,
        table=int(table),
        routed=routed,
        flow=flow.strip() if dropped else "",
    )


def read_count(text: str) -> tuple[int, int] | None:
    """Packets in and out in what ovs-ofctl(8) ``dump-ports BRIDGE PORT`` printed."""
    counts = re.findall(r"\b(?:rx|tx) pkts=(\d+)", text)
    return (int(counts[0]), int(counts[1])) if len(counts) == 2 else None


def read_answerer(text: str) -> str:
    """The MAC that arping(8) got its first answer from, in lower case; empty: it names none."""
    found = _ANSWERER.search(text)
    return found.group(1).lower() if found else ""


def read_arping(text: str) -> bool | None:
    """Whether arping(8) got an answer; None when it did not say."""
    found = re.search(r"Received (\d+) response", text)
    return int(found.group(1)) > 0 if found else None
