"""One command on many hosts by Ansible, as the operator's inventory and ansible.cfg say.

A play of one task, `raw`: nothing is copied to a host, and Ansible needs no Python there. Which
connection, user, jump host and privilege a host takes is for Ansible to know; only what would
keep a program waiting is set here. What a host says arrives as soon as that host has ended,
by the callback in ``callbacks/``.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec

from viftrail import itself
from viftrail.errors import ProtocolError, Unreachable
from viftrail.facts.ways import command
from viftrail.facts.ways.command import Said
from viftrail.facts.ways.dispatch import MOST, PYTHON

CALLBACK = "viftrail_lines"

FORKS = 25
"""Hosts at a time where ansible.cfg does not say: five, as Ansible has it, wait for a few
hosts that hang."""

START = 30.0
"""Seconds that Ansible itself may take, with the inventory of a large cloud."""

MAX_COMMAND = 100 << 10
"""Bytes of a command, which is one argument of ssh(1); Linux allows 128 KiB (MAX_ARG_STRLEN,
execve(2)), and Ansible puts its own words around it."""


_ERROR = re.compile(r"\[ERROR\]: |ERROR! |error: ")
"""How Ansible's errors begin: since 2.19, before, and those of the command line."""


class Answer(msgspec.Struct, frozen=True):
    """How a task ended on a host; written by ``callbacks/viftrail_lines.py``."""

    host: str
    state: Literal["ok", "failed", "unreachable", "late"]
    code: int | None = None
    output: str = ""
    errors: str = ""
    message: str = ""
    began: float = 0.0
    """Seconds since 1970."""
    seconds: float = 0.0


_answer = msgspec.json.Decoder(Answer)


@dataclass(frozen=True)
class Ansible:
    """The operator's Ansible, and the inventory that they named."""

    programs: Path
    """The folder of `ansible-playbook` and its like."""
    inventory: str
    become: bool = False
    """Run what is run there as root, unless the inventory says otherwise."""

    def ask(self, program: str, *arguments: str, timeout: float) -> Said:
        """What one of Ansible's programs prints that looks at no host."""
        argv = self.minded("", program, *arguments)
        return command.run(argv, b"", timeout=timeout, most=MOST, environment=environment())

    def minded(self, folder: Path | str, program: str, *arguments: str) -> list[str]:
        """A command that leaves nothing behind, and ``folder`` neither."""
        minder = itself.part("viftrail.facts.ways.minder")
        return [*minder, str(folder), str(self.programs / program), *arguments]


def find_ansible() -> Path:
    """Where Ansible is: beside this Python, or in PATH.

    Raises:
        Unreachable: it is nowhere.
    """
    beside = Path(sys.executable).parent
    for place in (str(beside), os.environ.get("PATH", os.defpath)):
        found = shutil.which("ansible-playbook", path=place)
        if found:
            return Path(found).absolute().parent
    raise Unreachable(
        "There is no ansible-playbook, neither beside this Python nor in PATH.",
        "Install ansible-core (`pip install 'viftrail[fleet]'`), or use --ssh.",
    )


def environment(folder: Path | None = None) -> Mapping[str, str]:
    """The operator's environment, and what a program that calls Ansible needs.

    With a folder, answers are written as lines, and connections that are shared are kept there.
    """
    plain = {
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "ANSIBLE_DEVEL_WARNING": "0",
        "ANSIBLE_VERBOSITY": "0",
        "ANSIBLE_NO_LOG": "0",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "1",
        "SSH_ASKPASS_REQUIRE": "never",
    }
    if folder is not None:
        plugins = resources.files("viftrail.facts.ways").joinpath("callbacks")
        plain |= {
            "ANSIBLE_STDOUT_CALLBACK": CALLBACK,
            "ANSIBLE_CALLBACK_PLUGINS": str(plugins),
            "ANSIBLE_CALLBACKS_ENABLED": CALLBACK,
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder),
        }
    return {**os.environ, **plain}


def shell_command(program: Sequence[str], script: bytes = b"") -> str:
    """A program for a POSIX shell; a script for `PYTHON` comes along in its arguments.

    Ansible's `raw` has no standard input to give.

    Raises:
        ProtocolError: it is too long for that.
    """
    argv = list(program)
    for at, word in enumerate(argv[:-1]):
        if (word, argv[at + 1]) == PYTHON[:2]:  # what is before it enters a container
            packed = base64.b64encode(zlib.compress(script, 9)).decode()
            load = f"import base64,zlib;exec(zlib.decompress(base64.b64decode('{packed}')))"
            argv[at + 2 : at + 3] = ["-c", load]
            break
    text = shlex.join(argv)
    if len(text.encode()) > MAX_COMMAND:
        raise ProtocolError(
            f"The command {program[0]} is too long to be sent by Ansible.", "Use --ssh."
        )
    return text


def playbook(text: str, *, timeout: float, become: bool) -> str:
    """The play that runs a shell command.

    The command is marked unsafe, so that no brace in it is taken for a template.
    """
    play = {
        "hosts": "all",
        "gather_facts": False,
        "no_log": False,  # where it is the operator's default, answers would be kept from us
        "strategy": "free",
        **({"become": True} if become else {}),
        "tasks": [
            {"ansible.builtin.raw": "{{ viftrail_command }}", "timeout": max(1, round(timeout))}
        ],
        "vars": {"ansible_ssh_use_tty": False, "viftrail_command": "COMMAND"},
    }
    # JSON is YAML (YAML 1.2, 1.3), but it has no tags: that one value is put in as text.
    return json.dumps([play]).replace('"COMMAND"', f"!unsafe {_quoted(text)}")


def _quoted(text: str) -> str:
    """A double-quoted scalar of YAML (YAML 1.2, 7.3.1)."""
    plain = (
        each if " " <= each <= "~" and each not in '"\\' else f"\\U{ord(each):08x}" for each in text
    )
    return f'"{"".join(plain)}"'


def run_play(
    ansible: Ansible,
    hosts: Sequence[str],
    text: str,
    *,
    timeout: float,
    forks: int,
    heard: Callable[[Answer], None],
) -> str:
    """Run a shell command on these hosts of the inventory.

    Args:
        ansible: the operator's.
        hosts: their names in the inventory.
        text: the command.
        timeout: seconds for one host.
        forks: how many hosts at a time.
        heard: called with the answer of each host as it arrives.

    Returns:
        What Ansible itself complained of, for hosts of which nothing was heard.

    Raises:
        Unreachable: there is no room for the files that Ansible wants.
    """
    folder = _folder(
        {
            "play.yml": playbook(text, timeout=timeout, become=ansible.become),
            "hosts": "".join(f"{host}\n" for host in hosts),
        }
    )
    try:
        argv = ansible.minded(
            folder,
            "ansible-playbook",
            f"--inventory={ansible.inventory}",
            f"--limit=@{folder}/hosts",
            f"--forks={forks}",
            f"{folder}/play.yml",
        )
        rounds = -(-len(hosts) // forks)
        said = command.run(
            argv,
            b"",
            timeout=START + rounds * (timeout + 1),
            most=MOST,
            line=lambda line: _read(line, heard),
            environment=environment(folder),
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if said.code is None:
        return "Ansible did not end in time, and was ended"
    return complaint(said)


def _folder(files: Mapping[str, str]) -> Path:
    """A folder with these; the minder removes it, which outlives this process when it is killed."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="viftrail-"))
    except OSError as error:
        raise _no_room(error) from None
    try:
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _no_room(error) from None
    return folder


def _no_room(error: OSError) -> Unreachable:
    return Unreachable(
        f"Ansible's play could not be written into {tempfile.gettempdir()} ({error.strerror}).",
        "Make room there, or name another folder with TMPDIR.",
    )


def _read(line: bytes, heard: Callable[[Answer], None]) -> None:
    """A line of the callback; whatever else may be printed is none."""
    try:
        answer = _answer.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
    heard(answer)


def complaint(said: Said) -> str:
    """Ansible's own last error, in one line without a full stop; empty: it had none."""
    _, *found = _ERROR.split(said.errors.decode("utf-8", "replace"))
    return " ".join(found[-1].split())[:300].rstrip(".") if found else ""
