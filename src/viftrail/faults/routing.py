"""S11: routers and their ports that are switched off, and router ports that lead to no router."""

from __future__ import annotations

from collections.abc import Iterator

from viftrail.chain import subject
from viftrail.chain.cloud import Cloud
from viftrail.chain.northbound import enabled
from viftrail.chain.quoting import db, q
from viftrail.chain.router import disabled_router_lsps
from viftrail.chain.subject import Subject
from viftrail.facts.inquiry import NORTHBOUND
from viftrail.facts.northbound import (
    LogicalRouter,
    LogicalRouterPort,
    LogicalSwitch,
    LogicalSwitchPort,
)
from viftrail.facts.slice import leg_name, router_name
from viftrail.faults.fault import Case, Fault
from viftrail.faults.step import (
    ADMIN_SHELL,
    NO_UNDO,
    enabled_port,
    neutron_owns,
    on_host,
    owned_row,
    rewritten_row,
)
from viftrail.verdict import Evidence, Risk, Stage, Step

ASK_FIRST = "If somebody disabled it on purpose, ask first."


def _disabled(cloud: Cloud) -> Iterator[Case]:
    for router in cloud.nb[LogicalRouter]:
        if router.enabled is not False or not router.ports:
            continue
        yield Case(
            subject=subject.router(router.name),
            summary=f"router {router.name} is administratively down",
            evidence=(
                Evidence(
                    where=NORTHBOUND,
                    what=f"Logical_Router {router.name} enabled",
                    seen="false",
                    expected="true",
                    command=f"ovn-nbctl get Logical_Router {q(router.name)} enabled",
                ),
            ),
            steps=owned_row(
                cloud,
                ovn=f"ovn-nbctl set Logical_Router {q(router.name)} enabled=true",
                undo=f"ovn-nbctl set Logical_Router {q(router.name)} enabled=false",
                openstack=f"openstack router set --enable {q(_id(router.name))}",
                openstack_undo=f"openstack router set --disable {q(_id(router.name))}",
                verify=f"ovn-nbctl get Logical_Router {q(router.name)} enabled",
            ),
            note=ASK_FIRST,
        )


def _shut(cloud: Cloud) -> Iterator[Case]:
    for lsp in disabled_router_lsps(cloud):
        yield Case(
            subject=subject.router(lsp.router.name)
            if lsp.outside
            else subject.network(lsp.switch.name),
            summary=f"the port of network {lsp.switch.name} towards router {lsp.router.name} is "
            "administratively down",
            evidence=(enabled(lsp.row),),
            steps=enabled_port(cloud, lsp.row.name),
            note=ASK_FIRST,
        )


def _dangling(cloud: Cloud) -> Iterator[tuple[LogicalSwitch, LogicalSwitchPort]]:
    """Networks' router ports that name none, or none that exists, each with its network."""
    legs = cloud.nb[LogicalRouterPort]
    for switch, row in cloud.router_ports:
        peer = row.options.get("router-port", "")
        if not peer or legs.absent("name", peer):
            yield switch, row


def _cut_off(switch: LogicalSwitch, row: LogicalSwitchPort) -> Subject:
    """The network; for a gateway's side the router, whose way out it is."""
    if row.external_ids.get("neutron:device_owner") == "network:router_gateway":
        return subject.router(router_name(row))
    return subject.network(switch.name)


def _mismatched(cloud: Cloud) -> Iterator[Case]:
    for switch, row in _dangling(cloud):
        leg = cloud.nb[LogicalRouterPort].one("name", leg_name(row))
        if leg is None:
            continue
        seen = row.options.get("router-port", "")
        change = f"ovn-nbctl lsp-set-options {q(row.name)} "
        rest = [f"{key}={q(row.options[key])}" for key in row.options if key != "router-port"]
        yield Case(
            subject=_cut_off(switch, row),
            summary=f"the router port of network {switch.name} names "
            + (f"{seen}, which does not exist," if seen else "no peer")
            + f" instead of {leg.name}",
            evidence=(
                _peer(row, expected=leg.name),
                Evidence(
                    where=NORTHBOUND,
                    what=f"Logical_Router_Port {leg.name}",
                    seen="exists, and no network leads to it",
                    expected=f"the peer of {row.name}",
                    command=f"ovn-nbctl list Logical_Router_Port {q(leg.name)}",
                ),
            ),
            steps=rewritten_row(
                cloud,
                row.name,
                ovn=change + " ".join([f"router-port={q(leg.name)}", *rest]),
                undo=change + " ".join([*([f"router-port={q(seen)}"] if seen else []), *rest]),
                verify=f"ovn-nbctl lsp-get-options {q(row.name)}",
            ),
        )


def _missing(cloud: Cloud) -> Iterator[Case]:
    for switch, row in _dangling(cloud):
        if not cloud.nb[LogicalRouterPort].absent("name", leg_name(row)):
            continue
        router = cloud.nb[LogicalRouter].one("name", router_name(row))
        steps = _restore(cloud, row, router)
        yield Case(
            subject=_cut_off(switch, row),
            summary=f"network {switch.name} is attached to "
            + (f"router {router.name}" if router else "a router")
            + ", but the router has no port for it",
            evidence=(
                _peer(row, expected="the name of a Logical_Router_Port"),
                Evidence(
                    where=NORTHBOUND,
                    what=f"Logical_Router_Port {leg_name(row)}",
                    seen="no such row",
                    expected="one row",
                    command=f"ovn-nbctl find Logical_Router_Port name={db(leg_name(row))}",
                ),
            ),
            steps=steps,
            note="The port's old MAC address stands nowhere any more; guests learn the new one by "
            "ARP within seconds."
            if steps
            else f"No row tells which router and address {row.name} belongs to.",
        )


def _peer(row: LogicalSwitchPort, expected: str) -> Evidence:
    return Evidence(
        where=NORTHBOUND,
        what=f"Logical_Switch_Port {row.name} options:router-port",
        seen=row.options.get("router-port", "") or "none",
        expected=expected,
        command=f"ovn-nbctl lsp-get-options {q(row.name)}",
    )


def _restore(
    cloud: Cloud, row: LogicalSwitchPort, router: LogicalRouter | None
) -> tuple[Step, ...]:
    cidrs = row.external_ids.get("neutron:cidrs", "")
    leg = row.options.get("router-port", "")
    if router is None or not cidrs or not leg:
        return ()
    column = f"Logical_Switch_Port {q(row.name)} options"
    verify = f"ovn-nbctl lrp-get-enabled {q(leg)}"
    if neutron_owns(cloud):
        return (
            Step(
                command="neutron-ovn-db-sync-util --ovn-neutron_sync_mode repair",
                where=ADMIN_SHELL,
                risk=Risk.SAFE,
                undo=NO_UNDO,
                verify=verify,
            ),
        )
    # OVN 23.03's ovn-controller forgets a router whose port went, and takes it up again only
    # when it sees the peer change: a new leg under the old name gets ARP answered, and no more.
    return (
        *on_host(
            cloud.central_name,
            f"ovn-nbctl --wait=hv remove {column} router-port "
            f"-- lrp-add {q(router.name)} {q(leg)} {q(_mac(row.name))} "
            + " ".join(map(q, cidrs.split())),
            undo=f"ovn-nbctl lrp-del {q(leg)}",
            verify=verify,
        ),
        *on_host(
            cloud.central_name,
            f"ovn-nbctl set {column}:router-port={db(leg)}",
            undo=f"ovn-nbctl remove {column} router-port",
            verify=f"ovn-nbctl lsp-get-options {q(row.name)}",
        ),
    )


def _mac(port_id: str) -> str:
    """An address of Neutron's default base_mac, made of the port's id."""
    digits = port_id.replace("-", "")[:6]
    return ":".join(("fa", "16", "3e", digits[:2], digits[2:4], digits[4:]))


def _id(router: str) -> str:
    return router.removeprefix("neutron-")


FAULTS = (
    Fault(
        id="router-disabled",
        stage=Stage.ROUTER,
        title="The router is administratively down",
        what="Logical_Router.enabled is false: northd makes no flows for the router at all.",
        shows="DHCP and the own network work. Even the gateway's address is dead, and with it "
        "everything beyond.",
        decisive="Logical_Router.enabled is false.",
        remedy="Enable the router, unless it was disabled on purpose.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), Logical_Router enabled", "neutron: ovn_client.py update_router"),
        unlike={
            "router-interface-missing": "there the router works, and only this network is cut off",
            "port-admin-down": "there the VM's own port is disabled, and other VMs work",
            "router-port-disabled": "there other networks of the router work",
        },
        find=_disabled,
    ),
    Fault(
        id="router-port-disabled",
        stage=Stage.ROUTER,
        title="A network's port towards the router is administratively down",
        what="admin_state_up of a router's port is False; Neutron writes that as `enabled=false` to "
        "the Logical_Switch_Port of type router, and northd drops what goes in and out of it.",
        shows="DHCP and the own network work. Of an inside port the gateway's address is dead; of the "
        "gateway port only what is beyond the router.",
        decisive="Logical_Switch_Port.enabled of the router's port is false.",
        remedy="Enable the port, unless it was disabled on purpose.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), Logical_Switch_Port enabled", "ovn: northd.c lsp_is_enabled"),
        unlike={
            "router-disabled": "there the router itself is disabled",
            "port-admin-down": "there the VM's own port is disabled, and other VMs work",
        },
        find=_shut,
        unprovoked="one column tells it all: it is tested in a recording where that one is changed",
    ),
    Fault(
        id="router-interface-missing",
        stage=Stage.ROUTER,
        title="The network's router has no port for it",
        what="The network has a port towards a router, but the Logical_Router_Port was lost: a delete "
        "that went half-way, or a database that was restored.",
        shows="DHCP and the own network work; ARP for the gateway is not answered.",
        decisive="The Logical_Switch_Port of type router names a Logical_Router_Port that does not "
        "exist, and none exists by its own name either.",
        remedy="Have Neutron write the port again (sync repair); without Neutron, make it.",
        risk=Risk.SAFE,
        references=("ovn-nb(5), Logical_Switch_Port options:router-port",),
        unlike={
            "router-peer-mismatch": "there the router's port exists, and the network names another",
            "router-disabled": "there every network of the router is cut off",
        },
        find=_missing,
    ),
    Fault(
        id="router-peer-mismatch",
        stage=Stage.ROUTER,
        title="The network's router port names another peer",
        what="options:router-port of the network's side names no existing Logical_Router_Port, while "
        "the router's side is there. northd says nothing about it.",
        shows="DHCP and the own network work; ARP for the gateway is not answered.",
        decisive="options:router-port names nothing that exists, and the Logical_Router_Port "
        "lrp-<port> does.",
        remedy="Name the right peer; Neutron does so at any update of the port.",
        risk=Risk.SAFE,
        references=(
            "ovn-nb(5), Logical_Switch_Port options:router-port",
            "neutron: ovn_client.py update_router_port",
        ),
        unlike={"router-interface-missing": "there the router's port does not exist either"},
        find=_mismatched,
    ),
)
