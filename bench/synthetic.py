"""Database files as a cloud of many ports would have them, for the benchmarks.

Written straight as journals (ovsdb(5)): a schema record and one snapshot
record, as ovsdb-server leaves them after a compaction.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCHEMAS = Path("/usr/share/ovn")
PER_SWITCH = 100
CHASSIS_PORTS = 50
GROUP_PORTS = 200
DATE = 1_700_000_000_000
Rows = Iterator[tuple[str, dict[str, Any]]]


class Dice:
    """UUIDs and addresses that are the same on each run."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def uuid(self) -> str:
        """A random UUID."""
        text = f"{self._random.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def set_of(atoms: list[Any]) -> Any:
    """A set in wire form, ordered as ovsdb-server orders it."""
    return atoms[0] if len(atoms) == 1 else ["set", sorted(atoms)]


def map_of(**pairs: str) -> Any:
    """A map in wire form; ``__`` stands for a colon and ``_`` for a hyphen in its keys."""
    named = {k.replace("__", ":"): v for k, v in pairs.items()}
    return ["map", sorted([k, v] for k, v in named.items())]


def references(uuids: list[str]) -> Any:
    """A set of references."""
    return set_of([["uuid", uuid] for uuid in uuids])


def write(path: Path, schema: Path, tables: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Write a compacted stand-alone database file."""
    snapshot = {"_comment": "compacting database online", "_date": DATE, **tables}
    with path.open("wb") as file:
        for document in (json.loads(schema.read_text()), snapshot):
            body = json.dumps(document, separators=(",", ":")).encode() + b"\n"
            digest = hashlib.sha1(body, usedforsecurity=False).hexdigest()
            file.write(f"OVSDB JSON {len(body)} {digest}\n".encode() + body)


def address(number: int) -> tuple[str, str]:
    """A MAC and an IPv4 address of this port."""
    octets = (number >> 16 & 255, number >> 8 & 255, number & 255)
    mac = "fa:16:3e:" + ":".join(f"{octet:02x}" for octet in octets)
    return mac, "10." + ".".join(map(str, octets))


def northbound(path: Path, ports: int) -> None:
    """OVN_Northbound as Neutron fills it."""
    dice = Dice(1)
    tables: dict[str, dict[str, dict[str, Any]]] = {
        "NB_Global": {dice.uuid(): {"nb_cfg": 7, "sb_cfg": 7, "hv_cfg": 7}}
    }
    names = [dice.uuid() for _ in range(ports)]
    rows = [dice.uuid() for _ in range(ports)]
    projects = [dice.uuid().replace("-", "") for _ in range(max(1, ports // 500))]
    switches: dict[str, Any] = {}
    dhcp: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    acls: dict[str, Any] = {}
    members: dict[str, Any] = {}
    group_ids = [dice.uuid() for _ in range(max(1, ports // GROUP_PORTS))]
    for first in range(0, ports, PER_SWITCH):
        network, options = dice.uuid(), dice.uuid()
        subnet = address(first)[1].rsplit(".", 1)[0] + ".0/24"
        switches[dice.uuid()] = {
            "name": f"neutron-{network}",
            "ports": references(rows[first : first + PER_SWITCH]),
            "other_config": map_of(mcast_snoop="false", vlan_passthru="false"),
            "external_ids": map_of(
                neutron__mtu="1442",
                neutron__network_name=f"net-{first}",
                neutron__revision_number="3",
                **{"neutron__availability-zone-hints": ""},
            ),
        }
        dhcp[options] = {
            "cidr": subnet,
            "options": map_of(
                lease_time="43200", mtu="1442", router=subnet, server_id=subnet, server_mac="fa:16"
            ),
            "external_ids": map_of(subnet_id=dice.uuid(), neutron__revision_number="0"),
        }
        for number in range(first, min(first + PER_SWITCH, ports)):
            mac, ip = address(number)
            members[rows[number]] = {
                "name": names[number],
                "addresses": f"{mac} {ip}",
                "port_security": f"{mac} {ip}",
                "up": True,
                "enabled": True,
                "dhcpv4_options": ["uuid", options],
                "options": map_of(
                    **{
                        "requested-chassis": f"compute-{number // CHASSIS_PORTS}.example.org",
                        "mcast_flood_reports": "true",
                    }
                ),
                "external_ids": map_of(
                    neutron__cidrs=f"{ip}/24",
                    neutron__device_id=dice.uuid(),
                    neutron__device_owner="compute:nova",
                    neutron__host_id=f"compute-{number // CHASSIS_PORTS}.example.org",
                    neutron__mtu="",
                    neutron__network_name=f"neutron-{network}",
                    neutron__port_capabilities="",
                    neutron__port_name="",
                    neutron__project_id=projects[number % len(projects)],
                    neutron__revision_number="4",
                    neutron__security_group_ids=group_ids[number // GROUP_PORTS % len(group_ids)],
                    neutron__subnet_pool_addr_scope4="",
                    neutron__subnet_pool_addr_scope6="",
                    neutron__vnic_type="normal",
                ),
            }
    for index, group in enumerate(group_ids):
        name = "pg_" + group.replace("-", "_")
        rules = [dice.uuid() for _ in range(12)]
        for rule in rules:
            acls[rule] = {
                "action": "allow-related",
                "direction": "to-lport",
                "external_ids": map_of(**{"neutron:security_group_rule_id": dice.uuid()}),
                "match": f"outport == @{name} && ip4 && ip4.src == 0.0.0.0/0 && tcp.dst == 22",
                "priority": 1002,
                "severity": "info",
            }
        groups[dice.uuid()] = {
            "name": name,
            "ports": references(rows[index * GROUP_PORTS : (index + 1) * GROUP_PORTS]),
            "acls": references(rules),
            "external_ids": map_of(**{"neutron:security_group_id": group}),
        }
    groups[dice.uuid()] = {"name": "neutron_pg_drop", "ports": references(rows)}
    tables |= {
        "Logical_Switch": switches,
        "DHCP_Options": dhcp,
        "Logical_Switch_Port": members,
        "ACL": acls,
        "Port_Group": groups,
    }
    write(path, SCHEMAS / "ovn-nb.ovsschema", tables)


def southbound(path: Path, ports: int, flows: int) -> None:
    """OVN_Southbound as northd and the chassis fill it: mostly Logical_Flow."""
    names = Dice(1)
    names.uuid()
    ids = [names.uuid() for _ in range(ports)]
    dice = Dice(2)
    chassis: dict[str, Any] = {}
    private: dict[str, Any] = {}
    encaps: dict[str, Any] = {}
    bindings: dict[str, Any] = {}
    datapaths: dict[str, Any] = {}
    hosts = []
    for number in range(ports // CHASSIS_PORTS + 1):
        row, encap, name = dice.uuid(), dice.uuid(), dice.uuid()
        hosts.append(row)
        encaps[encap] = {
            "type": "geneve",
            "ip": f"172.16.{number >> 8}.{number & 255}",
            "chassis_name": name,
            "options": map_of(csum="true"),
        }
        settings = map_of(
            **{
                "datapath-type": "system",
                "is-interconn": "false",
                "iface-types": "bareudp,erspan,geneve,gre,gtpu,internal,ip6erspan,vxlan",
                "ovn-bridge-mappings": "physnet1:br-ex",
                "ovn-cms-options": "",
                "ovn-monitor-all": "true",
            }
        )
        chassis[row] = {
            "name": name,
            "hostname": f"compute-{number}.example.org",
            "encaps": ["uuid", encap],
            "other_config": settings,
        }
        private[dice.uuid()] = {
            "name": name,
            "chassis": ["uuid", row],
            "nb_cfg": 7,
            "nb_cfg_timestamp": DATE,
            "external_ids": map_of(**{"neutron:ovn-metadata-id": dice.uuid()}),
        }
    for first in range(0, ports, PER_SWITCH):
        datapath = dice.uuid()
        datapaths[datapath] = {
            "tunnel_key": first // PER_SWITCH + 1,
            "external_ids": map_of(**{"logical-switch": dice.uuid()}),
        }
        for number in range(first, min(first + PER_SWITCH, ports)):
            mac, ip = address(number)
            host = number // CHASSIS_PORTS
            bindings[dice.uuid()] = {
                "logical_port": ids[number],
                "datapath": ["uuid", datapath],
                "tunnel_key": number % PER_SWITCH + 1,
                "chassis": ["uuid", hosts[host]],
                "requested_chassis": ["uuid", hosts[host]],
                "up": True,
                "mac": f"{mac} {ip}",
                "options": map_of(**{"requested-chassis": f"compute-{host}.example.org"}),
                "external_ids": map_of(
                    **{
                        "neutron:cidrs": f"{ip}/24",
                        "neutron:device_id": dice.uuid(),
                        "neutron:device_owner": "compute:nova",
                        "neutron:host_id": f"compute-{host}.example.org",
                        "neutron:project_id": "0123456789abcdef0123456789abcdef",
                        "neutron:revision_number": "4",
                    }
                ),
            }
    paths = list(datapaths)
    logical = {}
    for number in range(flows):
        mac, ip = address(number % max(1, ports))
        logical[dice.uuid()] = {
            "logical_datapath": ["uuid", paths[number % len(paths)]],
            "pipeline": "ingress" if number % 2 else "egress",
            "table_id": number % 30,
            "priority": 90,
            "match": f'inport == "{ids[number % ports]}" && eth.src == {mac} && ip4.src == {{{ip}}}',
            "actions": f"eth.dst = eth.src; eth.src = {mac}; arp.op = 2; outport = inport; output;",
            "external_ids": map_of(
                **{"source": "northd.c:5678", "stage-name": "ls_in_check_port_sec"}
            ),
        }
    tables = {
        "SB_Global": {dice.uuid(): {"nb_cfg": 7}},
        "Encap": encaps,
        "Chassis": chassis,
        "Chassis_Private": private,
        "Datapath_Binding": datapaths,
        "Logical_Flow": logical,
        "Port_Binding": bindings,
    }
    write(path, SCHEMAS / "ovn-sb.ovsschema", tables)
