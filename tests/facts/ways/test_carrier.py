"""How the probe gets to a host, and what is said when it does not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import pytest

from tests.cloud import healthy
from viftrail.errors import NotPermitted, ProtocolError, Unreachable
from viftrail.facts.facts import Gap
from viftrail.facts.host import Failure, Host
from viftrail.facts.ways.carrier import (
    SSH_ADVICE,
    Advice,
    Carrier,
    Local,
    Ssh,
    advice_for,
    judge,
    permitted,
    visit,
    visit_all,
)
from viftrail.facts.ways.command import Said

PROGRAM = ["python3", "-IB", "-", "--window", "0.3"]


def test_this_host_uses_this_python() -> None:
    assert Local().command(PROGRAM) == [sys.executable, *PROGRAM[1:]]
    assert Local().command(["ip", "link"]) == ["ip", "link"]
    assert Local(become=True).command(PROGRAM) == ["sudo", "-n", *PROGRAM], "as sudoers has it"


def test_ssh_never_asks_for_a_password_and_quotes() -> None:
    command = Ssh("compute1").command([*PROGRAM, "a b"])
    assert command[:3] == ["ssh", "-o", "BatchMode=yes"]
    assert command[-3:] == ["--", "compute1", "python3 -IB - --window 0.3 'a b'"]


def test_a_host_that_looks_like_an_option_is_none() -> None:
    command = Ssh("-oProxyCommand=evil").command(PROGRAM)
    assert command.index("--") < command.index("-oProxyCommand=evil")


def test_ssh_with_everything() -> None:
    command = Ssh("h", config="/c", become=True).command(PROGRAM)
    assert command[command.index("-F") + 1] == "/c"
    assert command[-1].startswith("sudo -n python3 -IB -")


@dataclass(frozen=True)
class Shell:
    """Runs a script in place of the probe."""

    script: str

    def command(self, program: Sequence[str]) -> list[str]:  # noqa: ARG002
        return ["sh", "-c", self.script]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("echo 'h: Permission denied (publickey).' >&2; exit 255", NotPermitted),
        ("echo 'sudo: a password is required' >&2; exit 1", NotPermitted),
        ("echo 'sh: python3: command not found' >&2; exit 127", Unreachable),
        ("echo 'ssh: connect to host h port 22: No route to host' >&2; exit 255", Unreachable),
        ("exit 3", Unreachable),
        ("cat >/dev/null; echo Welcome", ProtocolError),
    ],
)
def test_each_failure_is_a_sentence_with_advice(script: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        visit("h", Shell(script), window=0.0, timeout=5)
    assert "h" in str(caught.value)
    assert getattr(caught.value, "do", "")


def test_the_line_of_sudoers_is_told_where_it_works() -> None:
    denied = (Failure("db.sock", "Permission denied"),)
    host = msgspec.structs.replace(healthy().hosts["compute1"], euid=1000, errors=denied)
    line = "NOPASSWD: /usr/bin/python3 -IB - *"
    for advice, told in ((SSH_ADVICE, True), (Advice(), False)):
        with pytest.raises(NotPermitted) as looked:
            permitted("c1", host, advice)
        with pytest.raises(NotPermitted) as asked:
            judge("c1", Said(b"", b"sudo: a password is required", 1), 1.0, advice)
        assert (line in looked.value.do, line in asked.value.do) == (told, told)


def test_a_sudo_of_this_host_that_wants_a_password_is_advised_as_over_ssh() -> None:
    assert "visudo" in advice_for(Local(become=True)).without
    assert advice_for(Local()) == Advice()


def test_a_host_that_hangs_is_left_behind() -> None:
    with pytest.raises(Unreachable, match="did not answer"):
        visit("h", Shell("exec sleep 30"), window=0.0, timeout=0.2)


def test_a_program_that_is_not_installed() -> None:
    @dataclass(frozen=True)
    class Nothing:
        def command(self, program: Sequence[str]) -> list[str]:  # noqa: ARG002
            return ["/nonexistent/ssh"]

    with pytest.raises(Unreachable, match="ssh"):
        visit("h", Nothing(), window=0.0, timeout=1)


def test_one_bad_host_does_not_spoil_the_others() -> None:
    def visitor(name: str, _: Carrier, window: float) -> Host:
        assert window == 1.5
        if name == "bad":
            raise Unreachable("bad is down.", "Start it.")
        return healthy().hosts[name]

    def carriers(name: str) -> Carrier | Gap:
        return Gap("host far", "No way.", "Add --ssh.") if name == "far" else Local()

    seen = visit_all(["compute1", "bad", "far", "compute1"], carriers, window=1.5, visitor=visitor)
    assert list(seen) == ["compute1", "bad", "far"]
    assert seen["compute1"] == healthy().hosts["compute1"]
    assert seen["bad"] == Gap("host bad", "bad is down.", "Start it.")
    assert seen["far"] == Gap("host far", "No way.", "Add --ssh.")
