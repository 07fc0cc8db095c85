"""Answers of OpenStack as files: what is none, or made to do harm, is told and left."""

from __future__ import annotations

import gzip
import shutil
import tracemalloc
from pathlib import Path

from tests.facts.saved import made as saved
from viftrail.facts.saved.answers import answers_of
from viftrail.facts.saved.contents import sort_out


def test_json_and_tables_are_read(tmp_path: Path) -> None:
    shutil.copytree(saved.CASE / "api", tmp_path / "api")
    contents = sort_out(tmp_path)
    assert answers_of(contents).openstack().servers


def test_an_answer_of_empty_lists_is_not_decoded(tmp_path: Path) -> None:
    shutil.copytree(saved.CASE / "api", tmp_path / "api")
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b"[" + b"[]," * 2_000_000 + b"1]"))
    contents = sort_out(tmp_path)
    tracemalloc.start()
    assert answers_of(contents).openstack().servers
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert contents.notes == ["a.json.gz is made of nearly nothing"]
    assert most < 40 << 20
