"""One command on many hosts, by a real Ansible; its hosts are this one, so it needs no network."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from importlib import resources
from pathlib import Path

import pytest

from viftrail.errors import ProtocolError, Unreachable
from viftrail.facts.host import probe_script
from viftrail.facts.ways import command, play
from viftrail.facts.ways.command import Said
from viftrail.facts.ways.play import (
    Ansible,
    Answer,
    complaint,
    find_ansible,
    run_play,
    shell_command,
)

ODD = "{{ 1 + 1 }} {% raw %} {# 'é' \"\\ chdir=/ \U0001f600 \x7f\n second # line"


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    inventory = tmp_path / "hosts"
    inventory.write_text(
        "[all:vars]\nansible_connection=local\n[two]\none\nother\n"
        "[closed]\ndead ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n"
    )
    return Ansible(find_ansible(), str(inventory))


def answers(
    ansible: Ansible, hosts: list[str], text: str, timeout: float = 20
) -> dict[str, Answer]:
    found: list[Answer] = []
    run_play(ansible, hosts, text, timeout=timeout, forks=5, heard=found.append)
    assert len({answer.host for answer in found}) == len(found)
    return {answer.host: answer for answer in found}


def test_each_host_answers_by_itself(ansible: Ansible) -> None:
    """What it printed to either stream, and its exit status; nothing is taken for a template."""
    text = shell_command(["sh", "-c", 'printf %s "$1"; echo warned >&2; exit 3', "-", ODD])
    found = answers(ansible, ["one", "other", "dead"], text)
    assert found.keys() == {"one", "other", "dead"}
    assert (found["one"].output, found["one"].errors.strip()) == (ODD, "warned")
    assert (found["one"].state, found["one"].code) == ("failed", 3)
    assert found["other"].output == ODD
    assert (found["dead"].state, found["dead"].code) == ("unreachable", None)
    assert "refused" in found["dead"].message


def test_answers_come_where_the_operator_logs_none(
    ansible: Ansible, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "ansible.cfg"
    configuration.write_text("[defaults]\nno_log = True\n")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(configuration))
    assert answers(ansible, ["one"], "echo told")["one"].output == "told\n"


def test_no_room_for_the_play(
    ansible: Ansible, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(Unreachable, match="could not be written") as caught:
        answers(ansible, ["one"], "true")
    assert "TMPDIR" in caught.value.do


def test_a_host_that_hangs_is_late(ansible: Ansible) -> None:
    began = time.monotonic()
    found = answers(ansible, ["one"], "sleep 60", timeout=1)
    assert found["one"].state == "late"
    assert time.monotonic() - began < 20


def test_when_it_is_stopped_nothing_is_left(
    ansible: Ansible, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither Ansible, nor its workers, nor what they run; and no file."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mark = str(tmp_path / "here")
    text = f"sh -c 'sleep 60; :' {mark}"
    running = threading.Thread(target=answers, args=(ansible, ["one"], text))

    def processes() -> int:
        return sum(mark.encode() in words for words in command_lines())

    running.start()
    end = time.monotonic() + 30
    while not processes() and time.monotonic() < end:
        time.sleep(0.05)
    assert processes()
    folder, *others = tmp_path.glob("viftrail-*")
    assert others == []
    command.stop_all()
    running.join(10)
    assert not running.is_alive()
    assert processes() == 0
    assert not folder.exists()


def command_lines() -> list[bytes]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(place.read_bytes())
        except OSError:
            continue
    return found


def test_ansible_says_why_it_begins_nothing(ansible: Ansible) -> None:
    complained = run_play(ansible, ["no-such"], "true", timeout=1, forks=1, heard=lambda _: None)
    assert "no hosts" in complained


@pytest.mark.parametrize(
    "program",
    [
        ["python3", "-IB", "-", "a b", "{{ c }}"],
        ["env", "A=1", "python3", "-IB", "-", "a b", "{{ c }}"],
        ["echo", "a b", "{{ c }}"],
    ],
)
def test_a_program_for_a_shell(program: list[str]) -> None:
    script = b"import sys\nprint(*sys.argv[1:])\n"
    done = subprocess.run(
        ["sh", "-c", shell_command(program, script)], capture_output=True, check=True
    )
    assert done.stdout == b"a b {{ c }}\n"


def test_every_script_of_viftrail_fits_in_an_argument() -> None:
    excerpt = resources.files("viftrail.facts.log").joinpath("excerpt.py").read_bytes()
    knock = resources.files("viftrail.probing").joinpath("knock.py").read_bytes()
    for script in (probe_script(), excerpt, knock):
        assert len(shell_command(["python3", "-IB", "-"], script)) < play.MAX_COMMAND // 4


def test_what_does_not_fit_is_not_sent() -> None:
    with pytest.raises(ProtocolError, match="--ssh"):
        shell_command(["echo", "x" * (play.MAX_COMMAND + 1)])


def test_without_ansible(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreachable, match="ansible-playbook") as caught:
        find_ansible()
    assert "viftrail[fleet]" in caught.value.do


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        (
            b"[WARNING]: x\n[ERROR]: Completely failed to parse /x\n",
            "Completely failed to parse /x",
        ),
        (
            b"ERROR! Attempting to decrypt but no\nvault secrets found.\n",
            "Attempting to decrypt but no vault secrets found",
        ),
        (
            b"usage: x\nansible-inventory: error: unrecognized arguments: --limit\n",
            "unrecognized arguments: --limit",
        ),
        (b"[WARNING]: x", ""),
    ],
)
def test_what_ansible_complains_of(errors: bytes, expected: str) -> None:
    assert complaint(Said(b"", errors, 1)) == expected
