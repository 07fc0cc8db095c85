"""S9: what a guest's lease tells it, what it leaves out, and guests that ask for none."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud, Port
from viftrail.chain.quoting import atom, db, q
from viftrail.chain.saying import said
from viftrail.facts.host import Host
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.log.logs import Signal
from viftrail.facts.log.moment import parse
from viftrail.facts.northbound import DHCPOptions, LogicalRouterPort, LogicalSwitch
from viftrail.facts.slice import network_of
from viftrail.faults.fault import Case, Fault
from viftrail.faults.interior import NETWORKING
from viftrail.faults.step import owned_row
from viftrail.verdict import Certainty, Evidence, Risk, Stage, Step

_ROUTES = ("router", "classless_static_route")
_TELLS_ALL = "0.0.0.0/0"


def _no_default_route(cloud: Cloud) -> Iterator[Case]:
    users: dict[str, list[Port]] = {}
    for port in cloud.ports.values():
        if port.row and port.row.dhcpv4_options:
            users.setdefault(port.row.dhcpv4_options, []).append(port)
    for row in cloud.nb[DHCPOptions]:
        if ":" in row.cidr or row.uuid not in users or _default_route(row):
            continue
        switch = cloud.switch_of(users[row.uuid][0])
        gateway = _leg_address(cloud, row, switch) if switch else ""
        if switch and gateway:  # a network without a router leads nowhere, and needs no route
            yield _pathless(cloud, row, switch.name, gateway, users[row.uuid])


def _pathless(
    cloud: Cloud, row: DHCPOptions, network: str, gateway: str, ports: list[Port]
) -> Case:
    subnet = row.external_ids.get("subnet_id", row.cidr)
    seen = ", ".join(f"{key}={row.options[key]}" for key in _ROUTES if row.options.get(key))
    return Case(
        subject=subject.network(network),
        summary=f"DHCP tells the guests of {row.cidr} no default route, though a router has "
        f"{gateway} in it: they reach their own subnet only",
        evidence=(
            Evidence(
                where=NORTHBOUND,
                what=f"DHCP_Options {row.uuid}: {' and '.join(_ROUTES)}",
                seen=seen or "neither",
                expected=f"router={gateway}, and 0.0.0.0/0 in classless_static_route if that is set",
                command=f"ovn-nbctl dhcp-options-get-options {q(row.uuid)}",
            ),
        ),
        steps=owned_row(
            cloud,
            ovn=_route_by(row, gateway),
            undo=_routes_as_they_were(row),
            openstack=f"openstack subnet set --gateway {q(gateway)} {q(subnet)}",
            openstack_undo=f"openstack subnet set --gateway none {q(subnet)}",
            verify=f"ovn-nbctl dhcp-options-get-options {q(row.uuid)}",
        ),
        certainty=Certainty.LIKELY,
        victims=frozenset(subject.port(port.id) for port in ports),
        note="Guests learn it when they renew their lease; a reboot does that at once. A guest that "
        "still has its old lease works until then. It may be meant so, where the guest's default route "
        "is another network's.",
    )


def _default_route(row: DHCPOptions) -> bool:
    """A client that is given option 121 does not look at option 3 (RFC 3442)."""
    routes = row.options.get("classless_static_route", "")
    return _TELLS_ALL in routes if routes else bool(row.options.get("router"))


def _leg_address(cloud: Cloud, row: DHCPOptions, switch: LogicalSwitch) -> str:
    """The address of a router's leg in this subnet; the first is what Neutron takes by default."""
    legs = cloud.nb[LogicalRouterPort].by("uuid")
    addresses = [
        network.partition("/")[0]
        for router in cloud.routers_of(switch)
        for uuid in router.ports
        for leg in legs.get(uuid, ())
        for network in leg.networks
        if network_of(network) == row.cidr
    ]
    return addresses[0] if addresses else ""


def _route_by(row: DHCPOptions, gateway: str) -> str:
    command = f"ovn-nbctl set DHCP_Options {q(row.uuid)} options:router={db(gateway)}"
    routes = row.options.get("classless_static_route", "").strip("{} ")
    if routes:
        command += " " + q(
            "options:classless_static_route=" + atom(f"{{{routes}, {_TELLS_ALL},{gateway}}}")
        )
    return command


def _routes_as_they_were(row: DHCPOptions) -> str:
    undo = f"ovn-nbctl remove DHCP_Options {q(row.uuid)} options router"
    if row.options.get("router"):
        undo = (
            f"ovn-nbctl set DHCP_Options {q(row.uuid)} options:router={db(row.options['router'])}"
        )
    routes = row.options.get("classless_static_route", "")
    if routes:
        undo += f" && ovn-nbctl set DHCP_Options {q(row.uuid)} " + q(
            "options:classless_static_route=" + atom(routes)
        )
    return undo


def _insists(cloud: Cloud) -> Iterator[Case]:
    """Guests whose request for another address was refused, and that got none since."""
    logs = cloud.facts.logs
    refused: dict[str, Signal] = {}
    for signal in logs.signals("dhcp-request-mismatch"):
        refused[signal.groups["offer"]] = signal
    if not refused:
        return
    latest: dict[str, Signal] = {}
    for signal in logs.signals("dhcp-answered"):
        if signal.groups["kind"] != "OFFER":
            latest[signal.groups["mac"]] = signal
    for port in cloud.ports.values():
        # ovn-controller says once a minute why it refuses, and to whom up to twenty times. The same
        # address may be offered in another network: only the refusal names the MAC.
        answer = latest.get(port.mac)
        requests = [refused[ip] for ip in port.addresses if ip in refused]
        if answer and answer.groups["kind"] == "NAK" and requests:
            yield _insisting(port, requests[-1], answer)


def _insisting(port: Port, request: Signal, refusal: Signal) -> Case:
    wanted, offered = request.groups["requested"], request.groups["offer"]
    return Case(
        subject=subject.port(port.id),
        summary=f"the guest of {port.label} asks for {wanted}, an address of another port or "
        f"network, is refused, and has not taken {offered}",
        evidence=(said(request.line, f"a request for {offered}"), said(refusal.line, "DHCPACK")),
        steps=(
            Step(
                command="dhclient -r; dhclient",
                where=f"the guest of {port.label}",
                risk=Risk.SAFE,
                undo="none: a client that starts afresh asks for what it is offered",
                verify=f"grep 'DHCPACK {port.mac}' /var/log/ovn/ovn-controller.log",
            ),
        ),
        victims=frozenset({subject.port(port.id)}),
        note="Remove what the image brought along: leases in /var/lib/dhcp or "
        "/var/lib/NetworkManager, and addresses set by hand.",
    )


LISTENED = 1.0
"""Seconds. A client that asks does so again within them, when it was started just now."""

BOOTED = 300.0
"""Seconds after its launch that a guest is given until it sends its first packet."""

REFUSED = 3
"""Offers in a row that a client has not taken: one or two may have been lost."""

_MUTE_FIRST = frozenset(stage for stage in Stage if stage.number <= Stage.LOCAL.number)
"""The stages without which no guest gets a lease, whether it asks or not."""


def _silent(cloud: Cloud) -> Iterator[Case]:
    """Guests whose port is up, with DHCP at hand, and that do not ask, or take no offer."""
    for port, host in cloud.ports_seen():
        row = port.row
        if row is None or row.up is not True or not row.dhcpv4_options or not port.ipv4:
            continue
        guest = host.guest(port.id)
        if guest and (not guest.up or not guest.mac or any("." in ip for ip in guest.addresses)):
            continue  # it has its address, or its own end of the link is not up
        sent, offers = _sent(cloud, port, host), _offered(cloud, port)
        if offers:
            yield _unleased(port, offers, Certainty.LIKELY, offered=True)
        elif sent and guest:
            watched = host.counters.seconds >= LISTENED
            certainty = Certainty.LIKELY if watched else Certainty.POSSIBLE
            yield _unleased(port, (sent, _addressless(port)), certainty, offered=False)
        elif sent and _never_sent(cloud, port, host):
            yield _unleased(port, (sent,), Certainty.LIKELY, offered=False)


def _ofport(cloud: Cloud, port: Port) -> int:
    """The one OpenFlow port that its device has in br-int; 0 where it has none, or several."""
    numbers = [plug.interface.ofport or 0 for plug in cloud.plugs.get(port.id, ())]
    return numbers[0] if len(numbers) == 1 else 0


def _sent(cloud: Cloud, port: Port, host: Host) -> Evidence | None:
    """That nothing came out of its device while its host was watched; None where something did."""
    number = str(_ofport(cloud, port))
    first, second = host.counters.first.get(number), host.counters.second.get(number)
    link = cloud.device_of(port)
    if first is None or second is None or first[0] != second[0]:
        return None
    if link and not (link.up and link.carrier):
        return None  # what is down is silent, and a fault of its own
    bridge = host.integration_bridge
    return Evidence(
        where=cloud.host_of(port),
        what=f"packets that {bridge} has taken from the guest, port {number}",
        seen=f"{first[0]}, and after {host.counters.seconds:g} s {second[0]}",
        expected="more: its DHCP requests",
        command=f"ovs-ofctl dump-ports {q(bridge)} {number}",
    )


def _addressless(port: Port) -> Evidence:
    return Evidence(
        where=port.label,
        what="IPv4 address of the guest's card, which is up",
        seen="none",
        expected=port.ipv4,
        command="ip -4 address show dev eth0",
    )


def _never_sent(cloud: Cloud, port: Port, host: Host) -> bool:
    """Not one packet came from the guest, in more time than a boot takes; that takes no watching."""
    if host.counters.second[str(_ofport(cloud, port))][0]:
        return False
    server = cloud.server_of(port)
    launched = parse(server.launched) if server and server.vm_state == "active" else None
    return launched is not None and host.time - launched > BOOTED


def _offered(cloud: Cloud, port: Port) -> tuple[Evidence, ...]:
    """The offers that it has not taken, since it last took one or was refused."""
    waiting: list[Signal] = []
    for signal in cloud.facts.logs.signals("dhcp-answered", mac=port.mac):
        waiting = [*waiting, signal] if signal.groups["kind"] == "OFFER" else []
    if len(waiting) < REFUSED:
        return ()
    return tuple(said(signal.line, "a DHCPACK soon after") for signal in (waiting[0], waiting[-1]))


def _unleased(
    port: Port, evidence: tuple[Evidence, ...], certainty: Certainty, *, offered: bool
) -> Case:
    return Case(
        subject=subject.port(port.id),
        summary=f"the guest of {port.label} is offered {port.ipv4} by DHCP again and again, and does "
        "not take it"
        if offered
        else f"the guest of {port.label} asks for no address: nothing that it sends enters br-int, "
        "while its port is up and DHCP would answer",
        evidence=evidence,
        steps=(
            Step(
                command=f"systemctl restart {NETWORKING}",
                where=port.label,
                risk=Risk.BLINKS,
                undo="nothing to undo: it asks for its lease, as at boot",
                verify="ip -4 address show dev eth0",
                blinks="this guest's own link",
                tenant="the guest's networking starts anew, and asks for its lease",
            ),
        ),
        certainty=certainty,
        note=f"{NETWORKING} stands for whatever the guest's image has. Look at its console "
        "(`openstack console log show`): no DHCP client is configured for this NIC, cloud-init "
        "failed, or nothing has booted. A guest that shall have no address is as it should be.",
    )


FAULTS = (
    Fault(
        id="guest-dhcp-silent",
        stage=Stage.LOCAL,
        title="The guest asks for no lease, or takes none",
        what="Everything in OVN is ready to answer DHCP, and the guest does not ask: its image has no "
        "client for this NIC, cloud-init or the client failed, or nothing has booted. Or it asks, and "
        "drops what it is offered.",
        shows="No address in the guest. Set by hand, the port's own address works.",
        decisive="The port is up and has DHCP options, no other fault is there, and the packets that "
        "br-int has taken from the tap stay as many as they were; or ovn-controller logs DHCPOFFER "
        "to its MAC again and again, and no DHCPACK.",
        remedy="Mend the guest: its console tells. Nothing in OVN is to be changed.",
        risk=Risk.BLINKS,
        references=("ovn: controller/pinctrl.c pinctrl_handle_put_dhcp_opts", "RFC 2131, 4.4.1"),
        unlike={
            "dhcp-options-missing": "there it asks, and nobody answers",
            "dhcp-request-mismatch": "there it asks for another address, and is refused",
            "vif-guest-link-or-mac": "there its end of the link is down",
            "sg-egress-missing": "there it asks, and br-int drops it",
        },
        find=_silent,
        intended=True,
        yields_to=_MUTE_FIRST,
    ),
    Fault(
        id="dhcp-request-mismatch",
        stage=Stage.LOCAL,
        title="The guest insists on another address",
        what="The guest asks DHCP for an address that is not its port's: it was made from the "
        "snapshot of another VM, or its network was changed, and its client kept the old lease.",
        shows="No IPv4, though everything in OVN holds; the guest is refused in a loop.",
        decisive="ovn-controller of its host logs `DHCPREQUEST requested IP A does not match offer "
        "B`, then DHCPNAK to its MAC, and no DHCPACK since.",
        remedy="Drop the old lease in the guest.",
        risk=Risk.SAFE,
        references=("ovn: controller/pinctrl.c", "RFC 2131, 4.3.2"),
        unlike={
            "dhcp-options-missing": "there nobody answers, and nothing is logged",
        },
        find=_insists,
        spares_others=True,
    ),
    Fault(
        id="subnet-without-gateway",
        stage=Stage.LOCAL,
        title="DHCP gives the guests no default route",
        what="The DHCP_Options row has neither `router` nor 0.0.0.0/0 among its "
        "classless_static_route, or has the latter option without it: the subnet was made with "
        "`--gateway none`, or its host routes were set by hand.",
        shows="The VM has its lease and reaches its neighbours, but nothing beyond its subnet; "
        "answers to a floating IP find no way back.",
        decisive="No default route in the options, while a router has a leg in the subnet. A guest "
        "that is given option 121 ignores option 3 (RFC 3442). The second network of a VM with two is "
        "often made so, hence an audit does not list it.",
        remedy="Set the subnet's gateway; guests learn it when they renew their lease.",
        risk=Risk.SAFE,
        references=("RFC 3442", "ovn-nb(5), DHCP_Options", "neutron: ovn_client.py"),
        unlike={
            "router-interface-missing": "there the guest has a default route, and nobody at its end",
            "dhcp-options-incomplete": "there the guest has no lease either",
        },
        find=_no_default_route,
        spares_others=True,
        intended=True,
    ),
)
