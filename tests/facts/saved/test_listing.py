"""``list TABLE`` in text gives the rows that the database holds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.samples import folder
from viftrail.facts import northbound, southbound, vswitch
from viftrail.facts.ovsdb.file import read_file
from viftrail.facts.row import Row
from viftrail.facts.saved.listing import read_listing, table_named, table_of
from viftrail.facts.vswitch import Interface

DB = folder() / "s3-two-hosts" / "db"
TOOLS = {
    "ovn-nbctl": (northbound.TABLES, "ovnnb_db.db", "/usr/share/ovn/ovn-nb.ovsschema"),
    "ovn-sbctl": (southbound.TABLES, "ovnsb_db.db", "/usr/share/ovn/ovn-sb.ovsschema"),
    "ovs-vsctl": (vswitch.TABLES, "cmp1-conf.db", "/usr/share/openvswitch/vswitch.ovsschema"),
}
installed = pytest.mark.skipif(
    not shutil.which("ovsdb-server") or not shutil.which("ovn-nbctl"),
    reason="needs ovsdb-server and ovn-nbctl",
)
INTERFACE = """\
_uuid               : 3c3f36b1-fea5-401d-8fb0-fd72bd8540ad
error               : []
external_ids        : {iface-id=abc, x="a b, c}\\"q=r"}
mac_in_use          : "aa:bb:cc:dd:ee:ff"
mtu                 : 1500
name                : "tap=1, 2"
ofport              : -1
options             : {csum="true", key=flow}
type                : ""
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """All three databases of a recorded case, served."""
    place = tmp_path_factory.mktemp("served")
    for _, name, _ in TOOLS.values():
        shutil.copy(DB / name, place)
    process = subprocess.Popen(
        [
            "ovsdb-server",
            f"--remote=punix:{place}/s",
            "--no-chdir",
            f"--unixctl={place}/ctl",
            "-vconsole:off",
        ]
        + [name for _, name, _ in TOOLS.values()],
        cwd=place,
    )
    try:
        end = time.monotonic() + 10
        while not (place / "s").exists() and time.monotonic() < end:
            time.sleep(0.02)
        yield f"unix:{place}/s"
    finally:
        process.terminate()
        process.wait(5)


def said(*command: str) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=10, check=True, env=environment
    ).stdout


def stored(tool: str) -> dict[type[Row], dict[str, Row]]:
    tables, name, _ = TOOLS[tool]
    rows = read_file(DB / name, tables).rows
    return {row: {each.uuid: each for each in rows[row]} for row in tables}


@installed
@pytest.mark.parametrize("tool", TOOLS)
def test_the_rows_are_those_of_the_file(tool: str, server: str) -> None:
    for row, rows in stored(tool).items():
        text = said(tool, f"--db={server}", "--timeout=5", "list", row.table)
        found = read_listing(text)
        assert [(each.row, each.whole) for each in found] == ([(row, True)] if rows else [])
        assert not rows or {each.uuid: each for each in found[0].rows} == rows


@installed
def test_a_dump_holds_all_tables_also_the_empty_ones(server: str) -> None:
    text = said("ovsdb-client", "-f", "list", "dump", server, "Open_vSwitch")
    rows = {each.row: {one.uuid: one for one in each.rows} for each in read_listing(text)}
    assert rows == stored("ovs-vsctl")
    assert all(each.whole for each in read_listing(text))


@pytest.mark.parametrize("schema", [path for _, _, path in TOOLS.values()])
def test_each_table_is_known_by_its_columns_and_no_other_is(schema: str) -> None:
    if not Path(schema).exists():
        pytest.skip("the schemas are not installed")
    for name, table in json.loads(Path(schema).read_text())["tables"].items():
        row = table_of(frozenset(table["columns"]))
        assert row is None or row.table == name


def test_what_is_in_quotes_is_no_syntax() -> None:
    (found,) = read_listing(INTERFACE)
    (row,) = found.rows
    assert isinstance(row, Interface)
    assert row.external_ids == {"iface-id": "abc", "x": 'a b, c}"q=r'}
    assert (row.name, row.ofport, row.error, row.mtu) == ("tap=1, 2", -1, None, 1500)


@pytest.mark.parametrize("cut", [10, 60, 200, 320])
def test_a_list_without_its_beginning_is_not_whole(cut: int) -> None:
    (found,) = read_listing(INTERFACE[cut:] + "\n" + INTERFACE)
    assert (found.whole, len(found.rows)) == (False, 1)


@pytest.mark.parametrize("cut", [-8, -60, -200])
def test_a_list_without_its_end_is_not_whole(cut: int) -> None:
    (found,) = read_listing(INTERFACE + "\n" + INTERFACE.replace("3c3f", "4d4f")[:cut])
    assert not found.whole
    assert found.rows[0].uuid.startswith("3c3f")


def test_a_value_that_cannot_be_read_makes_it_not_whole() -> None:
    (found,) = read_listing(INTERFACE.replace("{csum", "csum"))
    assert (found.whole, found.rows) == (False, ())


@pytest.mark.parametrize(
    ("command", "table"),
    [
        ("ovn-nbctl_list_NAT", "NAT"),
        ("ovn-nbctl --no-leader-only list Logical_Switch_Port", "Logical_Switch_Port"),
        ("sos_commands/ovn_central/microovn.ovn-sbctl_--no-leader-only_list_Chassis", "Chassis"),
        ("ovs-vsctl_-t_5_list_interface", "Interface"),
        ("ovn-nbctl_show", None),
        ("ovn-sbctl_lflow-list", None),
        ("ovn-nbctl_list_Load_Balancer", None),
    ],
)
def test_the_name_of_an_output_tells_the_table(command: str, table: str | None) -> None:
    row = table_named(command)
    assert (row.table if row else None) == table
