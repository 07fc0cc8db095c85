"""The services of the controller: database, broker, identity, placement, images, Neutron, Nova."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from viftrail.lab.daemon import Daemon, Unit
from viftrail.lab.machine import run_all
from viftrail.lab.openstack import settings
from viftrail.lab.openstack.site import MARIADB, PASSWORD, PORTS, RABBITMQ, REGION, Site

if TYPE_CHECKING:
    from viftrail.lab.node import Controller
    from viftrail.lab.openstack.kit import Kit

_DATABASES: Final = (
    "keystone", "placement", "glance", "neutron", "nova_api", "nova_cell0", "nova_cell1",
)  # fmt: skip
_PATIENCE: Final = 180.0


class OpenStackServices:
    """What runs on the controller beside OVN's databases and northd."""

    def __init__(self, node: Controller, kit: Kit) -> None:
        """Write the configuration and define the daemons; nothing runs yet."""
        self._node = node
        self._kit = kit
        state = node.folder / "openstack"
        self.site = Site(
            controller=str(node.design.management_ip),
            folder=state,
            log=node.log_dir,
            bin=kit.venv / "bin",
            etc=kit.venv / "etc",
        )
        self._socket = node.run_dir / "mysql.sock"
        self._data = node.db_dir / "mysql"
        self._configure()
        self.mariadb = self._mariadb()
        self.rabbitmq = self._rabbitmq()
        self.keystone = self._wsgi("keystone", "keystone.wsgi.api:application")
        self.placement = self._wsgi("placement", "placement.wsgi.api:application")
        self.glance = self._wsgi("glance", "glance.wsgi.api:application")
        self.neutron_api = self._wsgi("neutron", "neutron.wsgi.api:application")
        self.nova_api = self._wsgi("nova", "nova.wsgi.osapi_compute:application")
        self.nova_metadata = self._wsgi("nova-metadata", "nova.wsgi.metadata:application")
        config = f"--config-file={self.site.config('neutron')}/neutron.conf"
        log = self.site.log
        self.neutron_rpc = self._program(
            "neutron-rpc-server", config, f"--log-file={log}/neutron-rpc-server.log"
        )
        self.neutron_ovn = self._program(
            "neutron-ovn-maintenance-worker",
            config,
            f"--log-file={log}/neutron-ovn-maintenance-worker.log",
        )
        config = f"--config-file={self.site.config('nova')}/nova.conf"
        self.conductor = self._program("nova-conductor", config)
        self.scheduler = self._program("nova-scheduler", config)
        node.services.units |= {unit.name: unit for unit in self._units()}

    def _units(self) -> Iterable[Unit]:
        neutron = (self.neutron_api, self.neutron_rpc, self.neutron_ovn)
        yield Unit("mariadb", "MariaDB database server", (self.mariadb,))
        yield Unit("rabbitmq-server", "RabbitMQ messaging broker", (self.rabbitmq,))
        yield Unit("keystone", "OpenStack Identity", (self.keystone,))
        yield Unit("placement-api", "OpenStack Placement", (self.placement,))
        yield Unit("glance-api", "OpenStack Image API", (self.glance,))
        yield Unit("neutron-server", "OpenStack Neutron API, RPC and OVN workers", neutron)
        yield Unit("nova-api", "OpenStack Compute API", (self.nova_api,))
        yield Unit("nova-api-metadata", "OpenStack Compute metadata", (self.nova_metadata,))
        yield Unit("nova-conductor", "OpenStack Compute conductor", (self.conductor,))
        yield Unit("nova-scheduler", "OpenStack Compute scheduler", (self.scheduler,))

    # Configuration --------------------------------------------------------------

    def _configure(self) -> None:
        site = self.site
        for folder in ("glance/images", "glance/staging", "glance/tasks", "neutron/lock",
                       "nova/lock", "rabbit", "keystone"):  # fmt: skip
            (site.folder / folder).mkdir(parents=True)
        for project, file, text in (
            ("keystone", "keystone.conf", settings.keystone(site)),
            ("placement", "placement.conf", settings.placement(site)),
            ("glance", "glance-api.conf", settings.glance(site)),
            ("neutron", "neutron.conf", settings.neutron(site)),
            ("nova", "nova.conf", settings.nova(site)),
            ("rabbitmq", "rabbitmq.conf", settings.rabbitmq(site)),
            ("rabbitmq", "enabled_plugins", "[].\n"),
            ("rabbitmq", "rabbitmq-env.conf", ""),
            ("openstack", "clouds.yaml", settings.clouds(site)),
        ):
            site.config(project).mkdir(parents=True, exist_ok=True)
            (site.config(project) / file).write_text(text)
        shutil.copy(self._kit.etc("nova", "api-paste.ini"), site.config("nova"))

    # Daemons --------------------------------------------------------------------

    def _mariadb(self) -> Daemon:
        node = self._node
        return Daemon(
            name="mariadbd",
            machine=node,
            argv=(
                "mariadbd",
                "--no-defaults",
                "--user=root",
                f"--datadir={self._data}",
                f"--socket={self._socket}",
                f"--pid-file={node.run_dir}/mariadb.pid",
                f"--log-error={node.log_dir}/mariadb.log",
                f"--port={MARIADB}",
                f"--bind-address={self.site.controller}",
                # Nobody's data: what counts is to be quick and small.
                *("--skip-name-resolve", "--performance-schema=off", "--skip-log-bin"),
                *("--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0"),
                *("--innodb-flush-method=nosync", "--max-connections=500"),
            ),
            output=node.log_dir / "mariadb.out",
            ready="",
            answers=lambda: node.answers(self.site.controller, MARIADB),
        )

    def _rabbitmq(self) -> Daemon:
        node, site = self._node, self.site
        config = site.config("rabbitmq")
        variables = {
            "HOME": site.folder / "rabbit",
            "RABBITMQ_NODENAME": "rabbit@localhost",
            "RABBITMQ_MNESIA_BASE": site.folder / "rabbit",
            "RABBITMQ_LOG_BASE": node.log_dir,
            "RABBITMQ_LOGS": node.log_dir / "rabbitmq.log",
            "RABBITMQ_PID_FILE": node.run_dir / "rabbitmq.pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": config / "enabled_plugins",
            "RABBITMQ_CONFIG_FILE": config / "rabbitmq",
            "RABBITMQ_CONF_ENV_FILE": config / "rabbitmq-env.conf",
            # One scheduler that sleeps when it has nothing to do.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }
        return Daemon(
            name="rabbitmq-server",
            machine=node,
            argv=(
                "env",
                *(f"{name}={value}" for name, value in variables.items()),
                "/usr/lib/rabbitmq/bin/rabbitmq-server",
            ),
            output=node.log_dir / "rabbitmq.out",
            ready="",
            grace=15.0,
            patience=_PATIENCE,
            workers=True,
            answers=lambda: node.answers(site.controller, RABBITMQ),
        )

    def _wsgi(self, name: str, module: str) -> Daemon:
        node, site = self._node, self.site
        project = name.partition("-")[0]
        config = site.config(project)
        file = {"glance": "glance-api.conf"}.get(project, f"{project}.conf")
        variables = {f"OS_{project.upper()}_CONFIG_DIR": str(config)}
        if project != "nova":  # it looks for api-paste.ini beside what it is told
            variables[f"OS_{project.upper()}_CONFIG_FILES"] = (
                file if project == "glance" else str(config / file)
            )
        port = PORTS[name]
        return Daemon(
            name=f"{name}-api" if name == project else name,
            machine=node,
            argv=(
                self._kit.program("uwsgi"),
                *("--http-socket", f"{site.controller}:{port}", "--module", module),
                *("--master", "--processes", "1", "--threads", "4", "--enable-threads"),
                *("--lazy-apps", "--need-app", "--die-on-term", "--buffer-size", "65535"),
                # Without these a client meets resets at random.
                *("--post-buffering", "65536", "--add-header", "Connection: close"),
                *("--pyargv", f"--config-file {config / file}") * (project == "neutron"),
                *(word for item in variables.items() for word in ("--env", "=".join(item))),
            ),
            output=site.log / f"{name}-uwsgi.log",
            ready="",
            grace=10.0,
            patience=_PATIENCE,
            workers=True,
            answers=lambda: node.answers(site.controller, port, "/"),
        )

    def _program(self, name: str, *arguments: str) -> Daemon:
        return Daemon(
            name=name,
            machine=self._node,
            argv=(self._kit.program(name), *arguments),
            output=self.site.log / f"{name}.out",
            ready="",
            grace=10.0,
            patience=_PATIENCE,
            workers=True,
            answers=lambda: True,
        )

    # Up -------------------------------------------------------------------------

    def begin(self) -> None:
        """Start what takes longest, and wait for nothing."""
        self.rabbitmq.spawn()
        install = (
            "mariadb-install-db",
            "--no-defaults",
            "--user=root",
            f"--datadir={self._data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        )
        self._node.run(*install, timeout=60.0)
        self.mariadb.spawn()

    def fill_databases(self) -> None:
        """Make every schema, as many at a time as may be."""
        self.mariadb.wait_ready(60.0)
        statements = ["grant all on *.* to root@'%' with grant option"]
        statements += [f"create database {name}" for name in _DATABASES]
        self.sql("mysql", "create user if not exists root@'%'; " + "; ".join(statements) + ";")
        nova = ("nova-manage", "nova", "nova.conf")
        cell = self.site.database("nova_cell0")
        waves = (
            (
                ("keystone-manage", "keystone", "keystone.conf", "db_sync"),
                ("placement-manage", "placement", "placement.conf", "db", "sync"),
                ("glance-manage", "glance", "glance-api.conf", "db_sync"),
                ("neutron-db-manage", "neutron", "neutron.conf", "upgrade", "heads"),
                (*nova, "api_db", "sync"),
            ),
            (
                (*nova, "cell_v2", "map_cell0", "--database_connection", cell),
                self._keys("fernet_setup"),
                self._keys("credential_setup"),
            ),
            ((*nova, "cell_v2", "create_cell", "--name", "cell1"), self._bootstrap()),
            ((*nova, "db", "sync"),),
        )
        for wave in waves:
            run_all([(self._node, self._manage(*words)) for words in wave], timeout=_PATIENCE)

    def discover_hosts(self) -> None:
        """Map the computes to their cell, as an operator does once after adding them."""
        words = ("nova-manage", "nova", "nova.conf", "cell_v2", "discover_hosts")
        self._node.run(*self._manage(*words), timeout=60.0)

    def _manage(self, program: str, project: str, file: str, *words: str) -> tuple[str, ...]:
        config = f"--config-file={self.site.config(project) / file}"
        return (self._kit.program(program), config, *words)

    def _keys(self, verb: str) -> tuple[str, ...]:
        owner = ("--keystone-user", "root", "--keystone-group", "root")
        return ("keystone-manage", "keystone", "keystone.conf", verb, *owner)

    def _bootstrap(self) -> tuple[str, ...]:
        words = ["keystone-manage", "keystone", "keystone.conf", "bootstrap"]
        words += ["--bootstrap-password", PASSWORD, "--bootstrap-region-id", REGION]
        for interface in ("admin", "internal", "public"):
            words += [f"--bootstrap-{interface}-url", self.site.auth_url]
        return tuple(words)

    def start_apis(self) -> None:
        """Start the APIs, and wait until they answer."""
        self.rabbitmq.wait_ready(60.0)
        apis = (self.keystone, self.placement, self.glance, self.nova_api, self.neutron_api)
        for daemon in apis:
            daemon.spawn()
        for daemon in apis:
            daemon.wait_ready(_PATIENCE)

    def start_workers(self) -> None:
        """Start what logs in as soon as it runs: its users must be there."""
        for daemon in (self.conductor, self.scheduler, self.neutron_rpc, self.neutron_ovn):
            daemon.spawn()
        self.nova_metadata.spawn()

    def sql(self, database: str, statement: str) -> str:
        """What the database server answers to a statement."""
        words = ("-uroot", f"-S{self._socket}", "-N", "-e", statement, database)
        return self._node.run("mariadb", *words, timeout=30.0)

    @property
    def clouds(self) -> Path:
        """The clouds.yaml that names this OpenStack ``lab``."""
        return self.site.config("openstack") / "clouds.yaml"

    def order(self, *words: str, stdin: str = "", timeout: float = 60.0) -> str:
        """Have an order carried out by OpenStack's own SDK; see `orders`.

        Raises:
            LabError: OpenStack refused, or did not answer in time.
        """
        script = Path(__file__).with_name("orders.py")
        variables = (f"OS_CLIENT_CONFIG_FILE={self.clouds}", "OS_CLOUD=lab")
        argv = ("env", *variables, self._kit.program("python"), "-I", str(script), *words)
        return self._node.run(*argv, stdin=stdin, timeout=timeout)
