"""Errors: one tree, one exit code each, all of them documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from viftrail import errors
from viftrail.errors import AmbiguousTarget, ViftrailError

DOCS = Path(__file__).parents[1] / "docs" / "errors.md"
CLASSES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ViftrailError) and kind is not ViftrailError
]


def test_exit_codes_are_distinct_and_no_verdicts() -> None:
    codes = [kind.exit_code for kind in CLASSES]
    assert len(codes) == len(set(codes))
    assert all(64 <= code < 128 for code in codes)
    assert ViftrailError.exit_code not in codes


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_each_is_documented_with_its_code(kind: type[ViftrailError]) -> None:
    assert re.search(rf"^{kind.__name__} +{kind.exit_code} ", errors.__doc__ or "", re.MULTILINE)
    assert re.search(rf"^\| {kind.exit_code} \| {kind.__name__} \|", DOCS.read_text(), re.MULTILINE)


def test_an_error_says_what_happened_and_what_to_do() -> None:
    error = ViftrailError("It broke.", "Mend it.")
    assert (error.what, error.do, str(error)) == ("It broke.", "Mend it.", "It broke. Mend it.")
    assert str(ViftrailError("It broke.")) == "It broke."


def test_an_ambiguous_target_carries_its_candidates() -> None:
    assert AmbiguousTarget("Two.", "Choose.", ("a", "b")).candidates == ("a", "b")
