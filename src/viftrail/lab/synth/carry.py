"""What ovn-northd makes of Northbound rows, computed without it.

As ovn-northd 23.03 does, and as far as viftrail reads Southbound: bindings,
datapaths and HA groups, no logical flows. ``tests/lab/test_synth.py`` holds it
against the real one. Tunnel keys count the ports of a datapath by uuid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from viftrail.lab.ovsdb import members, strings
from viftrail.lab.synth.compose import NB_CFG
from viftrail.lab.synth.draft import items, pairs, references

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from viftrail.lab.ovsdb import Json, Row
    from viftrail.lab.synth.ballast import Ballast
    from viftrail.lab.synth.draft import Tables
    from viftrail.lab.synth.journal import Journal
    from viftrail.lab.synth.plan import Ids

#: What northd adds to NB_Global.options; the two prefixes are drawn at its first start.
_OPTIONS: Final = {
    "mac_prefix": "0a:58:0a",
    "max_tunid": "16711680",
    "northd_internal_version": "23.03.1-20.27.0-70.6",
    "svc_monitor_mac": "0a:58:0a:00:00:01",
}


class Carrier:
    """Carries Northbound over to Southbound, some tables at a time."""

    def __init__(
        self, southbound: Journal, fleet: Tables, ids: Ids, ballast: Ballast | None
    ) -> None:
        """Takes the journal to write to, and the rows of all chassis."""
        self._southbound = southbound
        self._ids = ids
        self._ballast = ballast
        self._datapaths = 0
        self._waiting: dict[str, tuple[Row, list[str]]] = {}
        self._chassis: dict[str, str] = {}
        self._chassis_by_hostname: dict[str, str] = {}
        for uuid, row in sorted(fleet["Chassis"].items()):
            self._chassis[row["name"]] = uuid
            self._chassis_by_hostname.setdefault(row["hostname"], uuid)
        self.hv_cfg = min([NB_CFG, *(row["nb_cfg"] for row in fleet["Chassis_Private"].values())])
        southbound.put_all(fleet)

    def take(
        self, tables: Tables, claims: Mapping[str, str], unbound: Collection[str] = ()
    ) -> None:
        """Carries these rows over, and notes in them what northd notes there.

        A port whose switch is not among them waits for the switch.
        """
        garps = self._routers(tables, claims)
        for uuid, row in tables["Logical_Switch_Port"].items():
            row["up"] = row["type"] == "router" or row["name"] in claims
            leg = pairs(row, "options").get("router-port", "")
            self._waiting[uuid] = (row, garps.get(leg, []))
        for uuid, switch in tables.get("Logical_Switch", {}).items():
            self._switch(uuid, switch, tables, claims, unbound)

    def finish(self, tables: Tables) -> None:
        """Carries NB_Global over, and notes there how far all chassis are."""
        (row,) = tables["NB_Global"].values()
        options = pairs(row, "options") | _OPTIONS
        row |= {"sb_cfg": NB_CFG, "hv_cfg": self.hv_cfg, "options": strings(options)}
        own = {"nb_cfg": NB_CFG, "options": strings(options)}
        self._southbound.put("SB_Global", self._ids.uuid(), own)

    # Switches -----------------------------------------------------------------

    def _switch(
        self,
        uuid: str,
        switch: Row,
        tables: Tables,
        claims: Mapping[str, str],
        unbound: Collection[str],
    ) -> None:
        friendly = pairs(switch, "external_ids").get("neutron:network_name", "")
        keys = {"logical-switch": uuid, "name": switch["name"], "name2": friendly}
        datapath = self._datapath(keys)
        for key, port in enumerate(sorted(references(switch, "ports")), 1):
            row, garps = self._waiting.pop(port)
            if row["name"] in unbound:
                continue
            options = pairs(row, "options")
            binding = {
                "logical_port": row["name"],
                "type": row["type"],
                "mac": row["addresses"],
                "port_security": row.get("port_security", members([])),
                "options": row.get("options", strings({})),
                "external_ids": _external_ids(row),
                "tag": row.get("tag", members([])),
            }
            if row["type"] == "router":
                binding |= {
                    "type": "patch",
                    "options": strings({"peer": options["router-port"]}),
                    "nat_addresses": members(garps),
                }
            elif "requested-chassis" in options:
                wanted = options["requested-chassis"]
                chassis = self._chassis.get(wanted) or self._chassis_by_hostname.get(wanted)
                binding["requested_chassis"] = members([["uuid", chassis]] if chassis else [])
            self._bind(datapath, key, binding, claims)
            if self._ballast is not None:
                self._ballast.port(datapath, row, tables)

    # Routers ------------------------------------------------------------------

    def _routers(self, tables: Tables, claims: Mapping[str, str]) -> dict[str, list[str]]:
        """Carries routers over; gives back what each gateway port announces, by name."""
        garps: dict[str, list[str]] = {}
        legs = tables.get("Logical_Router_Port", {})
        for uuid, router in tables.get("Logical_Router", {}).items():
            friendly = pairs(router, "external_ids").get("neutron:router_name", "")
            keys = {"logical-router": uuid, "name": router["name"], "name2": friendly}
            datapath = self._datapath(keys)
            key = 0
            for reference in sorted(references(router, "ports")):
                leg = legs[reference]
                name, key = leg["name"], key + 1
                options = {"peer": name.removeprefix("lrp-")}
                binding = {
                    "logical_port": name,
                    "type": "patch",
                    "mac": members([f"{leg['mac']} {' '.join(items(leg, 'networks'))}"]),
                    "external_ids": leg["external_ids"],
                }
                hosted = "gateway_chassis" in leg or "ha_chassis_group" in leg
                if hosted:
                    garps[name] = _announced(router, leg, tables)
                    redirect = {
                        "type": "chassisredirect",
                        "logical_port": f"cr-{name}",
                        "options": strings({"always-redirect": "true", "distributed-port": name}),
                        "ha_chassis_group": self._group(leg, tables),
                    }
                    self._bind(datapath, key + 1, binding | redirect, claims)
                    options["chassis-redirect-port"] = f"cr-{name}"
                binding["options"] = strings(options)
                self._bind(datapath, key, binding, claims)
                key += hosted
        return garps

    def _group(self, leg: Row, tables: Tables) -> list[str]:
        """The HA group of a gateway port, whichever way Neutron schedules it."""
        name = leg["name"]
        choices = [tables["Gateway_Chassis"][uuid] for uuid in references(leg, "gateway_chassis")]
        for uuid in references(leg, "ha_chassis_group"):
            group = tables["HA_Chassis_Group"][uuid]
            name = group["name"]
            choices += [tables["HA_Chassis"][choice] for choice in references(group, "ha_chassis")]
        held = []
        for row in choices:
            chassis = self._chassis.get(row["chassis_name"])
            held.append(["uuid", self._ids.uuid()])
            self._southbound.put(
                "HA_Chassis",
                held[-1][1],
                {
                    "chassis": members([["uuid", chassis]] if chassis else []),
                    "priority": row["priority"],
                    "external_ids": strings({"chassis-name": row["chassis_name"]}),
                },
            )
        uuid = self._ids.uuid()
        self._southbound.put("HA_Chassis_Group", uuid, {"name": name, "ha_chassis": members(held)})
        return ["uuid", uuid]

    # Rows ---------------------------------------------------------------------

    def _datapath(self, keys: Mapping[str, str]) -> str:
        self._datapaths += 1
        uuid = self._ids.uuid()
        row = {"tunnel_key": self._datapaths, "external_ids": strings(keys)}
        self._southbound.put("Datapath_Binding", uuid, row)
        return uuid

    def _bind(self, datapath: str, key: int, row: Row, claims: Mapping[str, str]) -> None:
        claimed = self._chassis.get(claims.get(row["logical_port"], ""))
        place = {
            "datapath": ["uuid", datapath],
            "tunnel_key": key,
            "chassis": members([["uuid", claimed]] if claimed else []),
            "up": claimed is not None,
        }
        self._southbound.put("Port_Binding", self._ids.uuid(), row | place)


def _external_ids(port: Row) -> Json:
    """Those of the port, and its name once more for ovn-sbctl."""
    keys = pairs(port, "external_ids")
    name = keys.get("neutron:port_name", "")
    return strings(keys | ({"name": name} if name else {}))


def _announced(router: Row, leg: Row, tables: Tables) -> list[str]:
    """The addresses that the chassis with the gateway port announces: its own, floating IPs."""
    own = [network.split("/")[0] for network in items(leg, "networks")]
    rows = (tables["NAT"][uuid] for uuid in sorted(references(router, "nat")))
    floating = [row["external_ip"] for row in rows if row["type"] == "dnat_and_snat"]
    where = f'is_chassis_resident("cr-{leg["name"]}")'
    return sorted(
        " ".join((leg["mac"], *addresses, where)) for addresses in (own, floating) if addresses
    )
