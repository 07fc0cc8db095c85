"""What OpenStack answered, as files of JSON and the tables of its command line have it."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec

from viftrail.facts.density import is_sparse
from viftrail.facts.openstack_json import Answers
from viftrail.facts.saved import cli_table
from viftrail.facts.saved.contents import Contents

MAX_ANSWER = 256 << 20
"""Bytes of one JSON answer. The ports of 100,000 servers are about half of it."""


def answers_of(contents: Contents) -> Answers:
    """What the JSON files and tables say; JSON first, as it says more.

    What is no answer is noted as not recognised, unless a sosreport brought it along.
    """
    found = Answers()
    for path in contents.answers:
        name, known = contents.name(path), False
        try:
            content = _whole(path)
            if is_sparse(content):
                contents.notes.append(f"{name} is made of nearly nothing")
                continue
            known = found.absorb(msgspec.json.decode(content), name)
        except OSError as error:
            contents.refuse(path, error)
            continue
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, zlib.error):
            pass
        _unless(known, contents, path)
    for path in contents.tables:
        try:
            text = _whole(path).decode("utf-8", "replace")
        except OSError as error:
            contents.refuse(path, error)
            continue
        except zlib.error:
            text = ""
        _unless(found.absorb(cli_table.records(text), contents.name(path)), contents, path)
    return found


def _unless(known: bool, contents: Contents, path: Path) -> None:
    if not known and contents.report_of(path) is None:
        contents.others.append(contents.name(path))


def _whole(path: Path) -> bytes:
    with path.open("rb") as file:
        # No more is asked for than there is: a buffer is made of that size.
        content = file.read(min(MAX_ANSWER, path.stat().st_size))
    if not content.startswith(b"\x1f\x8b"):
        return content
    return zlib.decompressobj(wbits=31).decompress(content, MAX_ANSWER)
