# ruff: noqa: PTH113, PTH118, PTH119, UP006, UP035
"""Container runtimes: which are here, and which of their containers run something of OVN.

A part of the probe, sent along with it as whereabouts.py is: Python 3.6 or newer, standard library
only. Sources: docker-ps(1) and podman-ps(1), crictl of cri-tools, cgroups(7); names of containers
by kolla-ansible, roles/{ovn-db,ovn-controller,openvswitch}, tripleo-heat-templates and sos, plugin
ovn_central, and OVN-Kubernetes.
"""

import json
import os
import re
from typing import List, Tuple

RUNTIMES = ["docker", "podman", "crictl"]
BY_NAME: List[Tuple[str, List[str]]] = [  # containers as deployers call them, and what runs there
    (r"ovn[_-]controller$", ["ovn-controller"]),
    (r"(openvswitch[_-]|ovs-)vswitchd$", ["ovs-vswitchd"]),
    (r"openvswitch[_-]db$|^ovsdb-server$", ["ovsdb-server"]),
    (r"ovn[_-]nb[_-]db$|north_db_server$|^nbdb$", ["ovnnb_db"]),
    (r"ovn[_-]sb[_-]db$|south_db_server$|^sbdb$", ["ovnsb_db"]),
    (r"northd$", ["ovn-northd"]),
    (r"ovn-dbs-bundle", ["ovnnb_db", "ovnsb_db", "ovn-northd"]),
]
CONTAINER = re.compile(r"(?:docker|libpod|crio|containerd|kubepods)[^\n]*?([0-9a-f]{64})")


def runtime_programs() -> List[str]:
    """The container runtimes that are installed here."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    folders += ["/usr/bin", "/usr/local/bin", "/usr/sbin", "/snap/bin"]
    found = []
    for name in RUNTIMES:
        paths = [os.path.join(folder, name) for folder in folders if folder]
        found += [path for path in paths if os.access(path, os.X_OK) and os.path.isfile(path)][:1]
    return found


def listing(program: str) -> List[str]:
    """The command that prints the containers that run; one line each, or JSON of crictl(1)."""
    if os.path.basename(program) == "crictl":
        return [program, "ps", "-o", "json"]
    return [program, "ps", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}}"]


def container_id(groups: str) -> str:
    """The container that a process is in, by its /proc/PID/cgroup; empty: none."""
    match = CONTAINER.search(groups)
    return match.group(1) if match else ""


def daemons_by_name(name: str) -> List[str]:
    """What runs in a container of this name, as far as deployers keep to it."""
    return next((daemons for pattern, daemons in BY_NAME if re.search(pattern, name)), [])


def listed(program: str, text: str) -> List[List[str]]:
    """Id, name and image of each container that runs."""
    if os.path.basename(program) == "crictl":
        return [
            [row["id"], row["metadata"]["name"], (row.get("image") or {}).get("image", "")]
            for row in json.loads(text).get("containers") or []
        ]
    rows = [line.split() for line in text.splitlines() if len(line.split()) == 3]
    return [[key, names.split(",")[0], image] for key, names, image in rows]  # links are names too
