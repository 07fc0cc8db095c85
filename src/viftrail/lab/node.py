"""The nodes: their folders and environment, and the daemons of a controller or chassis.

Paths and names are Debian's wherever a tool looks for them: pid files, control
sockets and logs are called as ovn-ctl and ovs-ctl call them, only in a folder
of the node's own.
"""

from __future__ import annotations

import functools
import os
import shutil
from typing import TYPE_CHECKING

from viftrail.errors import LabError
from viftrail.lab.certificates import Certificates
from viftrail.lab.daemon import Daemon, ServiceManager, Unit
from viftrail.lab.design import (
    INTEGRATION_BRIDGE,
    NB_PORT,
    PHYSNET,
    PROVIDER_BRIDGE,
    SB_PORT,
    TUNNEL,
    TUNNEL_BRIDGE,
)
from viftrail.lab.machine import Machine, wait_until
from viftrail.lab.ovsdb import NORTHBOUND, SERVER, SOUTHBOUND, VSWITCH, Ovsdb, Transaction, members

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from viftrail.lab.design import Central, NodeDesign
    from viftrail.lab.folder import Folder
    from viftrail.lab.kernel import Namespaces

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#: Where the packages keep the schemas of the OVN databases.
SCHEMAS = os.environ.get("OVN_PKGDATADIR", "/usr/share/ovn")

#: Where the members of a cluster talk to each other (utilities/ovn-ctl).
RAFT_PORTS = {NORTHBOUND: 6643, SOUTHBOUND: 6644}

#: Milliseconds of silence after which a member wants another leader: a second, the default, is
#: little on a loaded computer.
ELECTION_TIMER = 3000

#: ovsdb-server and ovn-controller speak up on stderr only where nobody reads a log file.
_QUIET = ("-vconsole:emer", "-vsyslog:off")


def environment(folder: Folder, token: str, machine: str) -> dict[str, str]:
    """The environment of everything that runs in a machine of the lab."""
    return {
        "PATH": f"{folder.programs}:{SYSTEM_PATH}",
        "LANG": "C.UTF-8",
        "HOME": "/root",
        "VIFTRAIL_LAB": folder.name,
        "VIFTRAIL_LAB_NODE": machine,
        # Names this very lab, not only its name: a process that outlives its
        # lab must not be taken for one of the next lab of that name.
        "VIFTRAIL_LAB_ID": token,
    }


#: Seconds in which a healthy lab has followed a change of Northbound, on a loaded computer.
_FOLLOWED_WITHIN = 3


class Node(Machine):
    """A machine with folders of its own."""

    def __init__(
        self,
        design: NodeDesign,
        folder: Folder,
        home: Namespaces,
        token: str,
        central: Central,
    ) -> None:
        """Makes the node's folders and namespaces, and no link yet."""
        self.design = design
        self.central = central
        self.folder = folder.node(design.name)
        for sub in ("run", "log", "db", "etc"):
            (self.folder / sub).mkdir(parents=True)
        variables = environment(folder, token, design.name)
        for product in ("OVS", "OVN"):
            variables[f"{product}_RUNDIR"] = str(self.run_dir)
            variables[f"{product}_LOGDIR"] = str(self.log_dir)
            variables[f"{product}_DBDIR"] = str(self.db_dir)
            variables[f"{product}_SYSCONFDIR"] = str(self.folder / "etc")
        # The tools insist on the leader of a cluster, which is not always on the own host.
        if design.role == "controller" and not central.clustered:
            variables["OVN_NB_DB"] = f"unix:{self.run_dir}/ovnnb_db.sock"
            variables["OVN_SB_DB"] = f"unix:{self.run_dir}/ovnsb_db.sock"
        else:
            variables["OVN_NB_DB"] = central.remote(NB_PORT)
            variables["OVN_SB_DB"] = central.remote(SB_PORT)
        self.certificates = Certificates(self.folder / "etc")
        if central.ssl:
            for tool in ("NBCTL", "SBCTL"):
                variables[f"OVN_{tool}_OPTIONS"] = " ".join(self.tls_options)
        super().__init__(design.name, folder.hosts, home, variables)
        self.sysctl("net/ipv4/conf/all/arp_ignore", "1")
        self.services = ServiceManager(design.name, {})

    @property
    def tls_options(self) -> tuple[str, ...]:
        """The options of all that speaks to the databases; none where that is plain TCP."""
        return self.certificates.options if self.central.ssl else ()

    @property
    def run_dir(self) -> Path:
        """Where pid files and sockets are."""
        return self.folder / "run"

    @property
    def log_dir(self) -> Path:
        """Where log files are."""
        return self.folder / "log"

    @property
    def db_dir(self) -> Path:
        """Where database files are."""
        return self.folder / "db"

    def daemon(
        self,
        name: str,
        *arguments: str,
        program: str | None = None,
        pid_name: str | None = None,
        ready: str | None = None,
        leave: bool = True,
        after_start: Callable[[], None] | None = None,
    ) -> Daemon:
        """A daemon of OVS or OVN with the options that all of them take."""
        pid_name = pid_name or name
        argv = (
            program or name,
            f"--pidfile={self.run_dir}/{pid_name}.pid",
            f"--log-file={self.log_dir}/{name}.log",
            *_QUIET,
            *arguments,
        )
        daemon = Daemon(
            name=name,
            machine=self,
            argv=argv,
            output=self.log_dir / f"{name}.out",
            ready=ready or f"{self.run_dir}/{name}.{{pid}}.ctl",
            leave=("ovs-appctl", "--timeout=2", "-t", name, "exit") if leave else (),
        )
        if after_start is not None:
            daemon.after_start = after_start
        return daemon


class Controller(Node):
    """A node of the two databases, and perhaps of ovn-northd."""

    def prepare(self) -> None:
        """Defines the servers."""
        self.databases = tuple(self._database(side) for side in ("nb", "sb"))
        nb, sb = self.databases
        self.services.units.update(
            {
                "ovn-ovsdb-server-nb": Unit(
                    "ovn-ovsdb-server-nb",
                    "Open vSwitch database server for OVN Northbound database",
                    (nb,),
                ),
                "ovn-ovsdb-server-sb": Unit(
                    "ovn-ovsdb-server-sb",
                    "Open vSwitch database server for OVN Southbound database",
                    (sb,),
                ),
            }
        )

    def prepare_northd(self) -> None:
        """Defines ovn-northd, which is told of every member of a cluster."""
        self.northd = self.daemon(
            "ovn-northd",
            f"--ovnnb-db={self.environment['OVN_NB_DB']}",
            f"--ovnsb-db={self.environment['OVN_SB_DB']}",
            *self.tls_options,
        )
        northd = Unit("ovn-northd", "Open Virtual Network central control daemon", (self.northd,))
        central = Unit(
            "ovn-central",
            "Open Virtual Network central components",
            (*self.databases, self.northd),
        )
        for unit in (northd, central):
            self.services.units[unit.name] = unit

    def file(self, side: str) -> Path:
        """The database file of one side, ``nb`` or ``sb``."""
        return self.db_dir / f"ovn{side}_db.db"

    def wait_served(self) -> None:
        """Waits until both databases are served here: a member joins its cluster first.

        Raises:
            LabError: it takes too long.
        """
        for database in (NORTHBOUND, SOUTHBOUND):
            if not wait_until(functools.partial(self.serves, database), 15.0, pause=0.05):
                raise LabError(f"{self.name} did not join the cluster of {database}.")

    def serves(self, database: str) -> bool:
        """Whether the server here is one of a cluster that has a majority, or of none."""
        where = [["name", "==", database], ["connected", "==", True]]
        with self.open(database, patience=5.0, of_server=True) as server:
            return bool(server.select("Database", where, "name"))

    def _database(self, side: str) -> Daemon:
        database = {"nb": NORTHBOUND, "sb": SOUTHBOUND}[side]
        table = {"nb": "NB_Global", "sb": "SB_Global"}[side]
        return self.daemon(
            f"ovsdb-server-{side}",
            f"--remote=punix:{self.run_dir}/ovn{side}_db.sock",
            f"--unixctl={self.run_dir}/ovn{side}_db.ctl",
            f"--remote=db:{database},{table},connections",
            *self.tls_options,
            str(self.file(side)),
            program="ovsdb-server",
            pid_name=f"ovn{side}_db",
            ready=f"{self.run_dir}/ovn{side}_db.sock",
            leave=False,
        )

    def open(self, database: str, patience: float = 1.0, *, of_server: bool = False) -> Ovsdb:
        """Connects to the northbound or southbound database, or to its server's own."""
        side = "nb" if database == NORTHBOUND else "sb"
        name = SERVER if of_server else database
        return Ovsdb(self.run_dir / f"ovn{side}_db.sock", name, patience=patience)

    def nbctl(self, *arguments: str) -> str:
        """Writes Northbound, and waits until every chassis has followed; what was printed.

        Written is written: where ovn-northd or a chassis is broken already, nobody follows.
        """
        output = self.run("ovn-nbctl", *arguments)
        follow = ("ovn-nbctl", "--wait=hv", f"--timeout={_FOLLOWED_WITHIN}", "sync")
        self.run(*follow, check=False)
        return output.strip()

    def listener(self, port: int) -> str:
        """The passive remote by which a server is reached from other hosts."""
        return f"p{self.central.scheme}:{port}:0.0.0.0"

    def listen(self) -> None:
        """Makes both databases listen, as ``ovn-{nb,sb}ctl set-connection`` does."""
        for database, table, port in (
            (NORTHBOUND, "NB_Global", NB_PORT),
            (SOUTHBOUND, "SB_Global", SB_PORT),
        ):
            transaction = Transaction()
            connection = transaction.insert("Connection", target=self.listener(port))
            transaction.insert(table, connections=members([connection]))
            with self.open(database, patience=5.0) as ovsdb:
                ovsdb.commit(transaction)


class Chassis(Node):
    """A node with Open vSwitch and ovn-controller."""

    def prepare(self) -> None:
        """Defines the daemons and the units they belong to."""
        self.ovsdb = self.daemon(
            "ovsdb-server",
            f"--remote=punix:{self.run_dir}/db.sock",
            f"--remote=db:{VSWITCH},{VSWITCH},manager_options",
            str(self.db_dir / "conf.db"),
            ready=f"{self.run_dir}/db.sock",
        )
        self.vswitchd = self.daemon(
            "ovs-vswitchd", f"unix:{self.run_dir}/db.sock", after_start=self.configure_links
        )
        self.controller = self.daemon("ovn-controller", f"unix:{self.run_dir}/db.sock")
        ovsdb = Unit("ovsdb-server", "Open vSwitch Database Unit", (self.ovsdb,))
        vswitchd = Unit("ovs-vswitchd", "Open vSwitch Forwarding Unit", (self.vswitchd,))
        switch = Unit("openvswitch-switch", "Open vSwitch", (self.ovsdb, self.vswitchd))
        controller = Unit(
            "ovn-controller",
            "Open Virtual Network host control daemon",
            (self.controller,),
        )
        host = Unit("ovn-host", "Open Virtual Network host components", (self.controller,))
        for unit in (ovsdb, vswitchd, switch, controller, host):
            self.services.units[unit.name] = unit

    @property
    def external_ids(self) -> dict[str, str]:
        """What a deployment tool writes into Open_vSwitch.external_ids."""
        ids = {
            "system-id": str(self.design.system_id),
            "hostname": self.design.name,
            "ovn-remote": self.central.remote(SB_PORT),
            "ovn-encap-type": "geneve",
            "ovn-encap-ip": str(self.design.tunnel_ip),
            "ovn-bridge": INTEGRATION_BRIDGE,
            "ovn-bridge-datapath-type": "netdev",
            "ovn-openflow-probe-interval": "60",
        }
        if self.design.mapped:
            ids["ovn-bridge-mappings"] = f"{PHYSNET}:{PROVIDER_BRIDGE}"
        if self.design.role == "network":
            ids["ovn-cms-options"] = "enable-chassis-as-gw"
        return ids

    def first_setup(self) -> tuple[str, ...]:
        """The ``ovs-vsctl`` command that sets up an empty conf.db."""
        settings = [f"external_ids:{key}={value}" for key, value in self.external_ids.items()]
        # More threads are of no use to a handful of VMs, and cost 20 computes dearly.
        settings += ["other_config:n-handler-threads=1", "other_config:n-revalidator-threads=1"]
        command = ["ovs-vsctl", "--no-wait", "--timeout=10", "init", "--", "set", "Open_vSwitch"]
        command += [".", *settings]
        if self.central.ssl:
            files = self.certificates
            command += ["--", "set-ssl"]
            command += [str(files.private_key), str(files.certificate), str(files.ca_cert)]
        for bridge in (INTEGRATION_BRIDGE, TUNNEL_BRIDGE, PROVIDER_BRIDGE):
            command += ["--", "--may-exist", "add-br", bridge]
            command += ["--", "set", "Bridge", bridge, "datapath_type=netdev"]
        command += ["--", "set-fail-mode", INTEGRATION_BRIDGE, "secure"]
        command += ["--", "--may-exist", "add-port", TUNNEL_BRIDGE, "eth1"]
        command += ["--", "--may-exist", "add-port", PROVIDER_BRIDGE, "eth2"]
        return tuple(command)

    def configure_links(self) -> None:
        """Gives br-phy the tunnel address, which dies with ovs-vswitchd's device.

        The job of ifupdown, netplan or the like on a real host.
        """
        bridges = (INTEGRATION_BRIDGE, TUNNEL_BRIDGE, PROVIDER_BRIDGE)
        wait_until(lambda: all(self.has_link(bridge) for bridge in bridges), 5.0)
        self.ip(
            f"address replace {self.design.tunnel_ip}/{TUNNEL.prefixlen} dev {TUNNEL_BRIDGE}",
            *(f"link set {bridge} up" for bridge in bridges),
        )
        self.announce_tunnel()

    def announce_tunnel(self) -> None:
        """Tells the other chassis who has this one's tunnel address."""
        self.announce(TUNNEL_BRIDGE, str(self.design.tunnel_ip))

    def open(self) -> Ovsdb:
        """Connects to conf.db."""
        return Ovsdb(self.run_dir / "db.sock", VSWITCH)

    def vsctl(self, *arguments: str, check: bool = True) -> str:
        """Runs ovs-vsctl without waiting for an ovs-vswitchd that may be dead."""
        return self.run("ovs-vsctl", "--no-wait", "--timeout=5", *arguments, check=check)

    def restore_settings(self) -> None:
        """Puts external_ids, bridges and their ports back as they were set up."""
        self.run(*self.first_setup())


def make_empty_databases(controllers: tuple[Controller, ...], chassis: tuple[Chassis, ...]) -> None:
    """Creates every database file; conf.db only once, as an empty one is like any other."""
    switch_share = os.environ.get("OVS_PKGDATADIR", "/usr/share/openvswitch")
    first = controllers[0]
    for side in ("nb", "sb"):
        if first.central.clustered:
            _make_cluster(side, controllers)
        else:
            schema = f"{SCHEMAS}/ovn-{side}.ovsschema"
            first.run("ovsdb-tool", "create", str(first.file(side)), schema)
    conf = chassis[0].db_dir / "conf.db"
    first.run("ovsdb-tool", "create", str(conf), f"{switch_share}/vswitch.ovsschema")
    for other in chassis[1:]:
        shutil.copy(conf, other.db_dir / "conf.db")


def _make_cluster(side: str, controllers: tuple[Controller, ...]) -> None:
    """Has the first member found the cluster of a database, and the others join it (ovsdb(7))."""
    database = {"nb": NORTHBOUND, "sb": SOUTHBOUND}[side]
    addresses = [
        f"{node.central.scheme}:{node.design.management_ip}:{RAFT_PORTS[database]}"
        for node in controllers
    ]
    founder, *others = controllers
    founder.run(
        *("ovsdb-tool", f"--election-timer={ELECTION_TIMER}", "create-cluster"),
        *(str(founder.file(side)), f"{SCHEMAS}/ovn-{side}.ovsschema", addresses[0]),
    )
    for node, address in zip(others, addresses[1:], strict=True):
        file = str(node.file(side))
        node.run("ovsdb-tool", "join-cluster", file, database, address, addresses[0])
