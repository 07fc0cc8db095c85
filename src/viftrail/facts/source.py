"""What every place that facts come from can do: a live cloud, a bundle, files.

`why` asks a source only for the target's trail, `audit` and `collect` for
everything. Because a bundle answers the same questions as a live cloud, both
give the same verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from viftrail.facts.change import Change
from viftrail.facts.facts import Facts, Gap
from viftrail.facts.host import Host
from viftrail.facts.log.logs import Logs
from viftrail.facts.log.moment import Window
from viftrail.facts.openstack import OpenStack
from viftrail.facts.owner import Owner
from viftrail.facts.row import Row

R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Ask(Generic[R]):
    """The rows whose ``column`` is, or holds, ``value``.

    For a map column the value reads ``key=value``. Without a column every
    row is asked for; only the single-row tables are ever asked like that.
    """

    row: type[R]
    column: str = ""
    value: str = ""
    without: str = ""
    """A set column that is better not fetched, as it may hold every port of the cloud. In the
    rows that were found by it, it holds ``value`` alone."""
    columns: tuple[str, ...] = ()
    """For a glance: only these are fetched, the others stay empty. Such rows are no facts."""


class Source(Protocol):
    """A place that facts come from."""

    @property
    def taken(self) -> str:
        """When its facts were taken, ISO 8601 in UTC; empty for a cloud that is asked now."""
        ...

    @property
    def name(self) -> str:
        """The address or file of its Northbound, for want of a name; empty where it has none."""
        ...

    @property
    def owner(self) -> Owner:
        """What the owner of the ports wants, as far as the source knows."""
        ...

    @property
    def openstack(self) -> OpenStack:
        """What OpenStack says of itself, as far as it was asked."""
        ...

    @property
    def gaps(self) -> Sequence[Gap]:
        """What is known from the start to be missing."""
        ...

    def about(self, targets: Sequence[str]) -> None:
        """Have the owner's own services asked about these targets, before anything else is.

        Without a target they are asked about what failed of late.

        Raises:
            ViftrailError: they cannot be asked as the operator said.
        """
        ...

    def ask(self, asks: Sequence[Ask[Row]]) -> Sequence[tuple[Row, ...] | None]:
        """Answer each question in full. All of them are of one database.

        None is the answer when no such row is known and none can be ruled out.
        A second thread may ask about the other database at the same time.

        Raises:
            ViftrailError: the database cannot be read.
        """
        ...

    def logs(self, window: Window, ids: Collection[str]) -> Logs:
        """What the logs that it has say of these ids, within this time."""
        ...

    def changes(self, ids: Collection[str]) -> Sequence[Change]:
        """How the rows that these ids are in have changed, oldest first, as far as it is known."""
        ...

    def central_hosts(self) -> tuple[str, ...]:
        """Names of the hosts that run northd and the databases, where known."""
        ...

    def other_hosts(self) -> tuple[str, ...]:
        """Hosts worth a look when the port is not where it was expected."""
        ...

    def look(self, names: Iterable[str], window: float) -> Mapping[str, Host | Gap]:
        """Probe these hosts, all at once; one that does not answer is a `Gap`.

        ``window`` is for how many seconds each watches its counters.
        """
        ...

    def everything(self, *, gentle: bool = False) -> Facts:
        """All tables and all reachable hosts."""
        ...
