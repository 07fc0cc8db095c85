"""The configuration files of an OpenStack lab, as text. Pure.

Time-outs are short, so that what takes a real cloud minutes to notice takes a lab seconds; every
other value is what the projects' own installation guides set.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from viftrail.lab.design import PHYSNET
from viftrail.lab.openstack.site import PASSWORD, REGION, Site

VIF_PLUGGING_TIMEOUT: Final = 45
"""Seconds; Nova's default is 300."""
SERVICE_DOWN_TIME: Final = 12
"""Seconds without a report; Nova's default is 60."""
OVSDB_TIMEOUT: Final = 15
"""Seconds that os-vif waits for ovs-vswitchd; its default is 120."""
MANAGER: Final = "ptcp:6640:127.0.0.1"
"""Where os-vif and the metadata agent look for conf.db by default."""
ZONE: Final = "zone2"
"""The availability zone of the last compute; the others are in Nova's default one."""
REPORT_INTERVAL: Final = 3
AGENT_DOWN_TIME: Final = 15
"""Seconds; Neutron's default is 75."""


_NEUTRON_CONTEXTS: Final = (
    "privsep",
    "privsep_conntrack",
    "privsep_dhcp_release",
    "privsep_link",
    "privsep_namespace",
    "privsep_ovs_vsctl",
)
"""Of neutron/privileged/__init__.py; each asks for root by sudo otherwise."""


def _section(name: str, **options: object) -> str:
    lines = [f"{key} = {str(value).lower() if isinstance(value, bool) else value}"
             for key, value in options.items()]  # fmt: skip
    return "\n".join([f"[{name}]", *lines, ""])


def _credentials(site: Site, user: str) -> dict[str, object]:
    return {
        "auth_url": site.auth_url,
        "auth_type": "password",
        "username": user,
        "password": PASSWORD,
        "project_name": "service",
        "user_domain_id": "default",
        "project_domain_id": "default",
    }


def _authtoken(site: Site, user: str) -> str:
    return _section(
        "keystone_authtoken",
        www_authenticate_uri=site.auth_url,
        **_credentials(site, user),
        service_token_roles="service",
        service_token_roles_required=True,
    )


def _client(site: Site, section: str, user: str, **more: object) -> str:
    return _section(section, **_credentials(site, user), region_name=REGION, **more)


def keystone(site: Site) -> str:
    """keystone.conf."""
    keys = site.folder / "keystone"
    return "\n".join(
        (
            _section("DEFAULT", log_file=site.log / "keystone.log"),
            _section("database", connection=site.database("keystone")),
            _section("fernet_tokens", key_repository=keys / "fernet-keys"),
            _section("fernet_receipts", key_repository=keys / "fernet-keys"),
            _section("credential", key_repository=keys / "credential-keys"),
            _section("token", provider="fernet", expiration=86400),
        )
    )


def placement(site: Site) -> str:
    """placement.conf."""
    return "\n".join(
        (
            _section("DEFAULT", log_file=site.log / "placement.log"),
            _section("api", auth_strategy="keystone"),
            _section("placement_database", connection=site.database("placement")),
            _authtoken(site, "placement"),
        )
    )


def glance(site: Site) -> str:
    """glance-api.conf."""
    store = site.folder / "glance"
    return "\n".join(
        (
            _section(
                "DEFAULT",
                log_file=site.log / "glance-api.log",
                enabled_backends="files:file",
                enabled_import_methods="[]",
                workers=0,
            ),
            _section("glance_store", default_backend="files"),
            _section("files", filesystem_store_datadir=store / "images"),
            _section("os_glance_staging_store", filesystem_store_datadir=store / "staging"),
            _section("os_glance_tasks_store", filesystem_store_datadir=store / "tasks"),
            _section("database", connection=site.database("glance")),
            _section(
                "paste_deploy",
                flavor="keystone",
                config_file=site.etc / "glance" / "glance-api-paste.ini",
            ),
            _authtoken(site, "glance"),
        )
    )


def neutron(site: Site) -> str:
    """neutron.conf with ML2's and OVN's sections."""
    state = site.folder / "neutron"
    return "\n".join(
        (
            _section(
                "DEFAULT",
                core_plugin="ml2",
                service_plugins="ovn-router,qos,trunk,segments,port_forwarding",
                auth_strategy="keystone",
                transport_url=site.broker,
                api_workers=1,
                rpc_workers=1,
                api_paste_config=site.etc / "neutron" / "api-paste.ini",
                state_path=state,
                log_file=site.log / "neutron-server.log",
                notify_nova_on_port_status_changes=True,
                notify_nova_on_port_data_changes=True,
                agent_down_time=AGENT_DOWN_TIME,
                dns_domain="openstacklocal.",
            ),
            _section("oslo_concurrency", lock_path=state / "lock"),
            _section("database", connection=site.database("neutron")),
            _authtoken(site, "neutron"),
            _client(site, "nova", "nova", endpoint_type="internal"),
            _client(site, "placement", "placement"),
            _section(
                "ml2",
                type_drivers="local,flat,vlan,geneve",
                tenant_network_types="geneve",
                project_network_types="geneve",
                mechanism_drivers="ovn",
                extension_drivers="port_security,qos",
                overlay_ip_version=4,
            ),
            _section("ml2_type_flat", flat_networks=PHYSNET),
            _section("ml2_type_vlan", network_vlan_ranges=f"{PHYSNET}:100:199"),
            _section("ml2_type_geneve", vni_ranges="1:65536", max_header_size=38),
            _section("securitygroup", enable_security_group=True),
            _section(
                "ovn",
                ovn_nb_connection=f"tcp:{site.controller}:6641",
                ovn_sb_connection=f"tcp:{site.controller}:6642",
                ovn_l3_scheduler="leastloaded",
                ovn_metadata_enabled=True,
                enable_distributed_floating_ip=False,
            ),
        )
    )


def nova(site: Site) -> str:
    """nova.conf, of the controller and the computes alike."""
    state = site.folder / "nova"
    helper = f"{site.bin}/privsep-helper --config-file {site.config('nova')}/nova.conf"
    return "\n".join(
        (
            _section(
                "DEFAULT",
                transport_url=site.broker,
                state_path=state,
                log_dir=site.log,
                my_ip=site.controller,
                compute_driver="libvirt.LibvirtDriver",
                vif_plugging_timeout=VIF_PLUGGING_TIMEOUT,
                vif_plugging_is_fatal=True,
                service_down_time=SERVICE_DOWN_TIME,
                report_interval=REPORT_INTERVAL,
                update_resources_interval=10,
                shutdown_timeout=2,
                resume_guests_state_on_host_boot=False,
            ),
            _section("api", auth_strategy="keystone"),
            _section("api_database", connection=site.database("nova_api")),
            _section("database", connection=site.database("nova_cell1")),
            _authtoken(site, "nova"),
            _client(site, "service_user", "nova", send_service_user_token=True),
            _client(site, "placement", "placement"),
            _client(
                site,
                "neutron",
                "neutron",
                service_metadata_proxy=True,
                metadata_proxy_shared_secret=PASSWORD,
            ),
            _client(site, "glance", "glance"),
            _section("conductor", workers=1),
            _section("scheduler", workers=1, discover_hosts_in_cells_interval=-1),
            _section("wsgi", api_paste_config=site.config("nova") / "api-paste.ini"),
            _section("oslo_concurrency", lock_path=state / "lock"),
            _section("vnc", enabled=False),
            _section("libvirt", virt_type="qemu", cpu_mode="none", inject_partition=-2),
            _section("vif_plug_ovs", ovs_vsctl_timeout=OVSDB_TIMEOUT),
            # os-vif and its friends ask for root by sudo otherwise.
            *(
                _section(context, helper_command=helper)
                for context in (
                    "vif_plug_ovs_privileged",
                    "vif_plug_linux_bridge_privileged",
                    "nova_sys_admin",
                    "privsep_osbrick",
                )
            ),
        )
    )


def nova_compute(host: str, address: str, state: Path, log: Path) -> str:
    """What a compute adds to nova.conf."""
    return "\n".join(
        (
            _section(
                "DEFAULT",
                host=host,
                my_ip=address,
                state_path=state,
                instances_path=state / "instances",
                log_dir=log,
            ),
            _section("oslo_concurrency", lock_path=state / "lock"),
        )
    )


def metadata_agent(site: Site, host: str, state: Path, log: Path, file: Path) -> str:
    """neutron_ovn_metadata_agent.ini of a compute."""
    helper = f"{site.bin}/privsep-helper --config-file {file}"
    return "\n".join(
        (
            _section(
                "DEFAULT",
                host=host,
                state_path=state,
                nova_metadata_host=site.controller,
                metadata_proxy_shared_secret=PASSWORD,
                metadata_workers=1,
                log_file=log / "neutron-ovn-metadata-agent.log",
            ),
            _section("agent", root_helper="", use_helper_for_ns_read=False),
            *(_section(context, helper_command=helper) for context in _NEUTRON_CONTEXTS),
            _section("oslo_concurrency", lock_path=state / "lock"),
            _section("ovs", ovsdb_connection="tcp:127.0.0.1:6640"),
            _section("ovn", ovn_sb_connection=f"tcp:{site.controller}:6642"),
        )
    )


def rabbitmq(site: Site) -> str:
    """rabbitmq.conf."""
    return "\n".join(
        (
            f"listeners.tcp.1 = {site.controller}:5672",
            "loopback_users = none",
            "log.file.level = info",
            "vm_memory_high_watermark.absolute = 1GB",
            "",
        )
    )


QEMU: Final = """\
security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
stdio_handler = "file"
cgroup_controllers = [ ]
namespaces = [ ]
"""
"""qemu.conf: a guest is a plain process of root's, in the namespaces of its node."""


def libvirtd(uuid: str, log: Path) -> str:
    """libvirtd.conf; two hosts of one machine would have the same UUID otherwise."""
    return (
        'unix_sock_group = "root"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\n'
        f'host_uuid = "{uuid}"\nlog_outputs = "2:file:{log}/libvirtd.log"\n'
    )


def clouds(site: Site) -> str:
    """clouds.yaml for whoever talks to the lab; in JSON, which YAML contains."""
    auth = {
        "auth_url": site.auth_url,
        "username": "admin",
        "password": PASSWORD,
        "project_name": "admin",
        "user_domain_id": "default",
        "project_domain_id": "default",
    }
    return json.dumps({"clouds": {"lab": {"auth": auth, "region_name": REGION}}}, indent=1) + "\n"
