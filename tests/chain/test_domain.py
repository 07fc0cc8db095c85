"""libvirt's NIC held against the plug."""

from __future__ import annotations

from typing import Any

import pytest

from viftrail.chain.cloud import Plug
from viftrail.chain.domain import Fitting
from viftrail.facts.host import Card, Domain
from viftrail.facts.vswitch import Interface


def fitting(carrier: str, **card: Any) -> Fitting:
    interface = Interface(uuid="i", name=carrier)
    return Fitting(
        host="compute1",
        domain=Domain(name="instance-1", uuid="s"),
        card=Card(mac="fa:16:3e:00:00:01", **card) if card else None,
        plug=Plug(host="compute1", interface=interface, bridge="br-int") if carrier else None,
    )


@pytest.mark.parametrize(
    ("carrier", "card", "fits"),
    [
        ("tap1", {"device": "tap1"}, True),
        ("tap1", {"device": "tap2"}, False),
        ("tap1", {"device": "tap1", "bridge": "br-int"}, True),  # Nova 23 and older
        ("qvo1", {"device": "tap1", "bridge": "qbr1"}, True),
        ("tap1", {"device": "tap1", "bridge": "qbr1"}, False),
        ("vhu1", {"kind": "vhostuser"}, True),
        ("", {"device": "tap1"}, True),
        ("tap1", {}, False),
    ],
)
def test_what_fits(carrier: str, card: dict[str, Any], fits: bool) -> None:
    assert fitting(carrier, **card).fits is fits


def test_the_evidence_is_what_virsh_shows() -> None:
    evidence = fitting("tap1", device="tap2", bridge="qbr2").evidence
    assert (evidence.seen, evidence.command) == ("tap2 in qbr2", "virsh domiflist instance-1")
    assert fitting("tap1").evidence.seen == "none"
