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


@pytest.mark.parametrize("variable", ["OVN_NB_DB", "OVN_SB_DB"])
def test_beside_a_database_of_the_environment_the_other_is_not_looked_for(variable: str) -> None:
    way = ways({}, None, {variable: "tcp:c:3"}, places)
    assert sorted(each.address for each in way.values()) == ["", "tcp:c:3"]


def several(*remotes: tuple[str, str], guess: str = "", tls: tuple[TlsFiles, ...] = ()) -> Places:
    rows = [Remote(database="nb", address=address, source=source) for address, source in remotes]
    if guess:
        rows.append(Remote(database="nb", address=guess, source="guessed from x", guessed=True))
    return Places(remotes=tuple(rows), tls=tls)


def test_what_is_found_is_one_list_without_duplicates() -> None:
    known = several(
        ("unix:/run/ovn/nb.sock", "the socket"),
        ("tcp:10.0.0.1,tcp:10.0.0.2:6641", ML2),
        ("tcp:10.0.0.2,tcp:10.0.0.1", "ovn_agent.ini"),
    )
    way = found(known=known)["nb"]
    assert way.address == "unix:/run/ovn/nb.sock,tcp:10.0.0.1:6641,tcp:10.0.0.2:6641"
    assert way.source == f"the socket, then {ML2}", "an agent's file adds nothing"
    assert way.source_of("tcp:10.0.0.2:6641") == ML2
    assert way.source_of("unix:/run/ovn/nb.sock") == "the socket"


def test_a_guess_stands_beside_nothing_that_is_named() -> None:
    known = several(("unix:/nb.sock", "the socket"), guess="tcp:10.0.0.1:6641")
    assert found(known=known)["nb"].address == "unix:/nb.sock"
    guessed = found(known=several(guess="tcp:10.0.0.1:6641"))["nb"]
    assert (guessed.address, guessed.guessed) == ("tcp:10.0.0.1:6641", True)


def test_what_is_odd_hinders_nothing_else() -> None:
    known = several(("unix:/nb.sock", "the socket"), ("tcp:h:99999", ML2))
    assert found(known=known)["nb"].address == "unix:/nb.sock"
    assert found(known=several(("tcp:h:99999", ML2)))["nb"].address == "tcp:h:99999"


def test_ssl_without_files_that_can_be_used_is_left_out_and_said(tmp_path: Path) -> None:
    names = [tmp_path / name for name in ("key", "cert", "ca")]
    for name in names:
        name.write_text("no PEM")
    usual = TlsFiles(private_key=str(names[0]), certificate=str(names[1]), ca_cert=str(names[2]))
    remotes = (("unix:/nb.sock", "the socket"), ("ssl:10.0.0.1:6641", ML2))
    for tls in ((), (usual,)):
        way = found(known=several(*remotes, tls=tls))["nb"]
        assert (way.address, way.source, way.tls) == ("unix:/nb.sock", "the socket", None)
        assert way.untried.startswith("ssl:10.0.0.1:6641 is not tried: ")
    assert found(known=several(remotes[1], tls=(usual,)))["nb"].tls == Tls(*names)
    named = found(known=several(*remotes), tls=NAMED)["nb"]
    assert named.address == "unix:/nb.sock,ssl:10.0.0.1:6641", "the operator's own are not judged"


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
