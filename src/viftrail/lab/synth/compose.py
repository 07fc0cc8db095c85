"""Fills a draft with what Neutron writes of one tenant; and what belongs to all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.facts.owner import OwnedFloatingIp, OwnedPort
from viftrail.lab.design import (
    OPENINGS,
    Router,
    RouterPort,
    Rule,
    default_rules,
    egress_rules,
    opening,
    port_group,
)
from viftrail.lab.ovsdb import members, strings
from viftrail.lab.rows import NB_GLOBAL_OPTIONS, Rows
from viftrail.lab.synth.draft import Draft, Tables
from viftrail.lab.synth.plan import Site

if TYPE_CHECKING:
    from viftrail.lab.design import Network
    from viftrail.lab.ovsdb import Json
    from viftrail.lab.synth.plan import Guest, Ids, Plan, Tenancy

#: How often Neutron has asked for an echo of all chassis.
NB_CFG = 1000


def compose(plan: Plan, index: int) -> Draft:
    """All that one tenant puts into the databases."""
    tenancy = plan.tenancy(index)
    draft = Draft(tenancy, plan.ids(f"rows/{index}"))
    ports: list[Json] = []
    nat: list[Json] = []
    legs: list[Json] = []
    in_group: dict[str, list[Json]] = {tenancy.sites[0].security_group: ports}
    in_group[tenancy.web_group] = []
    systems = {host.name: host.system_id for host in plan.computes}
    for site in tenancy.sites:
        rows = Rows(site, tenancy.gateways[0].system_id)
        options = draft.add("DHCP_Options", rows.dhcp_options())
        inside = [draft.add("Logical_Switch_Port", rows.metadata_port(site.network))]
        for guest in site.guests:
            vm = guest.vm
            row = rows.port(vm, options, guest.groups)
            port = draft.add("Logical_Switch_Port", row, guest.row)
            inside.append(port)
            for group in guest.groups:
                in_group[group].append(port)
            draft.secured.append(guest.row)
            draft.claims[vm.port_id] = systems[vm.host]
            draft.owned[vm.port_id] = _owned(site, guest)
            if vm.floating_ip:
                nat.append(draft.add("NAT", rows.floating_ip(vm, vm.floating_ip)))
                draft.floating_ips[vm.floating_ip.address] = OwnedFloatingIp(
                    ip=vm.floating_ip.address,
                    id=vm.floating_ip.id,
                    port_id=vm.port_id,
                    fixed_ip=vm.ip,
                    router=site.router.logical_router,
                )
        if tenancy.routed:
            leg = site.router.inside
            row = rows.router_leg(leg, site.network, "")
            inside.append(draft.add("Logical_Switch_Port", row))
            legs.append(draft.add("Logical_Router_Port", rows.router_port(leg, site.network)))
            nat.append(draft.add("NAT", rows.snat()))
        else:
            row = rows.localnet_port(site.network)
            inside.append(draft.add("Logical_Switch_Port", row))
        draft.add("Logical_Switch", rows.switch(site.network, inside))
    if tenancy.routed:
        _router(draft, legs, nat, ha_groups=plan.ha_groups)
    _groups(draft, tenancy, in_group)
    return draft


def _owned(site: Site, guest: Guest) -> OwnedPort:
    vm = guest.vm
    return OwnedPort(
        id=vm.port_id,
        mac=vm.mac,
        addresses=(vm.ip,),
        cidrs=(f"{vm.ip}/{site.network.cidr.prefixlen}",),
        switch=site.network.logical_switch,
        network=site.network.name,
        server_id=vm.id,
        server=vm.name,
        host=vm.host,
        port_groups=tuple(port_group(group) for group in guest.groups),
    )


def _router(draft: Draft, legs: list[Json], nat: list[Json], *, ha_groups: bool) -> None:
    """The router itself, its gateway port, and where that is claimed."""
    tenancy = draft.tenancy
    site, best = tenancy.sites[0], tenancy.gateways[0]
    rows, leg = Rows(site, best.system_id), site.router.outside
    _, port = draft.add("Logical_Switch_Port", rows.router_leg(leg, site.provider, best.name))
    draft.outside.append(port)
    gateway = rows.router_port(leg, site.provider)
    gateway["options"] = strings({"gateway_mtu": str(site.network.mtu)})
    ranked = [(host.system_id, rank) for rank, host in enumerate(reversed(tenancy.gateways), 1)]
    if ha_groups:
        choices = [draft.add("HA_Chassis", rows.ha_chassis(*choice)) for choice in ranked]
        group = draft.add("HA_Chassis_Group", rows.ha_chassis_group(choices))
        gateway["ha_chassis_group"] = members([group])
    else:
        choices = [draft.add("Gateway_Chassis", rows.gateway_chassis(*choice)) for choice in ranked]
        gateway["gateway_chassis"] = members(choices)
    legs.append(draft.add("Logical_Router_Port", gateway))
    route = draft.add("Logical_Router_Static_Route", rows.default_route())
    draft.add("Logical_Router", rows.router(legs, [route], nat))
    draft.claims[f"cr-{leg.logical_router_port}"] = best.system_id


def _groups(draft: Draft, tenancy: Tenancy, in_group: dict[str, list[Json]]) -> None:
    """The project's two security groups: its default, and one for what serves the web."""
    rows = Rows(tenancy.sites[0], "")
    default, web = in_group
    wanted = {
        default: default_rules(port_group(default)),
        web: (
            *egress_rules(port_group(web)),
            *(opening(port_group(web), what) for what in OPENINGS),
        ),
    }
    for group, rules in wanted.items():
        acls = [
            draft.add("ACL", rows.rule(Rule(draft.ids.uuid(), direction, match)))
            for direction, match in rules
        ]
        draft.add("Port_Group", rows.group(group, acls, in_group[group]))


class Shared:
    """What belongs to no tenant: provider networks, the drop group, NB_Global."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._outside: dict[str, list[Json]] = {network.id: [] for network in plan.providers}
        self._secured: list[Json] = []

    def take(self, draft: Draft) -> None:
        """Notes what a tenant adds to it."""
        provider = draft.tenancy.sites[0].provider.id
        self._outside[provider] += [["uuid", uuid] for uuid in draft.outside]
        self._secured += [["uuid", uuid] for uuid in draft.secured]

    def tables(self) -> Tables:
        """Its rows, once every tenant was taken."""
        ids = self._plan.ids("shared")
        tables: Tables = {"NB_Global": {ids.uuid(): _nb_global()}}
        for network in self._plan.providers:
            _provider(tables, network, self._outside[network.id], ids)
        rows = Rows(_admin(self._plan.providers[0], ids), "")
        acls = {ids.uuid(): row for row in rows.drop_rules()}
        tables["ACL"] = acls
        references = [["uuid", uuid] for uuid in acls]
        tables["Port_Group"] = {ids.uuid(): rows.drop_group(references, self._secured)}
        return tables


def _nb_global() -> dict[str, Json]:
    return {
        "nb_cfg": NB_CFG,
        "options": strings(NB_GLOBAL_OPTIONS),
        "external_ids": strings({"neutron:fip-distributed": "False"}),
    }


def _provider(tables: Tables, network: Network, outside: list[Json], ids: Ids) -> None:
    rows = Rows(_admin(network, ids), "")
    own = {
        ids.uuid(): rows.metadata_port(network),
        ids.uuid(): rows.localnet_port(network),
    }
    tables.setdefault("Logical_Switch_Port", {}).update(own)
    ports = [["uuid", uuid] for uuid in own] + outside
    tables.setdefault("Logical_Switch", {})[ids.uuid()] = rows.switch(network, ports)


def _admin(network: Network, ids: Ids) -> Site:
    """The project that the provider networks belong to."""
    nowhere = RouterPort("", "", "")
    return Site(
        project_id=ids.uuid().replace("-", ""),
        network=network,
        provider=network,
        router=Router("", "", nowhere, nowhere),
        security_group="",
        server_mac="",
    )
