"""What may be run: everything that the catalogue prints, and nothing that a name brings along."""

from __future__ import annotations

import pytest

from tests.recordings import FAULTS, VICTIM, source_of
from viftrail.faults.fault import Fault
from viftrail.faults.step import ADMIN_SHELL
from viftrail.fix.shell import objection, writes_northbound
from viftrail.lab.provoke import all_provocations
from viftrail.why import why


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_catalogues_steps_may_be_run(fault: Fault) -> None:
    for step in why(source_of(fault.id), VICTIM).remedy.steps:
        if step.where == ADMIN_SHELL or all_provocations()[fault.id].by_hand:
            continue  # printed, never run
        assert objection(step.command) == ""
        assert objection(step.verify) == ""


HOSTILE = r"""
x; reboot
x && reboot
x & reboot
x&&reboot
x;reboot
x | sh
$(reboot)
`reboot`
x > /etc/passwd
<(reboot)
'
"
x # y
~
*
{a,b}
x \y
$HOME
x &&
"""


@pytest.mark.parametrize("name", ["x\nreboot", "x\x00", *HOSTILE.strip().splitlines()])
def test_a_name_cannot_bring_a_command(name: str) -> None:
    assert objection(f"ovn-nbctl lsp-del {name}")


@pytest.mark.parametrize("command", ["", "reboot", "open UDP 6081", "A=1 ovn-nbctl show", "|"])
def test_other_programs_are_not_run(command: str) -> None:
    assert objection(command)


def test_a_quoted_name_is_one_word() -> None:
    assert objection("ovn-nbctl set Port_Group x 'a=\"b; c\"'") == ""


def test_what_was_left_open_is_not_run() -> None:
    command = "openstack server create --flavor tiny --image guest --network {} web"
    assert objection(command.format("NETWORK")) == "NETWORK is for you to fill in"
    assert objection(command.format("'my NETWORK'")) == ""


def test_what_writes_northbound() -> None:
    assert writes_northbound("ovn-nbctl lsp-del x")
    assert not writes_northbound("ovs-vsctl show")
