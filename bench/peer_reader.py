"""viftrail's own reading alone, without the audit: ``live NB SB`` or ``files NB SB``."""

from __future__ import annotations

import sys
from pathlib import Path

from viftrail.facts.facts import Gap
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND
from viftrail.facts.live import LiveSource
from viftrail.facts.ovsdb.client import Client
from viftrail.facts.ovsdb.remote import parse_remotes
from viftrail.facts.stored import from_files


def main() -> None:
    """Everything that an audit wants of both databases."""
    kind, nb, sb = sys.argv[1:4]
    if kind == "files":
        facts = from_files(Path(nb), Path(sb)).everything()
    else:
        remotes = {NORTHBOUND: nb, SOUTHBOUND: sb}

        def connect(database: str) -> Client:
            return Client.connect(
                parse_remotes(remotes[database], 1), database=database, timeout=30
            )

        source = LiveSource(connect, lambda host: Gap(f"host {host}", "not looked at", ""))
        facts = source.everything()
        source.close()
    print(len(list(facts.nb)), len(list(facts.sb)))


if __name__ == "__main__":
    main()
