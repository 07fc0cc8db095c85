"""Hosts of what was saved: told apart, and never given what nobody saw."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.facts.saved import made as saved
from viftrail.chain.provider import uplinks
from viftrail.facts.host import Host
from viftrail.facts.saved.folder import open_saved
from viftrail.facts.vswitch import TABLES, Bridge, Interface, OpenVSwitch, Port

LISTED = (OpenVSwitch, Bridge, Interface)


def hosts(*places: Path) -> dict[str, Host]:
    source = open_saved(places)
    try:
        return dict(source.everything().hosts)
    finally:
        source.close()


def listed(root: Path, host: Host, *tables: type[OpenVSwitch | Bridge | Interface]) -> None:
    """What ``ovs-vsctl list`` would print of these tables, with the columns that tell them."""
    more = {OpenVSwitch: "bridges : []\n", Bridge: "flood_vlans : []\n", Interface: ""}
    for row_type in tables:
        text = ""
        for row in host.conf[row_type]:
            text += f"_uuid : {row.uuid}\n{more[row_type]}"
            for name in row.__struct_fields__:
                if name != "uuid":
                    text += f"{name} : {printed(getattr(row, name))}\n"
            text += "\n"
        saved.write(root, f"sos_commands/openvswitch/ovs-vsctl_-t_5_list_{row_type.table}", text)


def printed(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}"="{each}"' for key, each in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{each}"' for each in value) + "]"
    return "[]" if value is None else f'"{value}"' if isinstance(value, str) else str(value)


def test_without_conf_db_lists_and_overview_are_as_good(tmp_path: Path) -> None:
    central, root = saved.controller(tmp_path), saved.compute(tmp_path)
    known = hosts(central, root)["cmp1"]
    shutil.rmtree(root / "etc")
    listed(root, known, *LISTED)
    found = hosts(central, root)["cmp1"]
    assert found.settings == known.settings
    assert found.bridge_of == known.bridge_of
    assert {name: [row.name for row in rows] for name, rows in found.tunnels.items()} == {
        name: [row.name for row in rows] for name, rows in known.tunnels.items()
    }
    assert uplinks(found, "br-ex") == uplinks(known, "br-ex") == ("prov",)


def test_with_a_list_missing_nothing_is_known_of_its_switch(tmp_path: Path) -> None:
    """Of half a conf.db it would seem that a VM is not plugged."""
    central, root = saved.controller(tmp_path), saved.compute(tmp_path)
    known = hosts(central, root)["cmp1"]
    shutil.rmtree(root / "etc")
    listed(root, known, OpenVSwitch, Bridge)
    found = hosts(central, root)["cmp1"]
    assert not found.vswitch
    assert not any(found.conf[row].complete for row in TABLES)


def test_a_list_without_its_beginning_does_not_take_rows_away(tmp_path: Path) -> None:
    central, root = saved.controller(tmp_path), saved.compute(tmp_path)
    known = hosts(central, root)["cmp1"]
    listed(root, known, Interface)
    path = root / "sos_commands/openvswitch/ovs-vsctl_-t_5_list_Interface"
    cut = root / "sos_strings/openvswitch/ovs-vsctl_-t_5_list_Interface.tailed"
    saved.write(root, str(cut.relative_to(root)), path.read_text()[900:])
    path.unlink()
    found = hosts(central, root)["cmp1"]
    assert len(found.conf[Interface]) == len(known.conf[Interface])
    assert len(found.conf[Port]) == len(known.conf[Port])


def test_the_later_of_two_reports_of_a_host_counts(tmp_path: Path) -> None:
    before, after = saved.compute(tmp_path / "a"), saved.compute(tmp_path / "b")
    (before / "sos_commands/process/ps_auxwwwm").write_text(saved.PS.replace(" 800 ", " 801 "))
    for path in (after / "sos_commands").rglob("*"):
        if path.is_file():
            os.utime(path, (2_000_000_000, 2_000_000_000))
    central = saved.controller(tmp_path)
    source = open_saved([central, after])
    assert any("minutes older than that of cmp1" in gap.why for gap in source.gaps)
    for order in ((before, after), (after, before)):
        assert hosts(central, *order)["cmp1"].processes["ovn-controller"].pid == 800


def test_when_a_report_was_made_is_when_its_cluster_was_asked(tmp_path: Path) -> None:
    central, root = saved.controller(tmp_path), saved.compute(tmp_path)
    status = saved.write(central, "sos_commands/ovn_central/status", "abcd\nName: OVN_Southbound\n")
    for report, moment in ((central, 2000), (root, 3000)):
        for path in report.rglob("*"):
            os.utime(path, (moment, moment))
    os.utime(status, (1500, 1500))
    found = hosts(central, root)
    assert {name: host.reported for name, host in found.items()} == {"ctl": 1500, "cmp1": 3000}
    assert found["ctl"].time == found["cmp1"].time
