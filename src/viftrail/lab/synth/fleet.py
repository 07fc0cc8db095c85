"""What ovn-controller and Neutron's metadata agent write of each chassis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from viftrail.lab.design import PHYSNET, PROVIDER_BRIDGE
from viftrail.lab.ovsdb import members, strings
from viftrail.lab.synth.compose import NB_CFG
from viftrail.lab.synth.plan import VM_PHYSNET

if TYPE_CHECKING:
    from viftrail.lab.ovsdb import Row
    from viftrail.lab.synth.draft import Tables
    from viftrail.lab.synth.plan import Host, Ids

#: Chassis.other_config as ovn-controller 23.03 writes it on a kernel host.
_OTHER_CONFIG: Final = {
    "ct-no-masked-label": "true",
    "datapath-type": "system",
    "iface-types": "bareudp,erspan,geneve,gre,gtpu,internal,ip6erspan,ip6gre,lisp,patch,srv6,stt,"
    "system,tap,vxlan",
    "is-interconn": "false",
    "mac-binding-timestamp": "true",
    "ovn-chassis-mac-mappings": "",
    "ovn-ct-lb-related": "true",
    "ovn-enable-lflow-cache": "true",
    "ovn-limit-lflow-cache": "",
    "ovn-memlimit-lflow-cache-kb": "",
    "ovn-monitor-all": "false",
    "ovn-trim-limit-lflow-cache": "",
    "ovn-trim-timeout-ms": "",
    "ovn-trim-wmark-perc-lflow-cache": "",
    "port-up-notif": "true",
}
COMPUTE_MAPPINGS: Final = f"{VM_PHYSNET}:br-vlan"
GATEWAY_MAPPINGS: Final = f"{PHYSNET}:{PROVIDER_BRIDGE}"


def register(
    tables: Tables,
    host: Host,
    ids: Ids,
    moment: int,
    *,
    nb_cfg: int = NB_CFG,
    encap: str = "geneve",
) -> None:
    """Adds the rows of one chassis."""
    encap_row = ids.uuid()
    config = {
        "ovn-bridge-mappings": GATEWAY_MAPPINGS if host.gateway else COMPUTE_MAPPINGS,
        "ovn-cms-options": "enable-chassis-as-gw" if host.gateway else "",
    }
    tables.setdefault("Encap", {})[encap_row] = {
        "type": encap,
        "ip": host.tunnel_ip,
        "chassis_name": host.system_id,
        "options": strings({"csum": "true"}),
    }
    tables.setdefault("Chassis", {})[host.uuid] = {
        "name": host.system_id,
        "hostname": host.name,
        "encaps": members([["uuid", encap_row]]),
        "nb_cfg": 0,
        "other_config": strings(_OTHER_CONFIG | config),
    }
    tables.setdefault("Chassis_Private", {})[ids.uuid()] = private(
        host, moment, nb_cfg, ids.uuid(), chassis=host.uuid
    )


def private(host: Host, moment: int, nb_cfg: int, agent: str, *, chassis: str = "") -> Row:
    """The Chassis_Private of a chassis; without ``chassis`` it is a ghost."""
    return {
        "name": host.system_id,
        "chassis": members([["uuid", chassis]] if chassis else []),
        "nb_cfg": nb_cfg,
        "nb_cfg_timestamp": moment,
        "external_ids": strings(
            {"neutron:ovn-metadata-id": agent, "neutron:ovn-metadata-sb-cfg": str(nb_cfg)}
        ),
    }
