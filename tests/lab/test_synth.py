"""``viftrail lab synth``: what it writes, and that both ways of making Southbound agree."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from viftrail.audit import audit
from viftrail.cli.main import main
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import NBGlobal
from viftrail.facts.owner import Owner
from viftrail.facts.row import Row
from viftrail.facts.southbound import Chassis, Encap, PortBinding
from viftrail.facts.stored import from_files
from viftrail.lab.synth.build import Order, synthesize
from viftrail.lab.synth.central import missing_packages
from viftrail.lab.synth.plan import Plan

PORTS, FAULTS, SEED = 2000, 60, 7

needs_northd = pytest.mark.skipif(
    bool(missing_packages()), reason=f"needs the Debian packages {' '.join(missing_packages())}"
)
needs_schema = pytest.mark.skipif(
    not Path("/usr/share/ovn/ovn-nb.ovsschema").exists(), reason="needs OVN's schemas (ovn-central)"
)


def facts_of(folder: Path) -> Facts:
    facts = from_files(folder / "ovnnb_db.db", folder / "ovnsb_db.db").everything()
    owner = msgspec.json.decode((folder / "owner.json").read_bytes(), type=Owner)
    return Facts(nb=facts.nb, sb=facts.sb, owner=owner)


def key_of(folder: Path) -> list[dict[str, Any]]:
    key: list[dict[str, Any]] = json.loads((folder / "key.json").read_text())
    return key


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The same cloud, by northd and without."""
    base = tmp_path_factory.mktemp("synth")
    folders = base / "with", base / "without"
    for folder in folders:
        order = Order(ports=PORTS, plant=FAULTS, seed=SEED, northd=folder.name == "with")
        synthesize(order, folder)
    yield folders
    shutil.rmtree(base)


def canonical(facts: Facts) -> dict[str, Counter[str]]:
    """Every row in every column viftrail reads, without what only names rows."""
    members: dict[str, list[str]] = {}
    for binding in facts.sb[PortBinding]:
        members.setdefault(binding.datapath, []).append(binding.logical_port)
    names = {uuid: f"datapath of {min(ports)}" for uuid, ports in members.items()}
    return {
        f"{database} {row_type.table}": Counter(
            str(_plain(row, names)) for row in getattr(facts, database)[row_type]
        )
        for database in ("nb", "sb")
        for row_type in getattr(facts, database)
    }


def _plain(row: Row, names: dict[str, str]) -> dict[str, object]:
    columns: dict[str, object] = msgspec.structs.asdict(row)
    if isinstance(row, PortBinding):
        columns |= {"datapath": names[row.datapath], "uuid": ""}
    elif row.table == "SB_Global":
        columns["uuid"] = ""
    elif row.table == "Chassis_Private":
        columns["nb_cfg_timestamp"] = 0  # the moment it was made
    elif isinstance(row, NBGlobal):
        # Drawn by northd at its first start, or its own version.
        drawn = dict.fromkeys(("mac_prefix", "svc_monitor_mac", "northd_internal_version"), "")
        columns["options"] = sorted((row.options | drawn).items())
    return {
        name: sorted(value.items()) if isinstance(value, dict) else value
        for name, value in columns.items()
    }


@needs_northd
def test_northd_and_our_own_carrier_agree(both: tuple[Path, Path]) -> None:
    real, ours = (canonical(facts_of(folder)) for folder in both)
    assert real.keys() == ours.keys()
    for table, rows in real.items():
        assert rows or table in ("nb HA_Chassis_Group", "nb HA_Chassis"), f"{table} is empty"
        assert rows - ours[table] == Counter(), table
        assert ours[table] - rows == Counter(), table
    assert key_of(both[0]) == key_of(both[1])
