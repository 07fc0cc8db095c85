"""Physical networks: which bridge of a chassis leads to them, and by which localnet port."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from viftrail.facts.northbound import LogicalSwitchPort
from viftrail.facts.southbound import Chassis


def mappings(text: str) -> Mapping[str, str]:
    """``physnet1:br-ex,physnet2:br-b`` as physical network → bridge (ovn-controller(8))."""
    found: dict[str, str] = {}
    for entry in text.split(","):
        network, colon, bridge = entry.partition(":")
        if not network or not colon:
            break  # it reads none after that one either, and trims nothing (controller/patch.c)
        if bridge:
            found[network] = bridge
    return found


def localnet_for(
    localnets: Collection[LogicalSwitchPort], chassis: Chassis | None
) -> LogicalSwitchPort | None:
    """The localnet port by which a chassis leaves a network.

    A routed provider network has one for each segment, and a chassis is in one segment:
    ovn-controller passes over the ports that it maps no bridge to (controller/patch.c). Where
    it maps none, it is one that its mappings name all the same, else the first.
    """
    text = chassis.bridge_mappings if chassis else ""
    for known in (mappings(text), re.split(r"[:=,;\s]+", text)):
        for row in localnets:
            if row.options.get("network_name", "") in known:
                return row
    return next(iter(localnets), None)
