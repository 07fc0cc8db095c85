"""Where a host keeps what matters, in types; `viftrail.facts.whereabouts` finds it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """One way to a database, as some file names it."""

    database: str
    """``nb`` or ``sb``."""
    address: str
    source: str
    """The file and its option."""
    private_key: str = ""
    certificate: str = ""
    ca_cert: str = ""
    guessed: bool = False
    """It is named nowhere, and only usual."""


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Key, certificate and authority where a deployer puts them."""

    private_key: str
    certificate: str
    ca_cert: str
    readable: bool = True
    """By the user who looked."""


class Runtime(msgspec.Struct, frozen=True):
    """A container runtime, and why it does not say what it runs; empty: it does."""

    program: str
    why: str = ""


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """A container that runs something of OVN or Open vSwitch."""

    runtime: str
    """The program by which it is entered."""
    id: str
    name: str
    image: str = ""
    daemons: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """``docker``, ``podman`` or ``crictl``."""
        return self.runtime.rpartition("/")[2]

    def entry(self) -> list[str]:
        """The command that runs what follows inside, with our standard input.

        As root there, as the sockets are root's or the daemons'. By its name, which is the same
        on every host of a deployment; crictl(1) knows no user, and containers by their id only.
        """
        if self.kind == "crictl":
            return [self.runtime, "exec", "-i", self.id]
        return [self.runtime, "exec", "-i", "-u", "0", self.name]


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a host tells of where things are. Empty: nothing was found."""

    deployers: tuple[str, ...] = ()
    ovs_run: tuple[str, ...] = ()
    """Run folders that are there, the usual one first."""
    ovn_run: tuple[str, ...] = ()
    databases: dict[str, tuple[str, ...]] = {}
    """Files of each database, by its name."""
    logs: tuple[str, ...] = ()
    remotes: tuple[Remote, ...] = ()
    """The best first: a server's own socket, what Neutron is told, what ovn-controller is told."""
    tls: tuple[TlsFiles, ...] = ()
    unread: tuple[str, ...] = ()
    """Files that would name a database, or their folders, that the user who looked may not read.
    Older probes do not tell."""
    runtimes: tuple[Runtime, ...] = ()
    """None were asked where all of OVN is the host's own."""
    containers: tuple[Container, ...] = ()

    def of(self, database: str) -> Iterator[Remote]:
        """The ways to one database."""
        return (remote for remote in self.remotes if remote.database == database)


def places_here() -> Places:
    """Where things are on this host, as far as files and conf.db tell; containers are not asked.

    What cannot be read is not known: nothing is raised.
    """
    # A quarter of the probe, here and now; it takes its time only where nothing was named.
    from viftrail.facts import probe, whereabouts  # noqa: PLC0415

    seen: probe.Seen = {}
    report = probe.Report()
    probe.side_by_side(
        {"conf.db": probe.look_at_vswitch, "its TLS": probe.look_at_tls},
        seen,
        report,
        probe.PATIENCE,
    )
    found = whereabouts.find(probe.settings_of(seen), seen.get("tls") or {})
    return msgspec.convert(found, Places)
