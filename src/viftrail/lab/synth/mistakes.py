"""The kinds of faults that can be planted, each visible in rows alone.

A mistake changes one draft, or the fleet, and says what it did. Names are those
of the catalogue wherever it has one; where the rows cannot tell which of
several causes of the catalogue it was, the name says what the rows show:

==================================  ===========================================
name                                why not one of the catalogue's
==================================  ===========================================
``northd-binding-missing``          northd off, paused or at another database:
                                    rows show only that Southbound lacks one
``pb-unclaimed``                    whether the tap or the controller is missing
                                    is known on the host alone
``controller-flow-lag``                 crashed, hung or cut off: the same rows
``nb-duplicate-address``            the catalogue only mentions it
``nb-orphan-nat``                   like nb-orphan-lsp, for NAT rows
``router-gateway-chassis-gone``    one of several candidates is gone; traffic
                                    passes, unlike router-gateway-chassis-gone
==================================  ===========================================
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import msgspec

from viftrail.lab.design import port_group
from viftrail.lab.ovsdb import members, strings
from viftrail.lab.synth.draft import Draft, pairs
from viftrail.lab.synth.plan import BLOCK

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Sequence

    from viftrail.lab.ovsdb import Row
    from viftrail.lab.synth.plan import Guest, Host, Site

LSP = "Logical_Switch_Port"


class Planted(msgspec.Struct, frozen=True):
    """One line of the answer key."""

    fault: str
    subject: str
    """As viftrail names it: ``port ID``, ``router NAME``, ``host HOSTNAME``…"""

    victims: tuple[str, ...]
    """Ids of the VM ports that it cuts off, wholly or in part."""

    what: str
    """What was done to the rows."""


class Pick:
    """Chooses victims, none twice."""

    def __init__(
        self, draw: random.Random, computes: Sequence[Host], avoid: Iterable[str] = ()
    ) -> None:
        """``avoid`` are hosts with faults of their own."""
        self.draw = draw
        self._avoid = frozenset(avoid)
        self._sound = [host for host in computes if host.name not in self._avoid]
        self._used: set[str] = set()

    def guest(
        self, guests: Iterable[Guest], suits: Callable[[Guest], bool] = lambda _: True
    ) -> Guest | None:
        """One of these VMs; None if none suits."""
        free = [
            guest
            for guest in guests
            if guest.vm.port_id not in self._used
            and guest.vm.host not in self._avoid
            and suits(guest)
        ]
        if not free:
            return None
        chosen = self.draw.choice(free)
        self._used.add(chosen.vm.port_id)
        return chosen

    def plain(self, guests: Iterable[Guest]) -> Guest | None:
        """One without a floating IP."""
        return self.guest(guests, lambda guest: guest.vm.floating_ip is None)

    def elsewhere(self, host: str) -> Host:
        """Another sound host than this one."""
        return self.draw.choice([each for each in self._sound if each.name != host])


def _port(fault: str, guest: Guest, what: str, *, harmless: bool = False) -> Planted:
    port = guest.vm.port_id
    return Planted(fault, f"port {port}", () if harmless else (port,), what)


def _vanish(draft: Draft, guest: Guest) -> None:
    del draft.rows[LSP][guest.row]
    for table in ("Logical_Switch", "Port_Group"):
        draft.unlink(table, "ports", guest.row)
    draft.secured.remove(guest.row)
    del draft.claims[guest.vm.port_id]


def lsp_missing(draft: Draft, pick: Pick) -> Planted | None:
    """Neutron has a port that Northbound has not."""
    guest = pick.plain(draft.tenancy.guests)
    if guest is None:
        return None
    _vanish(draft, guest)
    return _port("nb-lsp-missing", guest, "the Logical_Switch_Port is not there; Neutron wants it")


def lsp_orphaned(draft: Draft, pick: Pick) -> Planted | None:
    """Northbound has a port that Neutron has not: the VM is gone, its row stayed."""
    guest = pick.plain(draft.tenancy.guests)
    if guest is None:
        return None
    del draft.owned[guest.vm.port_id]
    del draft.claims[guest.vm.port_id]
    what = "the Logical_Switch_Port is there, unclaimed; Neutron has no such port"
    return _port("nb-orphan-lsp", guest, what, harmless=True)


def addresses_drifted(draft: Draft, pick: Pick) -> Planted | None:
    """Others are told a wrong address, or none."""
    guest = pick.guest(draft.tenancy.guests)
    if guest is None:
        return None
    wrong = [] if pick.draw.random() < 0.5 else [f"fa:16:3e:ff:ff:ee {guest.vm.ip}"]
    draft.rows[LSP][guest.row]["addresses"] = members(wrong)
    return _port(
        "nb-addresses-drift",
        guest,
        f"addresses are {wrong or 'empty'}; Neutron wants {guest.vm.mac} {guest.vm.ip}",
    )


def addresses_doubled(draft: Draft, pick: Pick) -> Planted | None:
    """Two ports of one network have one MAC and one IP; Neutron's record agrees."""
    site = pick.draw.choice(draft.tenancy.sites)
    first = pick.plain(site.guests)
    second = pick.plain(site.guests)
    if first is None or second is None:
        return None
    row = draft.rows[LSP][second.row]
    for column in ("addresses", "port_security"):
        row[column] = members([f"{first.vm.mac} {first.vm.ip}"])
    cidrs = draft.owned[first.vm.port_id].cidrs
    row["external_ids"] = strings(pairs(row, "external_ids") | {"neutron:cidrs": cidrs[0]})
    draft.owned[second.vm.port_id] = msgspec.structs.replace(
        draft.owned[second.vm.port_id], mac=first.vm.mac, addresses=(first.vm.ip,), cidrs=cidrs
    )
    return Planted(
        "nb-duplicate-address",
        f"network {site.network.logical_switch}",
        (first.vm.port_id, second.vm.port_id),
        f"{first.vm.mac} {first.vm.ip} belongs to two ports",
    )


def port_disabled(draft: Draft, pick: Pick) -> Planted | None:
    """The port is administratively down."""
    guest = pick.guest(draft.tenancy.guests)
    if guest is None:
        return None
    draft.rows[LSP][guest.row]["enabled"] = False
    return _port("port-admin-down", guest, "enabled is false")


def dhcp_missing(draft: Draft, pick: Pick) -> Planted | None:
    """The port refers to no DHCP options."""
    guest = pick.guest(draft.tenancy.guests)
    if guest is None:
        return None
    draft.rows[LSP][guest.row]["dhcpv4_options"] = members([])
    return _port("dhcp-options-missing", guest, "dhcpv4_options is empty")


def groups_lost(draft: Draft, pick: Pick) -> Planted | None:
    """The port is in the drop group and in no other, and is not meant to be."""
    guest = pick.guest(draft.tenancy.guests)
    if guest is None:
        return None
    draft.unlink("Port_Group", "ports", guest.row)
    row = draft.rows[LSP][guest.row]
    row["external_ids"] = strings(pairs(row, "external_ids") | {"neutron:security_group_ids": ""})
    port = draft.owned[guest.vm.port_id]
    draft.owned[port.id] = msgspec.structs.replace(port, port_groups=())
    return _port("sg-egress-missing", guest, "only neutron_pg_drop holds the port")


def group_drifted(draft: Draft, pick: Pick) -> Planted | None:
    """One of the port's security groups does not hold it."""
    guest = pick.guest(draft.tenancy.guests, lambda guest: len(guest.groups) > 1)
    if guest is None:
        return None
    name = port_group(guest.groups[-1])
    _, group = draft.named("Port_Group", name)
    group["ports"][1].remove(["uuid", guest.row])
    return _port("sg-portgroup-drift", guest, f"{name} lacks the port that names it")


def binding_lost(draft: Draft, pick: Pick) -> Planted | None:
    """Southbound has lost what northd once made."""
    guest = pick.plain(draft.tenancy.guests)
    if guest is None:
        return None
    draft.unbound.add(guest.vm.port_id)
    return _port("northd-binding-missing", guest, "there is no Port_Binding")


def binding_unclaimed(draft: Draft, pick: Pick) -> Planted | None:
    """No chassis claims the port."""
    guest = pick.guest(draft.tenancy.guests)
    if guest is None:
        return None
    del draft.claims[guest.vm.port_id]
    return _port("pb-unclaimed", guest, f"chassis is empty; {guest.vm.host} should claim it")


def binding_misclaimed(draft: Draft, pick: Pick) -> Planted | None:
    """Another chassis claims the port than was asked to."""
    guest = pick.guest(draft.tenancy.guests)
    if guest is None:
        return None
    other = pick.elsewhere(guest.vm.host)
    draft.claims[guest.vm.port_id] = other.system_id
    what = f"chassis is {other.name}; {guest.vm.host} was requested"
    return _port("pb-requested-chassis-mismatch", guest, what)


def nat_missing(draft: Draft, pick: Pick) -> Planted | None:
    """A floating IP has no NAT row."""
    guest = pick.guest(draft.tenancy.guests, lambda guest: guest.vm.floating_ip is not None)
    if guest is None or guest.vm.floating_ip is None:
        return None
    address = guest.vm.floating_ip.address
    uuid = next(u for u, row in draft.rows["NAT"].items() if row["external_ip"] == address)
    del draft.rows["NAT"][uuid]
    draft.unlink("Logical_Router", "nat", uuid)
    what = f"no NAT row has external_ip={address}; the port's neutron:port_fip names it"
    return Planted("fip-nat-row-missing", f"floating IP {address}", (guest.vm.port_id,), what)


def nat_orphaned(draft: Draft, pick: Pick) -> Planted | None:
    """A NAT row translates to an address that no port has."""
    tenancy = draft.tenancy
    if not tenancy.routed:
        return None
    model = next((r for r in draft.rows["NAT"].values() if r["type"] == "dnat_and_snat"), None)
    if model is None:
        return None
    taken = {row["external_ip"] for row in draft.rows["NAT"].values()}
    first = ipaddress.ip_interface(tenancy.router.outside.address).ip
    spare = (str(first + slot) for slot in range(BLOCK - 1, 0, -1))
    address = next(each for each in spare if each not in taken)
    inside = str(pick.draw.choice(tenancy.sites).network.cidr[253])
    port, fip = draft.ids.uuid(), draft.ids.uuid()
    keys = pairs(model, "external_ids") | {"neutron:fip_id": fip, "neutron:fip_port_id": port}
    row = model | {
        "external_ip": address,
        "logical_ip": inside,
        "logical_port": port,
        "external_ids": strings(keys),
    }
    _, router = draft.named("Logical_Router", tenancy.router.logical_router)
    router["nat"][1].append(draft.add("NAT", row))
    what = f"a NAT row leads from {address} to {inside}, which no port has"
    return Planted("nb-orphan-nat", f"floating IP {address}", (), what)


# Whole networks and routers -----------------------------------------------------


def _router(fault: str, draft: Draft, what: str, *, harmless: bool = False) -> Planted:
    victims = () if harmless else tuple(guest.vm.port_id for guest in draft.tenancy.guests)
    return Planted(fault, f"router {draft.tenancy.router.logical_router}", victims, what)


def _choices(draft: Draft) -> list[Row]:
    """The rows that name the chassis of the tenant's gateway port, the last choice first."""
    rows = (*draft.rows["Gateway_Chassis"].values(), *draft.rows["HA_Chassis"].values())
    return sorted(rows, key=lambda row: int(row["priority"]))


def _release(draft: Draft) -> None:
    del draft.claims[f"cr-{draft.tenancy.router.outside.logical_router_port}"]


def _retire(draft: Draft, row: Row) -> str:
    """Has such a row name a chassis that does not exist."""
    row["chassis_name"] = gone = draft.ids.uuid()
    if "name" in row:
        row["name"] = f"{draft.tenancy.router.outside.logical_router_port}_{gone}"
    return gone


def gateway_unscheduled(draft: Draft, pick: Pick) -> Planted | None:  # noqa: ARG001
    """The gateway port names no chassis."""
    for table in ("Gateway_Chassis", "HA_Chassis", "HA_Chassis_Group"):
        draft.rows.pop(table, None)
    _, leg = draft.named("Logical_Router_Port", draft.tenancy.router.outside.logical_router_port)
    for column in ("gateway_chassis", "ha_chassis_group"):
        leg.pop(column, None)
    _release(draft)
    return _router(
        "router-no-gateway-chassis", draft, "gateway_chassis and ha_chassis_group are empty"
    )


def gateway_gone(draft: Draft, pick: Pick) -> Planted | None:  # noqa: ARG001
    """Every chassis that the gateway port names is gone."""
    gone = [_retire(draft, row) for row in _choices(draft)]
    _release(draft)
    what = f"it names only chassis that do not exist: {', '.join(gone)}"
    return _router("router-gateway-chassis-gone", draft, what)


def gateway_stale(draft: Draft, pick: Pick) -> Planted | None:  # noqa: ARG001
    """The gateway's last choice is a chassis that is gone."""
    last, *others = _choices(draft)
    if not others:
        return None
    gone = _retire(draft, last)
    what = f"its last choice {gone} does not exist; traffic passes"
    return _router("router-gateway-chassis-gone", draft, what, harmless=True)


def _network(fault: str, site: Site, what: str) -> Planted:
    victims = tuple(guest.vm.port_id for guest in site.guests)
    return Planted(fault, f"network {site.network.logical_switch}", victims, what)


def dhcp_incomplete(draft: Draft, pick: Pick) -> Planted | None:
    """The subnet's options lack what ovn-northd insists on."""
    site = pick.draw.choice(draft.tenancy.sites)
    key = {"subnet_id": site.network.subnet_id}
    row = next(
        row
        for row in draft.rows["DHCP_Options"].values()
        if key.items() <= pairs(row, "external_ids").items()
    )
    lost = pick.draw.choice((("server_mac",), ("lease_time",), ("server_mac", "lease_time")))
    kept = {k: v for k, v in pairs(row, "options").items() if k not in lost}
    row["options"] = strings(kept)
    return _network("dhcp-options-incomplete", site, f"the options lack {', '.join(lost)}")


def localnet_lost(draft: Draft, pick: Pick) -> Planted | None:  # noqa: ARG001
    """A provider network has no way out any more."""
    site = draft.tenancy.sites[0]
    uuid, _ = draft.named(LSP, str(site.network.localnet_port))
    del draft.rows[LSP][uuid]
    draft.unlink("Logical_Switch", "ports", uuid)
    what = f"{site.network.localnet_port} is not there; the switch is of {site.network.physnet}"
    return _network("prov-localnet-wrong", site, what)
