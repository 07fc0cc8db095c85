"""A verdict for machines. The format is described in docs/json.md."""

from __future__ import annotations

import msgspec

from viftrail.verdict import Verdict


def render(verdict: Verdict) -> str:
    """Indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(verdict), indent=2).decode() + "\n"
