"""S9, S10: what the guest itself does against what its port and its network allow."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.local import dhcp_options
from viftrail.chain.quoting import q
from viftrail.facts.host import Guest
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.number import number
from viftrail.faults.fault import Case, Fault
from viftrail.verdict import Evidence, Risk, Stage, Step

NETWORKING = "systemd-networkd"


def _asked(cloud: Cloud) -> Iterator[tuple[Port, Guest]]:
    """The guests that could be asked, as a console or a guest agent lets one."""
    for port, host in cloud.ports_seen():
        guest = host.guest(port.id)
        if guest is not None:
            yield port, guest


def _address_not_allowed(cloud: Cloud) -> Iterator[Case]:
    for port, guest in _asked(cloud):
        allowed = _allowed(port, guest)
        foreign = [each for each in guest.addresses if allowed and not _among(each, allowed)]
        if foreign:
            yield _foreign(port, guest, foreign, allowed)


def _allowed(port: Port, guest: Guest) -> list[str]:
    """The addresses that port security allows with the guest's MAC; empty: any."""
    entries = [entry.split() for entry in port.row.port_security] if port.row else []
    own = [words[1:] for words in entries if words and words[0].lower() == guest.mac.lower()]
    # An entry that names no address allows all of them (ovn-nb(5)).
    return [word for words in own for word in words] if all(own) else []


def _among(address: str, allowed: list[str]) -> bool:
    """Whether port security allows it: an entry is an address or a prefix."""
    try:
        ip = ipaddress.ip_address(address)
        # With a prefix length a host's own address stands for itself only; a network's for all.
        return any(
            ip == each.ip or (each.ip == each.network.network_address and ip in each.network)
            for each in map(ipaddress.ip_interface, allowed)
        )
    except ValueError:
        return True  # what cannot be read accuses nobody


def _foreign(port: Port, guest: Guest, foreign: list[str], allowed: list[str]) -> Case:
    mute = len(foreign) == len(guest.addresses)
    return Case(
        subject=subject.port(port.id),
        summary=f"{port.label} uses {', '.join(foreign)}, but its port allows only "
        f"{', '.join(allowed)}: br-int drops what is sent from or to the other address",
        evidence=(
            Evidence(
                where=port.label,
                what="IP addresses that the guest uses",
                seen=", ".join(guest.addresses),
                expected=", ".join(allowed),
                command="ip address show",
            ),
            Evidence(
                where=NORTHBOUND,
                what="Logical_Switch_Port.port_security",
                seen=", ".join(port.row.port_security) if port.row else "",
                expected="every address that the guest uses",
                command=f"ovn-nbctl lsp-get-port-security {q(port.id)}",
            ),
        ),
        steps=(
            Step(
                command=f"systemctl restart {NETWORKING}",
                where=port.label,
                risk=Risk.BLINKS,
                undo=f"ip address add {q(foreign[0])} dev eth0",
                verify="ip address show dev eth0",
                blinks="this guest's own link, whose traffic is dropped already",
                tenant="the guest asks for its lease again, and loses the other address",
            ),
        )
        if mute
        else (),
        # With its own address among them the guest still talks; only the other one is dead.
        victims=None if mute else frozenset(),
        note=f"Take it out of the guest's configuration first; {NETWORKING} stands for whatever "
        "the guest's image has. If the other address is meant (a VIP, containers), allow it instead, "
        "on every member of the pair: openstack port set --allowed-address "
        f"ip-address={foreign[0]} {port.id}",
    )


def _mtu_ignored(cloud: Cloud) -> Iterator[Case]:
    for port, guest in _asked(cloud):
        options = dhcp_options(cloud, port)
        told = options.options.get("mtu", "") if options else ""
        carried = number(told)
        if carried is None or guest.mtu <= carried:
            continue
        yield Case(
            subject=subject.port(port.id),
            summary=f"{port.label} has an MTU of {guest.mtu} where its network carries {told}: its "
            "big packets vanish",
            evidence=(
                Evidence(
                    where=port.label,
                    what="MTU of eth0 in the guest",
                    seen=str(guest.mtu),
                    expected=f"{told} or less",
                    command="ip link show eth0",
                ),
                Evidence(
                    where=NORTHBOUND,
                    what=f"mtu that DHCP tells the guests of {options.cidr if options else ''}",
                    seen=told,
                    expected=f"{guest.mtu} or more, for such a guest",
                    command="ovn-nbctl dhcp-options-get-options "
                    + (options.uuid if options else ""),
                ),
            ),
            steps=(
                Step(
                    command=f"ip link set dev eth0 mtu {q(told)}",
                    where=port.label,
                    risk=Risk.SAFE,
                    undo=f"ip link set dev eth0 mtu {guest.mtu}",
                    verify="ip link show eth0",
                ),
            ),
            note="The first Ethernet device of the guest is called eth0 here. Mend its static "
            "configuration too, or it is back after a reboot.",
        )


FAULTS = (
    Fault(
        id="portsec-ip-not-allowed",
        stage=Stage.LOCAL,
        title="The guest uses an IP address that its port does not allow",
        what="An address in the guest is not in the port's port_security: set by hand, kept from "
        "another VM's image, or a VIP or container network without an allowed address pair.",
        shows="Traffic from and to that address is dropped, ARP included, while the port's own "
        "address works as long as the guest has it. No row of any database changes.",
        decisive="The guest's own list of addresses, held against port_security.",
        remedy="Have the guest ask for its lease; or allow the other one by an allowed address "
        "pair, on every member that may use it.",
        risk=Risk.BLINKS,
        references=("ovn-nb(5), port_security", "ovn: northd ls_in_check_port_sec"),
        unlike={"portsec-mac-mismatch": "there the MAC is foreign, and no address works"},
        find=_address_not_allowed,
    ),
    Fault(
        id="mtu-guest-ignores",
        stage=Stage.TUNNEL,
        title="The guest's MTU is larger than its network's",
        what="The guest's card has a larger MTU than DHCP's option 26 says, most often because it is "
        "configured statically with 1500.",
        shows="Ping and small packets work; the guest's large packets vanish without a log line. A "
        "TCP connection hangs after the handshake.",
        decisive="The MTU of the guest's card against `mtu` of its subnet's DHCP_Options.",
        remedy="Set the guest's MTU, and mend its configuration.",
        risk=Risk.SAFE,
        references=("RFC 2132, section 5.1", "ovn-nb(5), DHCP_Options, mtu"),
        unlike={"tunnel-mtu": "there the guest heeds its network, and the underlay is too small"},
        find=_mtu_ignored,
        unprovoked="`lab ping --size` sends packets that such a guest can send as well",
    ),
)
