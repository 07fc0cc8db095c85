"""S11: routers that do not say when a packet is too big for the provider network."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.quoting import db, q
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import LogicalSwitch
from viftrail.facts.number import number
from viftrail.faults.fault import Case, Fault
from viftrail.faults.masquerade import GATEWAY_UNKNOWN, gateway_again
from viftrail.faults.step import neutron_owns, owned_row
from viftrail.verdict import Certainty, Evidence, Risk, Stage


def _mtu(text: str) -> int:
    return number(text) or 0


def _silent(cloud: Cloud) -> Iterator[Case]:
    inside: dict[str, LogicalSwitch] = {}
    for switch in cloud.nb[LogicalSwitch]:
        for router in cloud.routers_of(switch):
            known = inside.get(router.uuid)
            if known is None or _mtu_of(switch) > _mtu_of(known):
                inside[router.uuid] = switch
    for gateway in cloud.gateways:
        side, largest = cloud.outside(gateway), inside.get(gateway.router.uuid)
        outside = _mtu_of(side[0]) if side else 0
        told = _mtu(gateway.leg.options.get("gateway_mtu", ""))
        if not side or not largest or not 0 < outside < _mtu_of(largest) or 0 < told <= outside:
            continue
        leg = gateway.leg.name
        openstack = gateway_again(cloud, gateway, side[0].name.removeprefix("neutron-"))
        mute = neutron_owns(cloud) and not openstack
        yield Case(
            subject=subject.router(gateway.router.name),
            summary=f"the provider network carries packets of {outside} bytes, VMs send "
            f"{_mtu_of(largest)}, and the router tells nobody which are too big",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"options:gateway_mtu of {leg}",
                    seen=str(told or "not set"),
                    expected=f"at most {outside}",
                    command=f"ovn-nbctl get Logical_Router_Port {q(leg)} options",
                ),
                Evidence(
                    where=NORTHBOUND,
                    what=f"MTU of {side[0].name}",
                    seen=str(outside),
                    expected=f"at least {_mtu_of(largest)}, or a gateway_mtu",
                    command=f"ovn-nbctl get Logical_Switch {q(side[0].name)} external_ids",
                ),
            ),
            steps=()
            if mute
            else owned_row(
                cloud,
                ovn=f"ovn-nbctl set Logical_Router_Port {q(leg)} options:gateway_mtu={db(outside)}",
                undo=f"ovn-nbctl set Logical_Router_Port {q(leg)} options:gateway_mtu={db(told)}"
                if told
                else f"ovn-nbctl remove Logical_Router_Port {q(leg)} options gateway_mtu",
                openstack=openstack,
                verify=f"ovn-nbctl get Logical_Router_Port {q(leg)} options",
            ),
            certainty=Certainty.LIKELY,
            note=GATEWAY_UNKNOWN if mute else "",
        )


def _mtu_of(switch: LogicalSwitch) -> int:
    return _mtu(switch.external_ids.get("neutron:mtu", ""))


FAULTS = (
    Fault(
        id="mtu-gateway",
        stage=Stage.ROUTER,
        title="The router does not say when a packet is too big outside",
        what="The provider network's MTU is smaller than that of a network behind the router, and the "
        "gateway port has no gateway_mtu, or a larger one: what is too big vanishes without an ICMP "
        "message to the sender.",
        shows="North-south only: ping and handshakes work, large transfers hang. East-west is fine.",
        decisive="neutron:mtu of the outside is below that of the inside, and gateway_mtu of the "
        "gateway port is missing or larger than it.",
        remedy="Set gateway_mtu; any update of the router's gateway has Neutron do so.",
        risk=Risk.SAFE,
        references=(
            "ovn-nb(5), Logical_Router_Port options:gateway_mtu",
            "neutron: ovn_client.py _gen_router_port_options",
            "Launchpad bug 2032817",
        ),
        unlike={"tunnel-mtu": "there big packets vanish between hosts, east-west too"},
        find=_silent,
        unprovoked="a cure leaves big packets undelivered and only makes senders use smaller ones, "
        "which `lab ping --size` does not try",
    ),
)
