"""Who names a database: the command line, then the environment, then what files tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from viftrail.facts.access import Way, ways
from viftrail.facts.ovsdb.remote import Tls
from viftrail.facts.places import Places, Remote, TlsFiles

ML2 = "ml2_conf.ini [ovn] ovn_nb_connection"
NAMED = Tls(Path("/named/key"), Path("/named/cert"), Path("/named/ca"))


def places(folder: str = "/neutron", address: str = "ssl:10.0.0.1:6641") -> Places:
    return Places(
        remotes=(
            Remote(
                database="nb",
                address=address,
                source=ML2,
                private_key=f"{folder}/key",
                certificate=f"{folder}/cert",
                ca_cert=f"{folder}/ca",
            ),
            Remote(database="sb", address="ssl:10.0.0.1:6642", source="conf.db"),
        ),
        tls=(TlsFiles(private_key="/usual/key", certificate="/usual/cert", ca_cert="/usual/ca"),),
    )


def found(
    nb: str = "", sb: str = "", tls: Tls | None = None, known: Places | None = None, **env: str
) -> dict[str, Way]:
    known = places() if known is None else known
    return ways({"nb": nb, "sb": sb}, tls, env, lambda: known)


def never() -> Places:
    pytest.fail("all was named, so nothing is looked for")


def test_what_is_named_is_taken_and_nothing_is_looked_for() -> None:
    named = ways({"nb": "tcp:a:1", "sb": "ssl:b:2"}, NAMED, {"OVN_NB_DB": "tcp:c:3"}, never)
    assert (named["nb"].address, named["nb"].source) == ("tcp:a:1", "--nb")
    assert named["sb"].tls == NAMED


def test_the_environment_wins_over_files() -> None:
    way = found(OVN_NB_DB="tcp:c:3")["nb"]
    assert (way.address, way.source, way.named) == ("tcp:c:3", "OVN_NB_DB", True)


def test_files_tell_what_nobody_named() -> None:
    north, south = found().values()
    assert (north.address, north.source, north.named) == ("ssl:10.0.0.1:6641", ML2, False)
    assert south.address == "ssl:10.0.0.1:6642"


def test_beside_a_named_database_the_other_is_not_looked_for() -> None:
    assert found(nb="tcp:a:1")["sb"] == Way()


def test_the_files_of_the_same_option_come_before_others() -> None:
    north, south = found().values()
    assert north.tls == Tls(Path("/neutron/key"), Path("/neutron/cert"), Path("/neutron/ca"))
    assert south.tls == north.tls, "Neutron's are tried before what is merely usual"
    assert south.tls_source == ML2


def test_a_named_ssl_address_takes_the_files_that_are_found(tmp_path: Path) -> None:
    for name in ("key", "cert", "ca"):
        (tmp_path / name).touch()
    way = found(sb="ssl:b:2", known=places(str(tmp_path)))["sb"]
    assert way.tls is not None
    assert way.tls.private_key == tmp_path / "key"


def test_files_that_may_be_read_come_before_those_that_may_not(tmp_path: Path) -> None:
    names = [tmp_path / name for name in ("key", "cert", "ca")]
    for name in names:
        name.touch()
    usual = TlsFiles(private_key=str(names[0]), certificate=str(names[1]), ca_cert=str(names[2]))
    absent = places("/nonexistent").remotes[0]
    way = found(sb="ssl:b:2", known=Places(remotes=(absent,), tls=(usual,)))["sb"]
    assert way.tls == Tls(*names)


def test_without_ssl_no_files_are_needed() -> None:
    assert found(nb="tcp:a:1", sb="unix:/s")["nb"].tls is None
    assert found(known=Places())["nb"] == Way()
    assert found(nb="ssl:a:1", known=Places())["nb"].tls is None
