"""Where the plugs of a whole host are, when it is not one of them that is wrong."""

from __future__ import annotations

from viftrail.chain.cloud import NAME_LENGTH, Cloud, Port
from viftrail.facts.host import Host, Link
from viftrail.facts.vswitch import Bridge, Interface

PLUGS = ("tap", "qvo")
USUAL_BRIDGE = "br-int"


def own_link(host: Host, port: Port) -> Link | None:
    """The device that a plug of this port would put into br-int."""
    for prefix in reversed(PLUGS):
        name = prefix + port.id[:NAME_LENGTH]
        if name in host.link_by_name:
            return host.link_by_name[name]
    return None


def carriers(host: Host, bridge: str) -> list[Interface]:
    """The Interfaces of a bridge that carry an iface-id."""
    return [
        row
        for row in host.conf[Interface]
        if row.external_ids.get("iface-id") and host.bridge_of.get(row.name) == bridge
    ]


def diverted(host: Host) -> str:
    """The bridge with all plugs of the host, where ``ovn-bridge`` names one that has none.

    A single plug in another bridge is that plug's fault, unless the other bridge is br-int.
    """
    own = host.integration_bridge
    if not host.vswitch or carriers(host, own):
        return ""
    others = {row.name: carriers(host, row.name) for row in host.conf[Bridge] if row.name != own}
    fullest = max(others, key=lambda name: len(others[name]), default="")
    enough = 1 if fullest == USUAL_BRIDGE else 2
    return fullest if fullest and len(others[fullest]) >= enough else ""


def emptied(cloud: Cloud, name: str) -> tuple[Port, ...]:
    """The ports whose devices were all left behind when the host's br-int was made anew.

    Where a single device is out of br-int and nothing else says that the bridge is new, it is
    that device's fault, and none is named here.
    """
    host = cloud.hosts[name]
    if not host.vswitch or carriers(host, host.integration_bridge) or diverted(host):
        return ()
    left = [
        port
        for port in cloud.ports_on.get(name, ())
        if (link := own_link(host, port)) and link.ifname not in host.bridge_of
    ]
    # The metadata agent's device counts too: it was in br-int like those of the VMs.
    strays = [link for link in host.links if _is_tap(link) and link.ifname not in host.bridge_of]
    return tuple(left) if left and (len(strays) > 1 or wrong_datapath(cloud, name)) else ()


def _is_tap(link: Link) -> bool:
    return link.ifname.startswith("tap") and not link.master


def usual_datapath(cloud: Cloud, name: str) -> str:
    """The datapath_type that br-int of this host should have; empty for the default, system.

    As ``ovn-bridge-datapath-type`` says, else as the host's other bridges have it.
    """
    host = cloud.hosts[name]
    configured = host.settings.get("ovn-bridge-datapath-type", "")
    others = {row.datapath_type for row in host.conf[Bridge] if row.name != host.integration_bridge}
    return configured or (others.pop() if len(others) == 1 else "")


def wrong_datapath(cloud: Cloud, name: str) -> bool:
    """br-int is of another datapath_type than it should be."""
    host = cloud.hosts[name]
    bridge = host.conf[Bridge].one("name", host.integration_bridge)
    wanted = usual_datapath(cloud, name)
    return bridge is not None and bool(wanted) and (bridge.datapath_type or "system") != wanted
