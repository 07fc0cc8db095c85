# ruff: noqa: B905, PTH110, PTH113, PTH116, PTH118, PTH119, PTH120, PTH123, PTH207, RUF005, UP006, UP031, UP035
"""Finds where Open vSwitch, OVN and Neutron keep their things on this very host.

The ground that probe.py stands on: `viftrail.facts.host.probe_script` puts it in front of that, so
that one file goes to a host, and what runs here imports it. Standard library only, Python 3.6 or
newer. It reads and never writes. Of a configuration file only the options that are named here are
taken, whatever else it holds.

Where each deployer keeps what, by its own sources: ovn-ctl(8) and ovs-ctl(8), m4/ovn.m4 and the
debian and rhel folders of OVN; kolla-ansible, roles/{ovn-db,ovn-controller,openvswitch,neutron};
tripleo-heat-templates, deployment/ovn, and sos, plugins ovn_central and openstack_neutron;
edpm-ansible, roles/{edpm_ovn,edpm_neutron_metadata,edpm_neutron_ovn}; openstack-ansible-os_neutron,
defaults/main.yml; MicroOVN, microovn/ovn/paths and environment; snap-openstack-hypervisor,
snap/snapcraft.yaml and hooks.py; charm-neutron-api-plugin-ovn and charm-ovn-central.
"""

import glob
import os
import re
from typing import Any, Dict, List, Mapping

MICROOVN = "/var/snap/microovn/common"
HYPERVISOR = "/var/snap/openstack-hypervisor/common"
PUPPET = "/var/lib/config-data/puppet-generated/neutron"
EDPM = "/var/lib/openstack"

DEPLOYERS = [  # and by which folder each is known
    ("kolla-ansible", "/etc/kolla"),
    ("TripleO", "/var/lib/config-data/puppet-generated"),
    ("RHOSO", "/var/lib/edpm-config"),
    ("OpenStack-Ansible", "/root/ovnctl.rc"),
    ("OpenStack-Ansible", "/etc/openstack_deploy"),
    ("MicroOVN", MICROOVN),
    ("OpenStack hypervisor snap", HYPERVISOR),
    ("Charms", "/etc/ovn/ovn-central.crt"),
    ("Charms", "/etc/ovn/ovn-chassis.crt"),
    ("Charms", "/etc/neutron/plugins/ml2/neutron-api-plugin-ovn.crt"),
]
RUN_FOLDERS = {
    "ovs": [
        "/run/openvswitch",
        "/var/run/openvswitch",
        MICROOVN + "/run/switch",
        HYPERVISOR + "/run/openvswitch",
        "/usr/local/var/run/openvswitch",
    ],
    "ovn": [
        "/run/ovn",
        "/var/run/ovn",
        "/var/lib/openvswitch/ovn",  # what TripleO and RHOSO show their containers as /run/ovn
        MICROOVN + "/run/ovn",
        MICROOVN + "/run/central",
        HYPERVISOR + "/run/ovn",
        "/usr/local/var/run/ovn",
        "/run/openvswitch",
        "/var/run/openvswitch",
    ],
}
VOLUMES = ["/var/lib/docker/volumes", "/var/lib/containers/storage/volumes"]
DATABASES = {
    "OVN_Northbound": [
        "/var/lib/ovn/ovnnb_db.db",
        "/etc/ovn/ovnnb_db.db",
        "/var/lib/openvswitch/ovn/ovnnb_db.db",
        "/var/lib/openvswitch/ovn-nb/ovnnb.db",
        MICROOVN + "/data/central/db/ovnnb_db.db",
        "/etc/openvswitch/ovnnb_db.db",
        "/usr/local/etc/ovn/ovnnb_db.db",
    ]
    + [folder + "/ovn_nb_db/_data/ovnnb.db" for folder in VOLUMES],
    "OVN_Southbound": [
        "/var/lib/ovn/ovnsb_db.db",
        "/etc/ovn/ovnsb_db.db",
        "/var/lib/openvswitch/ovn/ovnsb_db.db",
        "/var/lib/openvswitch/ovn-sb/ovnsb.db",
        MICROOVN + "/data/central/db/ovnsb_db.db",
        "/etc/openvswitch/ovnsb_db.db",
        "/usr/local/etc/ovn/ovnsb_db.db",
    ]
    + [folder + "/ovn_sb_db/_data/ovnsb.db" for folder in VOLUMES],
    "Open_vSwitch": [
        "/etc/openvswitch/conf.db",
        "/var/lib/openvswitch/conf.db",
        MICROOVN + "/data/switch/db/conf.db",
        HYPERVISOR + "/etc/openvswitch/conf.db",
        "/usr/local/etc/openvswitch/conf.db",
    ]
    + [folder + "/openvswitch_db/_data/conf.db" for folder in VOLUMES],
}
LOGS = [  # folders of a service each, or of its files; log/excerpt.py has the same (a test sees)
    "/var/log/ovn",
    "/var/log/openvswitch",
    "/var/log/neutron",
    "/var/log/nova",
    "/var/log/placement",
    "/var/log/libvirt",
    "/var/log/kolla",
    "/var/log/containers",
    MICROOVN + "/logs",
    HYPERVISOR + "/log",
    HYPERVISOR + "/var/log",
    "/usr/local/var/log/openvswitch",
]
NEUTRON = [  # (which file, the folder that its paths are seen below)
    ("/etc/neutron/plugins/ml2/ml2_conf.ini", ""),
    ("/etc/neutron/ovn.ini", ""),
    ("/etc/kolla/neutron-server/ml2_conf.ini", ""),
    (PUPPET + "/etc/neutron/plugins/ml2/ml2_conf.ini", PUPPET),
    ("/etc/neutron/neutron.conf", ""),  # of no account where the plugin's own file says it
    ("/etc/kolla/neutron-server/neutron.conf", ""),
    (PUPPET + "/etc/neutron/neutron.conf", PUPPET),
    ("/etc/neutron/plugins/ml2/ovn_agent.ini", ""),
    ("/etc/neutron/neutron_ovn_metadata_agent.ini", ""),
    ("/etc/kolla/neutron-ovn-agent/ovn_agent.ini", ""),
    ("/etc/kolla/neutron-ovn-metadata-agent/neutron_ovn_metadata_agent.ini", ""),
    (PUPPET + "/etc/neutron/plugins/networking-ovn/networking-ovn-metadata-agent.ini", PUPPET),
    (EDPM + "/neutron-ovn-agent/*.conf", ""),
    (EDPM + "/neutron-ovn-metadata-agent/*.conf", ""),
    (HYPERVISOR + "/etc/neutron/neutron_ovn_metadata_agent.ini", ""),
]
FILES = ["private_key", "certificate", "ca_cert"]
OPTIONS = ["ovn_%s_%s" % (which, what) for which in ("nb", "sb") for what in ["connection"] + FILES]
"""Of section [ovn]: neutron/conf/plugins/ml2/drivers/ovn/ovn_conf.py."""
SHELL = [  # (which file, its variables for Northbound and Southbound)
    (MICROOVN + "/data/env/ovn.env", "OVN_NB_CONNECT", "OVN_SB_CONNECT"),
    ("/root/ovnctl.rc", "OVN_NB_DB", "OVN_SB_DB"),
]
TLS = [  # (key, certificate, authority)
    ("/etc/ovn/key_host", "/etc/ovn/cert_host", "/etc/ovn/ovn-central.crt"),
    ("/etc/ovn/key_host", "/etc/ovn/cert_host", "/etc/ovn/ovn-chassis.crt"),
    (
        MICROOVN + "/data/pki/client-privkey.pem",
        MICROOVN + "/data/pki/client-cert.pem",
        MICROOVN + "/data/pki/cacert.pem",
    ),
    (
        "/etc/pki/tls/private/ovn_controller.key",
        "/etc/pki/tls/certs/ovn_controller.crt",
        "/etc/ipa/ca.crt",
    ),
    (
        EDPM + "/certs/ovn/default/tls.key",
        EDPM + "/certs/ovn/default/tls.crt",
        EDPM + "/certs/ovn/default/ca.crt",
    ),
    (
        HYPERVISOR + "/etc/ssl/private/ovn-key.pem",
        HYPERVISOR + "/etc/ssl/certs/ovn-cert.pem",
        HYPERVISOR + "/etc/ssl/certs/ovn-cacert.pem",
    ),
    (
        "/etc/openvswitch/neutron_ovn.key",
        "/etc/openvswitch/neutron_ovn.pem",
        "/etc/openvswitch/neutron_ovn-ca.pem",
    ),
    (
        "/etc/ovn/ovnnb-privkey.pem",
        "/etc/ovn/ovnnb-cert.pem",
        "/var/lib/openvswitch/pki/switchca/cacert.pem",
    ),
    (
        "/etc/openvswitch/sc-privkey.pem",
        "/etc/openvswitch/sc-cert.pem",
        "/var/lib/openvswitch/pki/switchca/cacert.pem",
    ),
]
MOST = 1 << 20  # bytes of one file
NB_PORT = 6641

Found = Dict[str, Any]


def named_folder(kind: str) -> str:
    """The folder as the environment names it, as ovs-appctl(8) heeds it; empty when it does not."""
    return os.environ.get("OVS_RUNDIR" if kind == "ovs" else "OVN_RUNDIR", "")


def run_folders(kind: str, root: str = "") -> List[str]:
    """The folders with pid files and sockets of Open vSwitch or OVN that are here."""
    if named_folder(kind) and not root:
        return [named_folder(kind)]
    return there(RUN_FOLDERS[kind], root)


def run_folder(kind: str, *names: str) -> str:
    """Of these folders the one that holds one of these files, else any that holds something."""
    folders = run_folders(kind) or RUN_FOLDERS[kind][:1]
    for wanted in names + ("*.pid", "*.sock"):
        for folder in folders:
            if glob.glob(os.path.join(glob.escape(folder), wanted)):
                return folder
    return folders[0]


def there(paths: List[str], root: str = "") -> List[str]:
    """Those of the paths that exist, each place once: /var/run is /run on most hosts."""
    found: Dict[str, str] = {}
    for path in paths:
        if os.path.lexists(root + path):
            found.setdefault(os.path.realpath(root + path), path)
    return list(found.values())


def find(settings: Mapping[str, str], ssl: Mapping[str, str], root: str = "") -> Found:
    """Everything that files here tell of where things are.

    Args:
        settings: ``Open_vSwitch.external_ids`` of conf.db; empty where it could not be read.
        ssl: the row of its table SSL, likewise.
        root: the folder that all paths are looked up below; that of a test.
    """
    configured = read_neutron(root) + read_shell(root) + of_conf_db(settings, ssl)
    return {
        "deployers": sorted({name for name, path in DEPLOYERS if os.path.exists(root + path)}),
        "ovs_run": run_folders("ovs", root),
        "ovn_run": run_folders("ovn", root),
        "databases": database_files(root),
        "logs": there(named(["OVN_LOGDIR", "OVS_LOGDIR"], root) or LOGS, root),
        "remotes": sockets(root) + configured + guessed(configured),
        "tls": usual_tls(root),
        "unread": unread(root),
    }


def named(variables: List[str], root: str = "") -> List[str]:
    """The folders that the environment names; below a test's own root it means nothing."""
    return [os.environ[name] for name in variables if os.environ.get(name) and not root]


def database_files(root: str = "") -> Dict[str, List[str]]:
    """The files of each database that are here; where the environment names a folder, in that."""
    found = {}
    for name, paths in DATABASES.items():
        folders = named(["OVS_DBDIR" if name == "Open_vSwitch" else "OVN_DBDIR"], root)
        stem = os.path.basename(paths[0])
        wanted = [os.path.join(folder, stem) for folder in folders] or paths
        here = there(wanted, root)
        if here:
            found[name] = here
    return found


def sockets(root: str = "") -> List[Found]:
    """The sockets of the databases' own servers: where ovn-nbctl(8) looks by itself."""
    found = []
    for which, stem in (("nb", "ovnnb_db.sock"), ("sb", "ovnsb_db.sock")):
        for folder in run_folders("ovn", root):
            path = os.path.join(folder, stem)
            if os.path.lexists(root + path):
                found.append(remote(which, "unix:" + path, "the socket of its server"))
                break
    return found


def remote(which: str, address: str, source: str, files: Mapping[str, str] = {}) -> Found:
    """One way to a database: ``which`` is nb or sb."""
    row: Found = {"database": which, "address": address, "source": source}
    row.update((name, files.get(name, "")) for name in FILES)
    return row


def read_neutron(root: str = "") -> List[Found]:
    """The databases as Neutron's server and agents are told them."""
    found: List[Found] = []
    for pattern, below in NEUTRON:
        for path in sorted(glob.glob(glob.escape(root) + pattern)):
            options = read_options(path, "ovn", OPTIONS)
            for which in ("nb", "sb"):
                address = options.get("ovn_%s_connection" % which, "")
                known = any(row["database"] == which for row in found)
                # neutron-server heeds the plugin's own file, which it is told last.
                if not address or (known and os.path.basename(path) == "neutron.conf"):
                    continue
                files = {
                    name: seen_below(options.get("ovn_%s_%s" % (which, name), ""), below, root)
                    for name in FILES
                }
                source = "%s [ovn] ovn_%s_connection" % (path[len(root) :], which)
                found.append(remote(which, address, source, files))
    return found


def unread(root: str = "") -> List[str]:
    """What would name a database and may not be read: the files, or the folders they may be in.

    A file that nobody shows is not the same as one that is not there.
    """
    found: Dict[str, None] = {}
    for pattern in [path for path, _ in NEUTRON] + [path for path, _, _ in SHELL]:
        for path in sorted(glob.glob(glob.escape(root) + pattern)) or [root + pattern]:
            hidden = closed(path)
            # root's home is closed on every host, and so tells nothing.
            if hidden and hidden != root + "/root":
                found[hidden[len(root) :]] = None
    return list(found)


def closed(path: str) -> str:
    """The file if it may not be read, or the folder on the way to it that shows nothing."""
    try:
        os.stat(path)
    except PermissionError:
        folder = os.path.dirname(path)
        return path if folder == path else closed(folder) or folder
    except OSError:
        return ""
    return "" if os.access(path, os.R_OK if os.path.isfile(path) else os.X_OK) else path


def seen_below(path: str, folder: str, root: str) -> str:
    """A file as it is to be found here, where a container sees it without that folder."""
    return folder + path if path and os.path.exists(root + folder + path) else path


def read_options(path: str, section: str, names: List[str]) -> Dict[str, str]:
    """Some options of one section of a file of oslo.config; nothing else of it is kept.

    A value goes on in the next line where that is indented (oslo_config/iniparser.py).
    """
    found: Dict[str, str] = {}
    inside, name = False, ""
    for line in text_of(path).splitlines():
        if line[:1] in ("#", ";") or not line.strip():
            name = "" if not line.strip() else name
        elif line[:1] == "[":
            inside, name = line.strip() == "[%s]" % section, ""
        elif line[:1] in (" ", "\t"):
            if name:
                found[name] += line.strip()
        else:
            key, sign, value = line.partition("=") if "=" in line else line.partition(":")
            name = key.strip() if inside and sign and key.strip() in names else ""
            if name:
                found[name] = unquoted(value)
    return found


def read_shell(root: str = "") -> List[Found]:
    """The databases as files of shell variables name them."""
    found = []
    for path, *names in SHELL:
        for which, name in zip(("nb", "sb"), names):
            match = re.search(
                r"^\s*(?:export\s+)?%s=(.*)$" % name, text_of(root + path), re.MULTILINE
            )
            address = unquoted(match.group(1)) if match else ""
            if address and "$" not in address:
                found.append(remote(which, address, "%s %s" % (path, name)))
    return found


def of_conf_db(settings: Mapping[str, str], ssl: Mapping[str, str]) -> List[Found]:
    """Southbound as ovn-controller is told it (ovn-controller(8))."""
    address = settings.get("ovn-remote", "")
    return [remote("sb", address, "conf.db external_ids:ovn-remote", ssl)] if address else []


def guessed(found: List[Found]) -> List[Found]:
    """Northbound where only Southbound is known: most run both on the same hosts."""
    southbound = [row for row in found if row["database"] == "sb"]
    if not southbound or len(southbound) < len(found):
        return []
    row = southbound[0]
    entries = [northbound_of(entry.strip()) for entry in row["address"].split(",")]
    if not all(entries):
        return []
    guess = remote("nb", ",".join(entries), "guessed from " + row["source"], row)
    return [dict(guess, guessed=True)]


def northbound_of(address: str) -> str:
    """The usual address of Northbound beside this one; empty when none is usual."""
    if address.startswith("unix:"):
        beside = address.replace("ovnsb_db", "ovnnb_db")
        return beside if beside != address else ""
    match = re.match(r"^((?:tcp|ssl):(?:\[[^]]+\]|[^:\[\]]+))(?::\d+)?$", address)
    return "%s:%d" % (match.group(1), NB_PORT) if match else ""


def usual_tls(root: str = "") -> List[Found]:
    """Sets of key, certificate and authority that stand where deployers put them."""
    return [
        dict(zip(FILES, files), readable=all(os.access(root + path, os.R_OK) for path in files))
        for files in TLS
        if all(os.path.exists(root + path) for path in files)
    ]


def text_of(path: str) -> str:
    """The beginning of a plain file; empty when it is not there or may not be read."""
    try:
        if not os.path.isfile(path):  # a pipe would wait for a writer
            return ""
        with open(path, "rb") as file:
            return file.read(MOST).decode("utf-8", "replace")
    except OSError:
        return ""


def unquoted(value: str) -> str:
    """A value without blanks and quotes around it."""
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
