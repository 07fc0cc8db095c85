"""Where things are: found in trees as each deployer leaves them, and nothing else read there."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import pytest

from viftrail.facts import whereabouts
from viftrail.facts.log import excerpt
from viftrail.facts.places import Places

ML2 = """\
[DEFAULT]
transport_url = rabbit://neutron:hunter2@10.0.0.1:5672/
[ml2]
ovn_nb_connection = tcp:192.0.2.99:1
[ovn]
# ovn_nb_connection = tcp:127.0.0.1:6641
ovn_nb_connection = ssl:10.0.0.1:6641,
    ssl:10.0.0.2:6641
ovn_sb_connection="ssl:10.0.0.1:6642,ssl:10.0.0.2:6642"
ovn_nb_private_key = /etc/neutron/key_host
ovn_nb_certificate=/etc/neutron/cert_host
ovn_nb_ca_cert : /etc/neutron/ca.crt
password = hunter2
"""


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNDIR", "DBDIR", "LOGDIR"):
        for program in ("OVN", "OVS"):
            monkeypatch.delenv(f"{program}_{name}", raising=False)


def tree(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def found(
    root: Path,
    files: dict[str, str],
    settings: dict[str, str] | None = None,
    ssl: dict[str, str] | None = None,
) -> Places:
    raw = whereabouts.find(settings or {}, ssl or {}, tree(root, files))
    return msgspec.convert(raw, Places)


def first(places: Places, database: str) -> tuple[str, str]:
    remote = next(places.of(database))
    return remote.address, remote.source


LAYOUTS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "Debian and RHEL": (
        {
            "/run/ovn/ovnnb_db.sock": "",
            "/run/ovn/ovn-northd.pid": "7",
            "/run/openvswitch/db.sock": "",
            "/var/lib/ovn/ovnnb_db.db": "",
            "/var/log/ovn/ovn-northd.log": "",
            "/etc/neutron/plugins/ml2/ml2_conf.ini": ML2,
        },
        {
            "deployers": (),
            "ovn_run": ("/run/ovn", "/run/openvswitch"),
            "ovs_run": ("/run/openvswitch",),
            "databases": {"OVN_Northbound": ("/var/lib/ovn/ovnnb_db.db",)},
            "logs": ("/var/log/ovn",),
        },
    ),
    "kolla-ansible": (
        {
            "/etc/kolla/neutron-server/ml2_conf.ini": ML2,
            "/run/ovn/ovn-controller.pid": "7",
            "/run/openvswitch/db.sock": "",
            "/var/lib/docker/volumes/ovn_nb_db/_data/ovnnb.db": "",
            "/var/log/kolla/neutron/neutron-server.log": "",
        },
        {
            "deployers": ("kolla-ansible",),
            "databases": {"OVN_Northbound": ("/var/lib/docker/volumes/ovn_nb_db/_data/ovnnb.db",)},
            "logs": ("/var/log/kolla",),
        },
    ),
    "TripleO": (
        {
            whereabouts.PUPPET + "/etc/neutron/plugins/ml2/ml2_conf.ini": ML2,
            whereabouts.PUPPET + "/etc/neutron/key_host": "",
            "/var/lib/openvswitch/ovn/ovnnb_db.db": "",
            "/var/log/containers/openvswitch/ovn-controller.log": "",
        },
        {
            "deployers": ("TripleO",),
            "ovn_run": ("/var/lib/openvswitch/ovn",),
            "databases": {"OVN_Northbound": ("/var/lib/openvswitch/ovn/ovnnb_db.db",)},
            "logs": ("/var/log/containers",),
        },
    ),
    "MicroOVN": (
        {
            whereabouts.MICROOVN + "/data/env/ovn.env": (
                'OVN_INITIAL_NB="10.0.0.1"\n'
                'OVN_NB_CONNECT="ssl:10.0.0.1:6641"\nOVN_SB_CONNECT="ssl:10.0.0.1:6642"\n'
            ),
            whereabouts.MICROOVN + "/run/switch/db.sock": "",
            whereabouts.MICROOVN + "/run/ovn/ovn-controller.pid": "7",
            whereabouts.MICROOVN + "/data/pki/client-privkey.pem": "",
            whereabouts.MICROOVN + "/data/pki/client-cert.pem": "",
            whereabouts.MICROOVN + "/data/pki/cacert.pem": "",
            whereabouts.MICROOVN + "/logs/ovn-controller.log": "",
        },
        {
            "deployers": ("MicroOVN",),
            "ovs_run": (whereabouts.MICROOVN + "/run/switch",),
            "ovn_run": (whereabouts.MICROOVN + "/run/ovn",),
            "logs": (whereabouts.MICROOVN + "/logs",),
        },
    ),
    "Sunbeam": (
        {
            whereabouts.HYPERVISOR + "/etc/neutron/neutron_ovn_metadata_agent.ini": (
                "[ovn]\novn_sb_connection = ssl:10.0.0.1:6642\n"
            ),
            whereabouts.HYPERVISOR + "/run/openvswitch/db.sock": "",
            whereabouts.HYPERVISOR + "/run/ovn/ovn-controller.pid": "7",
            whereabouts.HYPERVISOR + "/log/ovn/ovn-controller.log": "",
        },
        {
            "deployers": ("OpenStack hypervisor snap",),
            "ovs_run": (whereabouts.HYPERVISOR + "/run/openvswitch",),
            "ovn_run": (whereabouts.HYPERVISOR + "/run/ovn",),
            "logs": (whereabouts.HYPERVISOR + "/log",),
        },
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_deployers_places(name: str, tmp_path: Path) -> None:
    files, expected = LAYOUTS[name]
    places = found(tmp_path, files)
    assert {key: getattr(places, key) for key in expected} == expected
    assert list(places.of("sb"))


def test_neutron_names_both_databases_and_their_files(tmp_path: Path) -> None:
    places = found(tmp_path, {"/etc/neutron/plugins/ml2/ml2_conf.ini": ML2})
    north = next(places.of("nb"))
    assert north.address == "ssl:10.0.0.1:6641,ssl:10.0.0.2:6641"
    assert north.source == "/etc/neutron/plugins/ml2/ml2_conf.ini [ovn] ovn_nb_connection"
    assert (north.private_key, north.certificate, north.ca_cert) == (
        "/etc/neutron/key_host",
        "/etc/neutron/cert_host",
        "/etc/neutron/ca.crt",
    )
    assert next(places.of("sb")).address == "ssl:10.0.0.1:6642,ssl:10.0.0.2:6642"
    assert next(places.of("sb")).private_key == ""


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_secret_is_ever_taken(name: str, tmp_path: Path) -> None:
    assert "hunter2" not in repr(found(tmp_path, LAYOUTS[name][0]))


def test_the_plugins_own_file_wins_over_neutron_conf(tmp_path: Path) -> None:
    conf = (
        "[DEFAULT]\ntransport_url = rabbit://u:hunter2@h\n[ovn]\novn_nb_connection = tcp:other:1\n"
    )
    files = {"/etc/neutron/neutron.conf": conf}
    assert first(found(tmp_path, files), "nb")[0] == "tcp:other:1"
    files["/etc/neutron/plugins/ml2/ml2_conf.ini"] = ML2
    assert first(found(tmp_path, files), "nb")[0].startswith("ssl:10.0.0.1:6641")
    assert not any(each.address == "tcp:other:1" for each in found(tmp_path, files).remotes)


def test_a_file_that_a_container_sees_elsewhere(tmp_path: Path) -> None:
    places = found(tmp_path, LAYOUTS["TripleO"][0])
    assert next(places.of("nb")).private_key == whereabouts.PUPPET + "/etc/neutron/key_host"
    assert next(places.of("nb")).certificate == "/etc/neutron/cert_host"


def test_the_servers_own_socket_comes_first(tmp_path: Path) -> None:
    places = found(tmp_path, LAYOUTS["Debian and RHEL"][0])
    assert first(places, "nb") == ("unix:/run/ovn/ovnnb_db.sock", "the socket of its server")


def test_northbound_is_guessed_only_where_nothing_names_it(tmp_path: Path) -> None:
    settings = {"ovn-remote": "ssl:10.0.0.1:6642,ssl:[fd00::2]:16642"}
    guess = next(found(tmp_path, {}, settings, {"ca_cert": "/c"}).of("nb"))
    assert guess.address == "ssl:10.0.0.1:6641,ssl:[fd00::2]:6641"
    assert guess.guessed
    assert guess.ca_cert == "/c"
    assert guess.source == "guessed from conf.db external_ids:ovn-remote"
    named = found(tmp_path, {"/etc/neutron/plugins/ml2/ml2_conf.ini": ML2}, settings)
    assert not any(remote.guessed for remote in named.remotes)


@pytest.mark.parametrize(
    ("southbound", "northbound"),
    [
        ("tcp:h:6642", "tcp:h:6641"),
        ("ssl:h", "ssl:h:6641"),
        ("unix:/run/ovn/ovnsb_db.sock", "unix:/run/ovn/ovnnb_db.sock"),
        ("unix:/elsewhere", ""),
        ("", ""),
        ("nonsense", ""),
        ("tcp:::1:6642", ""),
    ],
)
def test_the_usual_neighbour(southbound: str, northbound: str) -> None:
    assert whereabouts.northbound_of(southbound) == northbound


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[ovn]",
        "[ovn]\n=x\n",
        "[ovn\novn_nb_connection=x",
        "\0\xff",
        "  ovn_nb_connection = x\n",
    ],
)
def test_odd_files_name_nothing(text: str, tmp_path: Path) -> None:
    assert found(tmp_path, {"/etc/neutron/plugins/ml2/ml2_conf.ini": text}).remotes == ()


def test_a_shell_file_with_a_variable_in_it_names_nothing(tmp_path: Path) -> None:
    text = "export OVN_NB_DB=$ELSEWHERE\nexport OVN_SB_DB='tcp:10.0.0.1:6642'\n"
    places = found(tmp_path, {"/root/ovnctl.rc": text})
    assert first(places, "sb") == ("tcp:10.0.0.1:6642", "/root/ovnctl.rc OVN_SB_DB")
    assert next(places.of("nb")).guessed


def test_a_file_that_may_not_be_read_is_told_from_one_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ml2 = "/etc/neutron/plugins/ml2/ml2_conf.ini"
    files = {ml2: ML2, "/etc/neutron/neutron.conf": "", whereabouts.EDPM + "/x": ""}
    assert found(tmp_path, files).unread == ()
    access = os.access
    monkeypatch.setattr(
        "os.access", lambda path, mode: not str(path).endswith(ml2) and access(path, mode)
    )
    assert found(tmp_path, {}).unread == (ml2,)


@pytest.mark.parametrize(
    ("folder", "told"),
    [("/etc/neutron", ("/etc/neutron",)), ("/root", ()), ("/etc/kolla", ("/etc/kolla",))],
)
def test_a_folder_that_shows_nothing_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, told: tuple[str, ...]
) -> None:
    tree(tmp_path, {folder + "/any": ""})
    look = os.stat

    def stat(path: Any, **how: Any) -> os.stat_result:
        if str(path).startswith(f"{tmp_path}{folder}/"):
            raise PermissionError(13, "Permission denied", path)
        return look(path, **how)

    monkeypatch.setattr("os.stat", stat)
    assert tuple(whereabouts.unread(str(tmp_path))) == told


def test_a_folder_or_a_pipe_in_a_files_place_hinders_nothing(tmp_path: Path) -> None:
    (tmp_path / "etc/neutron/plugins/ml2/ml2_conf.ini").mkdir(parents=True)
    assert found(tmp_path, {}).remotes == ()


def test_the_run_folder_in_use_is_the_one_that_holds_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty, other, used = (str(tmp_path / name) for name in ("empty", "other", "used"))
    for folder in (empty, other, used):
        Path(folder).mkdir()
    Path(other, "ovn-northd.pid").touch()
    Path(used, "ovn-controller.pid").touch()
    monkeypatch.setitem(whereabouts.RUN_FOLDERS, "ovn", [empty, other, used])
    assert whereabouts.run_folder("ovn", "ovn-controller.pid") == used
    assert whereabouts.run_folder("ovn", "nothing.pid") == other
    monkeypatch.setenv("OVN_RUNDIR", empty)
    assert whereabouts.run_folder("ovn", "ovn-controller.pid") == empty


def test_log_folders_are_those_that_excerpts_are_taken_from() -> None:
    """Each runs on a host by itself, so that the list stands in both."""
    for folder in whereabouts.LOGS:
        assert any(
            fnmatch(f"{folder}/a.log", place) or fnmatch(f"{folder}/a/a.log", place)
            for place in excerpt.PLACES
        ), folder
    for place in excerpt.PLACES:
        folders = {str(folder) for folder in PurePosixPath(place).parents}
        assert folders & set(whereabouts.LOGS), place
