"""Wrong targets, addresses, certificates, files and users, against a real lab's databases."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from viftrail.lab.client import Lab
from viftrail.lab.shape import Shape

from .harness import (
    PROMPT,
    Outcome,
    complained,
    environment,
    eventually,
    refused,
    run,
    told,
    viftrail,
)
from .site import Site

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("live-sources")]

REFUSED = "tcp:127.0.0.1:1"
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")


def why(site: Site, nb: str, sb: str, *options: str, target: str = "") -> Outcome:
    argv = ("why", target or site.vm.port_id, "--nb", nb, "--sb", sb, "-f", "json")
    return viftrail(*argv, *options)


# Targets


def test_an_ambiguous_name_lists_its_candidates(site: Site) -> None:
    switch = next(network.logical_switch for network in site.status.networks)
    second = "11111111-2222-4333-8444-555555555555"
    keys = f'external_ids:"neutron:device_id"="{site.vm.id}"'
    site.nbctl("lsp-add", switch, second, "--", "set", "Logical_Switch_Port", second, keys)
    try:
        outcome = why(site, site.nb, site.sb, target=site.vm.id)
    finally:
        site.nbctl("--wait=sb", "lsp-del", second)
    assert (outcome.code, outcome.out) == (66, "")
    first, *candidates = outcome.err.splitlines()
    assert first == (
        f"viftrail: 2 ports answer to {site.vm.id}. Ask for one of them by its port id:"
    )
    assert len(candidates) == 2
    assert any(second in line for line in candidates)
    assert any(site.vm.port_id in line and site.vm.mac in line for line in candidates)


@pytest.mark.parametrize("target", ["nosuch", "10.9.9.9", "fa:16:3e:00:00:99", "::1"])
def test_an_unknown_target(site: Site, target: str) -> None:
    for outcome in (site.why(target), why(site, site.nb, site.sb, target=target)):
        refused(outcome, 65, f"Nothing here is called {target}.", "a port id")


def test_a_name_that_is_nearly_right(site: Site) -> None:
    refused(site.why("VM1"), 65, "Nothing here is called VM1.", "Did you mean vm1?")


def test_an_end_of_a_pair_that_is_not_there(site: Site) -> None:
    refused(site.why("vm1:nosuch"), 65, "Nothing here is called nosuch.")


# One database of two


def test_only_southbound_unreachable(site: Site) -> None:
    for sb, reason in ((REFUSED, "refused the connection"), ("unix:/nonexistent", "not exist")):
        outcome = why(site, site.nb, sb)
        assert told(outcome, 2, within=PROMPT)["state"] == "unknown"
        assert outcome.unknown.startswith(f"OVN_Southbound: {sb} ")
        assert reason in outcome.unknown
        assert outcome.stages["S4"] == "ok"


def test_only_northbound_unreachable(site: Site) -> None:
    outcome = why(site, REFUSED, site.sb)
    assert told(outcome, 2, within=PROMPT)["state"] == "unknown"
    assert outcome.unknown.startswith(f"OVN_Northbound: {REFUSED} refused the connection.")
    assert outcome.stages["S6"] == "ok"


def test_a_name_is_not_called_unknown_while_northbound_is_unreachable(site: Site) -> None:
    refused(why(site, REFUSED, site.sb, target="vm1"), 69, f"{REFUSED} refused the connection.")


def test_only_one_database_named(site: Site) -> None:
    """The other one is not guessed: it might be another cloud's."""
    argv = ("why", site.vm.port_id, "-f", "json")
    for option, remote, gap in (
        ("--nb", site.nb, "OVN_Southbound: No address of OVN_Southbound was named. Give --sb."),
        ("--sb", site.sb, "OVN_Northbound: No address of OVN_Northbound was named. Give --nb."),
    ):
        outcome = viftrail(*argv, option, remote)
        told(outcome, 2, within=PROMPT)
        assert gap in outcome.unknown


def test_swapped_addresses(site: Site) -> None:
    outcome = why(site, site.sb, site.nb)
    refused(outcome, 69, "has no database OVN_Northbound; it serves OVN_Southbound")


def test_half_a_bundle_accuses_nobody_of_what_it_lacks(site: Site, tmp_path: Path) -> None:
    bundle = str(tmp_path / "half.bundle")
    collected = viftrail("collect", "--nb", REFUSED, "--sb", site.sb, "-o", bundle)
    assert (collected.code, collected.err) == (0, "")
    assert f"not in it: OVN_Northbound: {REFUSED} refused" in collected.out
    outcome = viftrail("why", site.vm.port_id, "--bundle", bundle, "-f", "json")
    assert told(outcome, 2, within=PROMPT)["state"] == "unknown"
    assert outcome.verdict["causes"] == []
    refused(viftrail("why", "vm1", "--bundle", bundle), 69, "refused the connection")


# Database files


@pytest.fixture(scope="module")
def files(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Copies of the lab's own files, as an operator sends them."""
    folder = tmp_path_factory.mktemp("db")
    for name in ("ovnnb_db.db", "ovnsb_db.db"):
        shutil.copy(site.db_dir("controller") / name, folder / name)
    return folder / "ovnnb_db.db", folder / "ovnsb_db.db"


def test_good_files(site: Site, files: tuple[Path, Path]) -> None:
    nb, sb = map(str, files)
    outcome = why(site, nb, sb)
    assert told(outcome, 2, within=PROMPT)["state"] == "unknown"
    assert {outcome.stages[stage] for stage in ("S4", "S5", "S6", "S9")} == {"ok"}
    assert "host compute1: The database files do not tell about hosts." in outcome.unknown
    for address in (site.vm.ip, site.vm.floating_ip or "", site.vm.mac, site.vm.id):
        assert why(site, nb, sb, target=address).verdict["target"]["port"] == site.vm.port_id


def test_a_fault_that_shows_in_the_files(site: Site, tmp_path: Path) -> None:
    site.lab.ask("break", fault="dhcp-options-missing", vm="vm1")
    try:
        nb, sb = (tmp_path / name for name in ("ovnnb_db.db", "ovnsb_db.db"))
        shutil.copy(site.db_dir("controller") / nb.name, nb)
        shutil.copy(site.db_dir("controller") / sb.name, sb)
    finally:
        site.lab.ask("mend")
    outcome = why(site, str(nb), str(sb))
    conclusion = told(outcome, 1, within=PROMPT)
    assert (conclusion["stage"], conclusion["cause"]) == ("S9", "dhcp-options-missing")


def test_swapped_files(site: Site, files: tuple[Path, Path]) -> None:
    nb, sb = map(str, files)
    refused(why(site, sb, nb), 68, "holds the database OVN_Northbound, not OVN_S", "Exchange")


def test_a_file_and_an_address(site: Site, files: tuple[Path, Path]) -> None:
    refused(
        why(site, str(files[0]), site.sb),
        64,
        "is a file and the other an address.",
        "both as addresses",
    )


def test_a_file_cut_within_its_schema(site: Site, files: tuple[Path, Path], tmp_path: Path) -> None:
    nb, sb = files
    broken = tmp_path / "broken.db"
    for content, words in (
        (nb.read_bytes()[:100], "is cut short"),
        (nb.read_bytes()[10:], "does not begin with an OVSDB header"),
        (nb.read_bytes()[nb.read_bytes().index(b"\nOVSDB ") + 1 :], "beginning of the file"),
    ):
        broken.write_bytes(content)
        refused(why(site, str(broken), str(sb)), 71, str(broken), words, "another member or from")


def test_a_torn_file_proves_nothing_absent(
    site: Site, files: tuple[Path, Path], tmp_path: Path
) -> None:
    """What was lost with the end of the file must not look like a broken link."""
    for index, (database, stage) in enumerate((("OVN_Northbound", "S4"), ("OVN_Southbound", "S5"))):
        pair = list(files)
        pair[index] = tmp_path / "torn.db"
        whole = files[index].read_bytes()
        pair[index].write_bytes(whole[: whole.index(b"\nOVSDB ", 100) + 100])
        outcome = why(site, str(pair[0]), str(pair[1]))
        assert told(outcome, 2, within=PROMPT)["state"] == "unknown"
        assert outcome.verdict["causes"] == []
        assert outcome.stages[stage] == "unknown"
        assert f"{database}: {pair[index]} is torn (the record at byte" in outcome.unknown
        assert "ovsdb-client backup" in outcome.unknown
    pair = [tmp_path / "torn.db", files[1]]
    pair[0].write_bytes(files[0].read_bytes()[:-300])
    refused(why(site, *map(str, pair), target="nosuch"), 71, "is torn", "ovsdb-client backup")


# TLS


class Tls:
    """A relay of the lab's databases that speaks TLS only, and every wrong file for it."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.folder = folder
        for authority in ("ca", "other"):
            self._openssl(
                *("req", "-x509", "-nodes", "-days", "2", "-subj", f"/CN={authority}"),
                *self._new_key(authority),
                *("-out", f"{authority}.crt"),
            )
        for name, authority, days in (
            ("server", "ca", "2"),
            ("expired", "ca", "-1"),
            ("client", "ca", "2"),
            ("stranger", "other", "2"),
        ):
            self._openssl(
                *("req", "-nodes", "-subj", f"/CN={name}", *self._new_key(name)),
                *("-out", f"{name}.csr"),
            )
            self._openssl(
                *("x509", "-req", "-in", f"{name}.csr", "-days", days, "-out", f"{name}.crt"),
                *("-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-CAcreateserial"),
            )

    @staticmethod
    def _new_key(name: str) -> Sequence[str]:
        curve = "ec_paramgen_curve:P-256"
        return ("-newkey", "ec", "-pkeyopt", curve, "-keyout", f"{name}.key")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    @contextlib.contextmanager
    def relay(self, port: int, name: str) -> Iterator[None]:
        """Live copies of both databases, served by ovsdb-server with this certificate."""
        control = self.folder / f"{name}.ctl"
        argv = [
            *self.site.inside("controller"),
            "ovsdb-server",
            f"--unixctl={control}",
            f"--remote=pssl:{port}:0.0.0.0",
            f"--private-key={self.folder}/{name}.key",
            f"--certificate={self.folder}/{name}.crt",
            f"--ca-cert={self.folder}/ca.crt",
            f"relay:OVN_Northbound:{self.site.nb}",
            f"relay:OVN_Southbound:{self.site.sb}",
        ]
        with subprocess.Popen(argv, stderr=subprocess.DEVNULL, env=environment()) as server:
            try:
                assert eventually(lambda: self._connected(control))
                yield
            finally:
                server.terminate()

    @staticmethod
    def _connected(control: Path) -> bool:
        listed = run(["ovs-appctl", "-t", str(control), "ovsdb-server/list-dbs"])
        return {"OVN_Northbound", "OVN_Southbound"} <= set(listed.out.split())

    def why(self, key: str, certificate: str, authority: str, *, port: int = 6643) -> Outcome:
        """From a compute, which is allowed there and knows itself."""
        files = {"-p": f"{key}.key", "-c": f"{certificate}.crt", "-C": f"{authority}.crt"}
        options = [
            part for option, name in files.items() for part in (option, str(self.folder / name))
        ]
        remote = f"ssl:controller:{port}"
        argv = ("why", self.site.vm.id, "--nb", remote, "--sb", remote, "-f", "json")
        return viftrail(*argv, *options, prefix=self.site.inside("compute1"))


@pytest.fixture(scope="module")
def tls(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    tls = Tls(site, tmp_path_factory.mktemp("tls"))
    with tls.relay(6643, "server"), tls.relay(6644, "expired"):
        yield tls


def test_a_good_tls_connection(site: Site, tls: Tls) -> None:
    outcome = tls.why("client", "client", "ca")
    told(outcome, 2, within=PROMPT)  # network1 is another host, and there is no --ssh
    assert {outcome.stages[f"S{number}"] for number in (4, 5, 6, 7, 8, 9, 11, 13)} == {"ok"}
    site.lab.ask("break", fault="vif-tap-down", vm="vm1")
    try:
        conclusion = told(tls.why("client", "client", "ca"), 1, within=PROMPT)
    finally:
        site.lab.ask("mend")
    assert conclusion["cause"] == "vif-tap-down"


def test_tls_files_that_do_not_fit_the_server(tls: Tls) -> None:
    # The server's alert may be lost, as with TLS 1.3 it comes after the handshake.
    refused_words = ("refuses the client's certificate", "Check that --certificate was signed by")
    for files, port, words in (
        (("client", "client", "other"), 6643, ("is not accepted", "--ca-cert")),
        (("client", "client", "ca"), 6644, ("expired",)),
        (("stranger", "stranger", "ca"), 6643, refused_words),
    ):
        refused(tls.why(*files, port=port), 74, f"ssl:controller:{port}", *words)


def test_tls_files_that_do_not_fit_together(tls: Tls) -> None:
    refused(tls.why("server", "client", "ca"), 74, "cannot be used together", "as a pair")
    (tls.folder / "text.crt").write_text("no certificate\n")
    refused(tls.why("client", "client", "text"), 74, "no usable CA certificate")


def test_tls_files_that_are_not_there(tls: Tls) -> None:
    refused(tls.why("absent", "client", "ca"), 68, "absent.key cannot be opened", "Check --private")


def test_tls_and_plain_mixed_up(site: Site, tls: Tls) -> None:
    plain = "tcp:controller:6643"
    outcome = viftrail(*("why", "x", "--nb", plain, "--sb", plain), prefix=site.inside("compute1"))
    refused(outcome, 69, "closed the connection", "write ssl: instead of tcp:")
    refused(tls.why("client", "client", "ca", port=6641), 74, "write tcp: instead of ssl:")


# Users


def test_an_unprivileged_user_is_told_what_is_needed(site: Site, tmp_path: Path) -> None:
    secret = site.db_dir("controller") / "ovnnb_db.db"
    cases = (
        (("why", "vm1", "--lab", site.name), "Only root may talk to a lab. Run it with sudo."),
        (("why", "vm1", "--nb", site.nb, "--sb", site.sb), "Run as root, or as a member of"),
        (("why", "vm1", "--nb", str(secret)), "may not be read by this user. Run as root"),
        (("why", "vm1", "--bundle", str(unreadable(tmp_path))), "Run as its owner, or as root."),
        (("lab", "up", "--name", "live-nobody"), "only root may. Run it with sudo."),
        (("lab", "status", "--name", site.name), "only root may. Run it with sudo."),
    )
    for argv, words in cases:
        refused(viftrail(*argv, prefix=NOBODY), 77, words)
    assert not Path("/run/viftrail/labs/live-nobody").exists()


def unreadable(folder: Path) -> Path:
    """In a folder that others may enter, as /tmp is."""
    path = folder / "secret.bundle"
    path.write_bytes(b"x")
    path.chmod(0o600)
    for parent in (folder, *list(folder.parents)[:2]):
        parent.chmod(parent.stat().st_mode | 0o755)
    return path


def test_a_host_that_this_user_may_not_ask_is_a_gap(site: Site) -> None:
    """What is refused must not look like daemons that do not answer."""
    prefix = (*site.inside("compute1"), *NOBODY)
    packages = os.pathsep.join(entry for entry in sys.path if entry)
    probe = (
        "import subprocess, sys, viftrail.why; subprocess.check_call([sys.executable, '-c', ''])"
    )
    for python in (sys.executable, "/usr/bin/python3"):
        interpreter = (*prefix, "env", f"PYTHONPATH={packages}", python)
        if run([*interpreter, "-c", probe]).code == 0:
            break
    else:
        pytest.skip(f"others than root may not run {sys.executable}")
    remotes = ("--nb", "tcp:controller:6641", "--sb", "tcp:controller:6642", "-f", "json")
    outcome = run([*interpreter, "-m", "viftrail", "why", site.vm.id, *remotes])
    assert told(outcome, 2, within=PROMPT)["state"] == "unknown"
    assert outcome.verdict["causes"] == []
    assert "host compute1: The user with id 65534 may not look at" in outcome.unknown
    assert "Run as root." in outcome.unknown


# Which lab


def test_several_labs_and_none_named(site: Site) -> None:
    other = Lab.up(f"live-other-{os.getpid()}", Shape(computes=1), boot_vms=False)
    try:
        for argv in (("why", "vm1"), ("why", "vm1", "--lab"), ("audit",)):
            outcome = viftrail(*argv)
            refused(
                outcome, 67, "labs are up:", site.name, other.name, "Say which with --lab NAME."
            )
    finally:
        other.down()


def test_a_lab_that_is_not_up() -> None:
    refused(viftrail("why", "vm1", "--lab", "nosuch"), 75, "No lab named 'nosuch'", "lab up")
    refused(viftrail("why", "vm1", "--lab", "No/Such"), 64, "cannot be the name of a lab")


def test_two_sources_at_once(site: Site) -> None:
    for more in (("--bundle", "x"), ("--nb", site.nb), ("--sb", site.sb)):
        refused(viftrail("why", "vm1", "--lab", site.name, *more), 64, "goes without", "one source")
    outcome = viftrail("why", "vm1", "--bundle", "x", "--nb", site.nb)
    refused(outcome, 64, "--bundle goes without")
    complained(outcome)
