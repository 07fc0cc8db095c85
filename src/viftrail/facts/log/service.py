"""Which daemon wrote a record: by its logger, where that names one, else by what is around it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

OPENSTACK = (
    "nova-compute",
    "nova-scheduler",
    "nova-conductor",
    "nova-api",
    "placement",
    "neutron-server",
    "ovn-metadata-agent",
)
VLOG = ("ovn-northd", "ovn-controller", "ovs-vswitchd", "ovsdb-server")

_LOGGERS = (
    ("nova.compute.manager", "nova-compute"),
    ("nova.compute.resource_tracker", "nova-compute"),
    ("nova.compute.claims", "nova-compute"),
    ("nova.virt", "nova-compute"),
    ("os_vif", "nova-compute"),
    ("vif_plug_ovs", "nova-compute"),
    ("nova.scheduler.manager", "nova-scheduler"),
    ("nova.scheduler.filters", "nova-scheduler"),
    ("nova.scheduler.host_manager", "nova-scheduler"),
    ("nova.filters", "nova-scheduler"),
    ("nova.conductor.manager", "nova-conductor"),
    ("nova.api", "nova-api"),
    ("nova.osapi_compute", "nova-api"),
    ("nova.metadata", "nova-api"),
    ("placement", "placement"),
    ("neutron.agent.ovn", "ovn-metadata-agent"),
    ("neutron.agent.metadata", "ovn-metadata-agent"),
    ("neutron.plugins.ml2", "neutron-server"),
    ("neutron.pecan_wsgi", "neutron-server"),
    ("neutron.notifiers", "neutron-server"),
    ("neutron.services", "neutron-server"),
    ("neutron.api", "neutron-server"),
    ("neutron.db", "neutron-server"),
    ("neutron.wsgi", "neutron-server"),
    ("neutron.cmd.ovn.neutron_ovn_db_sync", "neutron-ovn-db-sync"),
    ("keystone", "keystone"),
    ("glance", "glance"),
    ("cinder", "cinder"),
    ("qemu", "qemu"),
)
"""Loggers that only one daemon has. Others, such as nova.scheduler.client, are used by several."""

_MODULES = {
    **dict.fromkeys(("northd", "ovn_northd", "inc_proc_northd"), "ovn-northd"),
    **dict.fromkeys(
        ("binding", "pinctrl", "patch", "encaps", "chassis", "physical", "ovn_bfd", "lflow",
         "ofctrl", "ct_zone", "ovn_controller", "if_status", "main", "local_data", "features",
         "statctrl", "vif_plug", "route_exchange"),
        "ovn-controller",
    ),
    **dict.fromkeys(
        ("bridge", "ofproto", "ofproto_dpif", "ofproto_dpif_xlate", "ofproto_dpif_upcall", "bfd",
         "tunnel", "connmgr", "dpif", "dpif_netdev", "dpif_netlink", "netdev_linux", "ovs_vswitchd",
         "netdev_vport", "netdev", "ofproto_dpif_rid"),
        "ovs-vswitchd",
    ),
    **dict.fromkeys(
        ("ovsdb_server", "raft", "ovsdb_file", "storage", "ovsdb_jsonrpc_server", "ovsdb", "log",
         "trigger", "monitor"),
        "ovsdb-server",
    ),
}  # fmt: skip

_NAMES = (
    ("nova-compute", ("nova-compute", "nova_compute")),
    ("nova-scheduler", ("nova-scheduler", "nova_scheduler")),
    ("nova-conductor", ("nova-conductor", "nova_conductor")),
    ("nova-api", ("nova-api", "nova_api", "nova-metadata")),
    ("ovn-metadata-agent", ("metadata-agent", "metadata_agent", "neutron-ovn-agent")),
    ("neutron-server", ("neutron-server", "neutron_server", "neutron-api", "neutron-rpc")),
    ("ovn-northd", ("northd",)),
    ("ovn-controller", ("ovn-controller", "ovn_controller")),
    ("ovs-vswitchd", ("vswitchd",)),
    ("ovsdb-server", ("ovsdb", "ovnnb", "ovnsb", "ovn-nb", "ovn-sb", "ovn_nb", "ovn_sb")),
    ("libvirtd", ("libvirtd", "virtqemud")),
    ("placement", ("placement",)),
)


def service_of(logger: str, layout: str = "") -> str:
    """The daemon that has this logger or module; empty where several do."""
    if layout == "libvirtd":
        return "libvirtd"
    known = _MODULES.get(logger)
    if known and layout != "oslo":
        return known
    for prefix, name in _LOGGERS:
        if logger == prefix or logger.startswith(prefix + "."):
            return name
    return ""


def service_of_all(loggers: Iterable[str], layout: str, name: str) -> str:
    """The daemon of a whole file: what most of its records tell; where none does, its name."""
    told = Counter(filter(None, (service_of(logger, layout) for logger in loggers)))
    return told.most_common(1)[0][0] if told else service_named(name)


def service_named(name: str) -> str:
    """The daemon that a file or unit is named after; empty: none."""
    lower = name.lower()
    return next((service for service, words in _NAMES if any(word in lower for word in words)), "")


def host_named(name: str, hosts: Iterable[str]) -> str:
    """The host among ``hosts`` that a file's name mentions as a word; the longest such."""
    found = [
        host
        for host in hosts
        if host and re.search(rf"(?<![0-9A-Za-z]){re.escape(host)}(?![0-9A-Za-z])", name)
    ]
    return max(found, key=len, default="")
