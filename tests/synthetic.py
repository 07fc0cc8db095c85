"""A synthetic cloud that two real ovsdb-servers serve."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.facts.ovsdb.ovsdb_servers import serving, short_directory
from viftrail.facts.facts import Gap
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.live import LiveSource
from viftrail.facts.ovsdb.client import Client
from viftrail.facts.ovsdb.remote import parse_remotes
from viftrail.lab.synth.build import Order, synthesize

PORTS, FAULTS = 600, 21


@dataclass(frozen=True)
class Served:
    """Its files, and where the same is served."""

    folder: Path
    remotes: dict[str, str]

    def file(self, which: str) -> Path:
        return self.folder / f"ovn{which}_db.db"

    def source(self) -> LiveSource:
        """A source that looks at no host."""

        def connect(database: str) -> Client:
            remotes = parse_remotes(self.remotes[database], 1)
            return Client.connect(remotes, database=database, timeout=20)

        return LiveSource(connect, lambda host: Gap(f"host {host}", "not looked at", ""))


@contextmanager
def served_cloud() -> Iterator[Served]:
    with short_directory() as directory:
        folder = directory / "cloud"
        synthesize(Order(ports=PORTS, plant=FAULTS, northd=False), folder)
        remotes = {}
        for which in ("nb", "sb"):
            (directory / which).mkdir()
        nb, sb = folder / "ovnnb_db.db", folder / "ovnsb_db.db"
        with serving(directory / "nb", nb) as one, serving(directory / "sb", sb) as other:
            remotes = {NORTHBOUND: one.remote, SOUTHBOUND: other.remote}
            yield Served(folder, remotes)
