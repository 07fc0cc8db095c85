from __future__ import annotations

from pathlib import Path

import pytest

from viftrail.errors import FileUnreadable, TlsError, UsageError
from viftrail.facts.ovsdb import Remote, Tls, parse_remotes


def test_a_comma_list() -> None:
    text = "ssl:[::1]:6642, tcp:10.0.0.1:7000,unix:/run/ovn/ovnsb_db.sock,tcp:node-1"
    assert parse_remotes(text, 6641) == (
        Remote("ssl", host="::1", port=6642),
        Remote("tcp", host="10.0.0.1", port=7000),
        Remote("unix", path="/run/ovn/ovnsb_db.sock"),
        Remote("tcp", host="node-1", port=6641),
    )


@pytest.mark.parametrize(
    "text", ["ssl:[fe80::1]:6642", "tcp:10.0.0.1:1", "unix:/a/b", "tcp:[::]:65535"]
)
def test_a_remote_reads_as_it_was_written(text: str) -> None:
    assert str(parse_remotes(text, 1)[0]) == text


def test_defaults() -> None:
    assert str(parse_remotes("ssl:[::1]", 6642)[0]) == "ssl:[::1]:6642"
    assert str(parse_remotes("tcp:h:", 6642)[0]) == "tcp:h:6642"


def test_a_relative_socket_lies_in_the_run_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVS_RUNDIR", "/run/x")
    assert parse_remotes("unix:db.sock", 1)[0].path == "/run/x/db.sock"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " , ",
        "10.0.0.1:6641",
        "http:host",
        "tcp:",
        "tcp::6641",
        "tcp:h:0",
        "tcp:h:65536",
        "tcp:h:99999999999999999999999",
        "tcp:h:x",
        "tcp:h:-1",
        "tcp:::1:6641",
        "tcp:[::1]6641",
        "tcp:[::1",
        "tcp:a b:1",
        "tcp://host:1",
        "unix:",
        "unix:/a\0b",
        "ptcp:6641",
        "pssl:6641:[::]",
        "punix:/x",
        "tcp",
        "tcp:h:\u0661",
    ],
)
def test_nonsense(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_remotes(text, 6641)
    assert caught.value.what.endswith(".")
    assert caught.value.do.endswith(".")


def test_tls_files(tmp_path: Path) -> None:
    absent, noise = tmp_path / "absent.pem", tmp_path / "noise.pem"
    noise.write_text("no PEM")
    with pytest.raises(FileUnreadable, match=r"absent\.pem"):
        Tls(absent, noise, noise).context()
    with pytest.raises(TlsError, match="cannot be used together"):
        Tls(noise, noise, noise).context()
    with pytest.raises(FileUnreadable):
        Tls(Path("a\0b"), noise, noise).context()
    with pytest.raises(TlsError):
        Tls(tmp_path, tmp_path, tmp_path).context()
