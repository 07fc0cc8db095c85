"""JSON that says nothing, and the most that anybody says in few bytes."""

from __future__ import annotations

import pytest

from tests.samples import folder
from viftrail.facts.density import is_sparse


@pytest.mark.parametrize("part", [b"[],", b"{},", b"[[]],"])
def test_lists_and_objects_with_nothing_in_them(part: bytes) -> None:
    assert is_sparse(b"[" + part * 10_000 + b"1]")
    assert not is_sparse(b"[" + part * 1000 + b"1]"), "as many as that take no room"


def test_what_openstack_answers_is_far_from_it() -> None:
    for path in folder().glob("*/api/*.json"):
        content = path.read_bytes()
        opened = content.count(b"{") + content.count(b"[")
        assert len(content) > 24 * (opened - 4), path
        assert not is_sparse(content * 1000)
