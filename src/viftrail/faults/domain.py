"""S8: another device carries the port than the one that the VM has."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.domain import Fitting, fitting_of
from viftrail.chain.quoting import db, q
from viftrail.facts.host import Host
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import on_host, reboot
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step


def _other_device(cloud: Cloud) -> Iterator[Case]:
    for port, host in cloud.ports_seen():
        if not host.domains:
            continue
        fitting = fitting_of(cloud, port)
        if fitting is None or fitting.fits or fitting.plug is None:
            continue
        carrier = fitting.plug.interface.name
        yield Case(
            subject=subject.port(port.id),
            summary=f"{carrier} carries the id of {port.label}'s port on {fitting.host}, and "
            + _has(fitting),
            evidence=(
                fitting.evidence,
                Evidence(
                    where=fitting.host,
                    what=f"Interface external_ids:iface-id={port.id}",
                    seen=carrier,
                    expected="the VM's own device",
                    command="ovs-vsctl --columns=name find Interface "
                    f"external_ids:iface-id={db(port.id)}",
                ),
            ),
            steps=_hand_over(cloud, port, host, fitting, carrier),
            # A NIC that is being attached is plugged before libvirt has it.
            certainty=Certainty.PROVEN if fitting.card else Certainty.LIKELY,
            note=f"Find out what {carrier} is, and delete it where nobody needs it.",
        )


def _hand_over(
    cloud: Cloud, port: Port, host: Host, fitting: Fitting, carrier: str
) -> tuple[Step, ...]:
    """The id goes to the VM's own device where that is plugged; else Nova plugs it, by a reboot."""
    key = f"external_ids:iface-id={db(port.id)}"
    drop = f"ovs-vsctl remove Interface {q(carrier)} external_ids iface-id"
    back = f"ovs-vsctl set Interface {q(carrier)} {key}"
    verify = f"ovs-vsctl --columns=name,ofport find Interface {key}"
    own = fitting.card.device if fitting.card and not fitting.hybrid else ""
    if host.bridge_of.get(own) == host.integration_bridge:
        return on_host(
            fitting.host,
            f"{drop} -- set Interface {q(own)} {key}",
            undo=f"{back} -- remove Interface {q(own)} external_ids iface-id",
            verify=verify,
        )
    return (
        *on_host(fitting.host, drop, undo=back, verify=verify),
        *reboot(cloud, port),
    )


def _has(fitting: Fitting) -> str:
    card = fitting.card
    if card is None:
        return f"libvirt gave {fitting.domain.name} no NIC with its MAC address"
    bridge = f" in {card.bridge}" if card.bridge else ""
    return f"the NIC of {fitting.domain.name} is {card.device}{bridge}"


FAULTS = (
    Fault(
        id="vif-domain-mismatch",
        stage=Stage.VIF,
        title="Another device carries the port than the VM's",
        what="The Interface with the port's iface-id is not the device that libvirt gave the VM: "
        "plugged by hand, left by an interrupted change of plug, or attached halfway.",
        shows="Every row is green: claimed, up, installed; and no packet of the VM enters br-int there.",
        decisive="libvirt's `<target dev>` with the port's MAC is not the Interface with the port's "
        "iface-id, nor the bridge of its qvo.",
        remedy="Give the id to the VM's own device. Where that is not plugged, take it from the other "
        "one and reboot the server hard: Nova plugs it anew.",
        risk=Risk.SAFE,
        references=(
            "libvirt.org: Domain XML format, Network interfaces",
            "nova: virt/libvirt/vif.py get_config",
            "os-vif: vif_plug_ovs/ovs.py",
        ),
        unlike={
            "vif-iface-id-wrong": "there the VM's own device is in br-int, with another id",
            "vif-hybrid-leg-broken": "there the names fit, and the pair is interrupted",
            "vif-guest-link-or-mac": "there it is the VM's own device, and its link is down",
        },
        find=_other_device,
    ),
)
