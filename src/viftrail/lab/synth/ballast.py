"""Logical flows in the amount that ovn-northd makes of VM ports.

viftrail never reads Logical_Flow, but a file has them, and a reader must get
past them: nine tenths of a Southbound file are flows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from viftrail.lab.ovsdb import strings
from viftrail.lab.synth.draft import items, pairs, references

if TYPE_CHECKING:
    from viftrail.lab.ovsdb import Row
    from viftrail.lab.synth.draft import Tables
    from viftrail.lab.synth.journal import Journal
    from viftrail.lab.synth.plan import Ids


class Ballast:
    """Writes the flows of ports, as ovn-northd 23.03 words them."""

    def __init__(self, southbound: Journal, ids: Ids) -> None:
        self._southbound = southbound
        self._ids = ids

    def port(self, datapath: str, port: Row, tables: Tables) -> None:
        """The flows of one VM's port: forwarding, ARP and DHCP."""
        addresses = items(port, "addresses")
        if port["type"] or not addresses or " " not in addresses[0]:
            return
        mac, address = addresses[0].split(" ")[:2]
        name = port["name"]

        def flow(stage: str, table: int, priority: int, match: str, actions: str) -> None:
            keys = {"source": "northd.c:8200", "stage-hint": datapath[:8], "stage-name": stage}
            row = {
                "logical_datapath": ["uuid", datapath],
                "pipeline": "egress" if "_out_" in stage else "ingress",
                "table_id": table,
                "priority": priority,
                "match": match,
                "actions": actions,
                "external_ids": strings(keys),
            }
            if "port ==" in match:
                row["tags"] = strings({"in_out_port": name})
            self._southbound.put("Logical_Flow", self._ids.uuid(), row)

        flow("ls_in_l2_lkup", 25, 50, f"eth.dst == {mac}", f'outport = "{name}"; output;')
        answer = (
            f"eth.dst = eth.src; eth.src = {mac}; arp.op = 2; /* ARP reply */ "
            f"arp.tha = arp.sha; arp.sha = {mac}; arp.tpa = arp.spa; arp.spa = {address}; "
            "outport = inport; flags.loopback = 1; output;"
        )
        request = f"arp.tpa == {address} && arp.op == 1"
        flow("ls_in_arp_rsp", 19, 50, request, answer)
        flow("ls_in_arp_rsp", 19, 100, f'{request} && inport == "{name}"', "next;")
        for uuid in references(port, "dhcpv4_options"):
            options = pairs(tables["DHCP_Options"][uuid], "options")
            server, source = options["server_id"], options.get("server_mac", "")
            given = ", ".join(
                f"{key} = {value}" for key, value in options.items() if key != "server_mac"
            )
            inport = f'inport == "{name}" && eth.src == {mac} && '
            dhcp = "udp.src == 68 && udp.dst == 67"
            offer = f"reg0[3] = put_dhcp_opts(offerip = {address}, {given}); next;"
            for whence in (
                "ip4.src == 0.0.0.0 && ip4.dst == 255.255.255.255",
                f"ip4.src == {address} && ip4.dst == {{{server}, 255.255.255.255}}",
            ):
                flow("ls_in_dhcp_options", 20, 100, f"{inport}{whence} && {dhcp}", offer)
            flow(
                "ls_in_dhcp_response",
                21,
                100,
                f"{inport}ip4 && {dhcp} && reg0[3]",
                f"eth.dst = eth.src; eth.src = {source}; ip4.src = {server}; udp.src = 67; "
                "udp.dst = 68; outport = inport; flags.loopback = 1; output;",
            )
            flow(
                "ls_out_acl",
                4,
                34000,
                f'outport == "{name}" && eth.src == {source} && ip4.src == {server} && udp && '
                "udp.src == 67 && udp.dst == 68",
                "ct_commit; next;",
            )
