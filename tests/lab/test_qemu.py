"""A guest with a kernel of its own: booted, leased, broken, found, mended, switched off."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.harness import viftrail
from viftrail.errors import LabError
from viftrail.lab import image

from .harness import Cli, assert_nothing_left, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("qemu")]

GUEST = "vm4"


def qemu_of(vm_id: str) -> list[int]:
    """The processes that emulate a VM."""
    return [
        int(process.name)
        for process in Path("/proc").glob("[0-9]*")
        if (words := _words(process))[:1] == [image.QEMU] and vm_id in words
    ]


def _words(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_bytes().decode().split("\0")
    except OSError:
        return []


@pytest.fixture(scope="module")
def cli() -> Iterator[Cli]:
    if not shutil.which(image.QEMU):
        pytest.skip(f"a QEMU guest needs {image.QEMU}: the Debian package qemu-system-x86")
    if image.find() is None:
        try:
            image.fetch()
        except LabError as error:
            pytest.skip(f"a QEMU guest needs Debian's cloud kernel: {error}")
    one = Cli(f"t-qemu-{os.getpid()}")
    one("up")
    try:
        one("boot", GUEST, "--qemu", "--host", "compute1", "--floating-ip")
        yield one
    finally:
        one("down", check=False)
    assert_nothing_left(one.name)


def test_it_is_a_computer_of_its_own_with_a_lease(cli: Cli) -> None:
    vm = cli.vm(GUEST)
    assert vm["qemu"]
    assert vm["lease"] == vm["ip"]
    assert vm["mac_in_guest"] == vm["mac"]
    assert f"lease of {vm['ip']} obtained" in cli("console", GUEST).stdout
    inside = cli("exec", GUEST, "--", "uname", "-nr").stdout.split()
    assert inside[0] == GUEST
    assert inside[1] != os.uname().release
    done = cli("exec", GUEST, "--", "sh", "-c", "echo to whom; exit 3", check=False)
    assert (done.returncode, done.stdout) == (3, "to whom\n")


def test_packets_pass_from_it_and_to_it(cli: Cli) -> None:
    paths = cli.ping()
    assert {path for path, source in paths if source == GUEST} == {
        *("dhcp", "gateway", "same-host", "other-host", "external", "metadata", "beyond")
    }
    assert [path for path, ok in paths.items() if not ok] == []
    assert cli.failing("--vm", GUEST, "--size", "1414") == set()
    assert "gateway" in cli.failing("--vm", GUEST, "--size", "1415")


@pytest.mark.parametrize("fault", ["dhcp-options-missing", "portsec-mac-mismatch"])
def test_a_fault_of_it_is_found_and_mended(cli: Cli, tmp_path: Path, fault: str) -> None:
    lab = ("--lab", cli.name, "-f", "json")
    cli("break", fault, "--vm", GUEST)
    try:
        assert cli.failing("--vm", GUEST) >= {"dhcp", "gateway"}
        found = viftrail("why", GUEST, *lab)
        assert [cause["id"] for cause in found.verdict["causes"]] == [fault]
        log = str(tmp_path / "log")
        mended = viftrail("fix", GUEST, *lab, "--apply", "--allow", "disruptive", "--log", log)
        told = json.loads(mended.out)
        assert (told["ending"], told["proof"]["ok"]) == ("mended", True), told
    finally:
        cli("mend")
    assert cli.failing() == set()
    assert viftrail("audit", *lab).verdict["groups"] == []


def test_a_reboot_is_another_boot_of_its_kernel(cli: Cli) -> None:
    (before,) = qemu_of(cli.vm(GUEST)["id"])
    cli("reboot", GUEST)
    (after,) = qemu_of(cli.vm(GUEST)["id"])
    assert after != before
    assert cli.vm(GUEST)["lease"] == cli.vm(GUEST)["ip"]


def test_deleted_it_is_switched_off(cli: Cli) -> None:
    cli("boot", "vm9", "--qemu", "--hybrid", "--host", "compute2")
    vm = cli.vm("vm9")
    assert vm["lease"] == vm["ip"]
    assert len(qemu_of(vm["id"])) == 1
    cli("delete", "vm9")
    assert wait_for(lambda: not qemu_of(vm["id"]))
    assert not Path("/run/viftrail/labs", cli.name, "guests/vm9").exists()
