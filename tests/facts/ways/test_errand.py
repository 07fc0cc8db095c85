"""An inventory's host as a carrier: its command does what ssh would, by a real Ansible."""

from __future__ import annotations

from pathlib import Path

import pytest

from viftrail.facts.ways.command import Said
from viftrail.facts.ways.dispatch import run_by
from viftrail.facts.ways.fleet import InventoryHost
from viftrail.facts.ways.play import Ansible, find_ansible


@pytest.fixture
def inventory(tmp_path: Path) -> str:
    path = tmp_path / "hosts"
    path.write_text("here ansible_connection=local\ndead ansible_host=127.0.0.1 ansible_port=1\n")
    return str(path)


def run(inventory: str, host: str, program: list[str], text: bytes = b"") -> Said:
    carrier = InventoryHost(Ansible(find_ansible(), inventory), host)
    return run_by(carrier, program, text, timeout=30, most=1 << 20)


def test_a_script_its_arguments_and_how_it_ended(inventory: str) -> None:
    script = b"import sys\nprint(*sys.argv[1:])\nprint('no', file=sys.stderr)\nsys.exit(3)\n"
    said = run(inventory, "here", ["python3", "-IB", "-", "a b", "{{ c }}"], script)
    assert (said.output, said.errors.strip(), said.code) == (b"a b {{ c }}\n", b"no", 3)


def test_a_host_that_is_not_there(inventory: str) -> None:
    said = run(inventory, "dead", ["true"])
    assert said.code == 255, "as ssh has it"
    assert b"refused" in said.errors


def test_an_inventory_that_is_gone(inventory: str) -> None:
    said = run(f"{inventory}.gone", "here", ["true"])
    assert said.code == 255
    assert b"Traceback" not in said.errors
    assert said.errors
