"""Whatever a thing is called, it is one word of a shell, and itself."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.test_quoting import expands, words
from viftrail.chain.quoting import db, q

SYNTAX = st.text(st.sampled_from("ab1 '\"\\;$()`&|<>#*?{}[]!~=,:\t"))


@pytest.mark.parametrize("quote", [q, db])
@given(name=SYNTAX)
def test_a_name_is_one_word(quote: Callable[[str], str], name: str) -> None:
    command = f"tool {quote(name)} more"
    assert len(words(command)) == 3
    assert not expands(command)


@given(name=SYNTAX)
def test_the_word_is_the_name(name: str) -> None:
    assert shlex.split(q(name)) == [name]
    (value,) = shlex.split(db(name))
    assert (json.loads(value) if value.startswith('"') else value) == name


def test_what_needs_no_quotes_gets_none() -> None:
    for name in (
        "compute1",
        "tcp:192.0.2.1:6642",
        "neutron-1a2b",
        "fa:16:3e:00:00:01",
        "10.0.0.0/24",
    ):
        assert q(name) == db(name) == name
