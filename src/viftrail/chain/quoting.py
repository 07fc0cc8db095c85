"""Names from a cloud, put into printed commands so that a shell takes them for what they are.

A network may be called ``a; rm -rf /``. Every name from a database or host goes through one of
these on its way into a command. What needs no quotes gets none.
"""

from __future__ import annotations

import json
import re
import shlex

_BARE = re.compile(r"[\w.:/+@%-]+", re.ASCII)
"""What the tools of OVN and Open vSwitch read as one atom (ovs-vsctl(8), "Values")."""


def q(name: object) -> str:
    """One word of a shell, or the end of one."""
    return shlex.quote(str(name))


def db(value: object) -> str:
    """A value as the database tools read it, as one word of a shell."""
    text = str(value)
    return text if _BARE.fullmatch(text) else q(atom(text))


def atom(value: object) -> str:
    """A value in the database tools' own quotes; the word that it is in still needs `q`."""
    return json.dumps(str(value), ensure_ascii=False)
