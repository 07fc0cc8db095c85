"""Where everything of one OpenStack lab is: addresses, folders, secrets. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PASSWORD: Final = "secret"
"""Of every service user: nobody outside the lab's namespaces can reach it."""
REGION: Final = "RegionOne"

PORTS: Final = {
    "keystone": 5000,
    "placement": 8778,
    "glance": 9292,
    "neutron": 9696,
    "nova": 8774,
    "nova-metadata": 8775,
}
MARIADB: Final = 3306
RABBITMQ: Final = 5672


@dataclass(frozen=True)
class Site:
    """One lab's."""

    controller: str
    """The controller's address on the management network."""
    folder: Path
    """State and configuration on the controller."""
    log: Path
    bin: Path
    """OpenStack's programs."""
    etc: Path
    """The configuration files that the packages bring along."""

    def url(self, service: str, path: str = "") -> str:
        """Where a service listens."""
        return f"http://{self.controller}:{PORTS[service]}{path}"

    @property
    def auth_url(self) -> str:
        """Keystone's."""
        return self.url("keystone", "/v3")

    @property
    def broker(self) -> str:
        """RabbitMQ's URL."""
        return f"rabbit://guest:guest@{self.controller}:{RABBITMQ}/"

    def database(self, name: str) -> str:
        """The URL of a database in MariaDB."""
        return f"mysql+pymysql://root@{self.controller}:{MARIADB}/{name}"

    def config(self, project: str) -> Path:
        """The configuration folder of a project."""
        return self.folder / "etc" / project
