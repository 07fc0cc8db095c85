"""Makes the databases of a large cloud, the faults' answer key and Neutron's view."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from viftrail.errors import CannotWrite, LabError, UsageError
from viftrail.facts.owner import Owner
from viftrail.lab.synth.ballast import Ballast
from viftrail.lab.synth.carry import Carrier
from viftrail.lab.synth.central import Central, missing_packages
from viftrail.lab.synth.compose import NB_CFG, Shared, compose
from viftrail.lab.synth.journal import Journal
from viftrail.lab.synth.plan import Plan
from viftrail.lab.synth.plant import Planting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from viftrail.facts.owner import OwnedFloatingIp, OwnedPort
    from viftrail.lab.synth.draft import Draft
    from viftrail.lab.synth.mistakes import Planted

NORTHBOUND_FILE: Final = "ovnnb_db.db"
SOUTHBOUND_FILE: Final = "ovnsb_db.db"
KEY_FILE: Final = "key.json"
OWNER_FILE: Final = "owner.json"

#: From here on the three processes want more memory than most computers have.
MAX_WITH_NORTHD: Final = 200_000
_SCHEMAS: Final = Path("/usr/share/ovn")


@dataclass(frozen=True)
class Order:
    """What to make."""

    ports: int
    plant: int = 0
    seed: int = 0
    northd: bool = True
    """Let a real ovn-northd build Southbound."""

    ha_groups: bool = False
    """Schedule gateways as Neutron 29 does."""

    flows: bool = False
    """Without northd: write logical flows all the same."""


@dataclass(frozen=True)
class Made:
    """What was made."""

    ports: int
    networks: int
    routers: int
    chassis: int
    floating_ips: int
    planted: int


def synthesize(
    order: Order, target: Path, progress: Callable[[str], None] = lambda _: None
) -> Made:
    """Makes the folder ``target``, whole or not at all.

    Raises:
        UsageError: the order cannot be carried out, or ``target`` exists.
        LabError: a program is missing or failed.
        CannotWrite: the folder cannot be made.
    """
    if order.plant < 0:
        raise UsageError(f"{order.plant} faults cannot be planted.", "Choose 0 or more.")
    if order.northd and order.ports >= MAX_WITH_NORTHD:
        raise UsageError(
            f"ovn-northd would need more than 24 GiB for {order.ports} ports.",
            "Add --without-northd.",
        )
    lacking = missing_packages() if order.northd else ()
    if lacking:
        raise LabError(
            f"Packages are missing: {' '.join(lacking)}.",
            "Install them, or add --without-northd.",
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} exists and is not empty.", "Name another folder.")
    try:
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.absolute().parent))
    except OSError as error:
        raise _cannot_write(target, error) from None
    try:
        made = _Synthesis(order, folder, progress).run()
        folder.chmod(0o755)
        folder.replace(target)
    except OSError as error:
        raise _cannot_write(target, error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return made


def _cannot_write(target: Path, error: OSError) -> CannotWrite:
    return CannotWrite(
        f"{target} could not be written ({error.strerror or error}).",
        "Name a folder on a disk with room.",
    )


class _Synthesis:
    """One order being carried out in one folder."""

    def __init__(self, order: Order, folder: Path, progress: Callable[[str], None]) -> None:
        self._order = order
        self._folder = folder
        self._progress = progress
        self._plan = Plan(order.ports, order.seed, ha_groups=order.ha_groups)
        self._planting = Planting(self._plan, order.plant)
        self._moment = int(time.time() * 1000)
        self._northbound = Journal(_SCHEMAS / "ovn-nb.ovsschema")
        self._southbound = Journal(_SCHEMAS / "ovn-sb.ovsschema")
        self._ports: list[OwnedPort] = []
        self._floating_ips: list[OwnedFloatingIp] = []
        self._networks = self._routers = 0
        self._planted: tuple[Planted, ...] = ()

    def run(self) -> Made:
        self._progress("rows")
        if self._order.northd:
            self._with_northd()
        else:
            self._without_northd()
        self._progress("answer key")
        self._write_papers(self._planted)
        self._progress("ready")
        return Made(
            ports=self._plan.ports,
            networks=self._networks,
            routers=self._routers,
            chassis=len(self._plan.hosts),
            floating_ips=len(self._floating_ips),
            planted=len(self._planted),
        )

    def _with_northd(self) -> None:
        systems = {host.system_id: host.uuid for host in self._plan.hosts}
        shared = Shared(self._plan)
        claims: dict[str, str] = {}
        unbound: set[str] = set()
        for draft in self._drafts(shared):
            self._northbound.put_all(draft.rows)
            claims |= {port: systems[name] for port, name in draft.claims.items()}
            unbound |= draft.unbound
        tables = shared.tables()
        for row in tables["NB_Global"].values():
            row["nb_cfg"] = NB_CFG - 1
        self._northbound.put_all(tables)
        self._southbound.put_all(self._planting.fleet(self._moment))
        northbound, southbound = self._write_databases()
        self._progress("northd")
        with Central(northbound, southbound) as central:
            central.carry_over()
            self._progress("claims")
            central.claim(claims)
            central.stop_northd()
            central.forget(unbound)
            self._progress("compaction")
            central.compact()
        for lock in self._folder.glob(".*.~lock~"):
            lock.unlink()
        for file in (northbound, southbound):
            file.chmod(0o644)

    def _without_northd(self) -> None:
        shared = Shared(self._plan)
        ids = self._plan.ids("southbound")
        ballast = Ballast(self._southbound, ids) if self._order.flows else None
        fleet = self._planting.fleet(self._moment)
        carrier = Carrier(self._southbound, fleet, ids, ballast)
        for draft in self._drafts(shared):
            carrier.take(draft.rows, draft.claims, draft.unbound)
            self._northbound.put_all(draft.rows)
        tables = shared.tables()
        carrier.take(tables, {})
        carrier.finish(tables)
        self._northbound.put_all(tables)
        self._write_databases()

    def _drafts(self, shared: Shared) -> Iterator[Draft]:
        """Each tenant's rows, its faults planted."""
        for index in range(len(self._plan)):
            draft = compose(self._plan, index)
            self._planting.tenant(draft)
            shared.take(draft)
            self._ports += draft.owned.values()
            self._floating_ips += draft.floating_ips.values()
            self._networks += len(draft.tenancy.sites)
            self._routers += draft.tenancy.routed
            yield draft
        self._planted = self._planting.finish()

    def _write_databases(self) -> tuple[Path, Path]:
        self._progress("files")
        paths = self._folder / NORTHBOUND_FILE, self._folder / SOUTHBOUND_FILE
        for path, journal in zip(paths, (self._northbound, self._southbound), strict=True):
            journal.write(path, self._moment)
        return paths

    def _write_papers(self, planted: tuple[Planted, ...]) -> None:
        owner = Owner(
            kind="neutron",
            name="synth",
            ports=tuple(self._ports),
            floating_ips=tuple(self._floating_ips),
        )
        key = msgspec.json.format(msgspec.json.encode(planted), indent=1)
        for name, content in ((KEY_FILE, key + b"\n"), (OWNER_FILE, msgspec.json.encode(owner))):
            (self._folder / name).write_bytes(content)
