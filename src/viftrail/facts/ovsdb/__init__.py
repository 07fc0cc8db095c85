"""OVSDB: read-only access to live servers (RFC 7047) and to database files (ovsdb(5)).

=============  ==============================================================
module         what it holds
=============  ==============================================================
``remote``     addresses as ovn-nbctl takes them, and TLS key files
``dial``       reaching a server within a time limit
``wire``       one connection: messages over a byte stream or TLS
``framing``    where one JSON-RPC message ends and the next begins
``client``     a database on a server: its schema, and selects
``schema``     tables, columns and column types
``shape``      columns on the wire, and what a field makes of them
``values``     wire values to typed rows
``journal``    the record layer shared by both file formats
``raft``       the log of a clustered database
``replay``     transactions applied to tables
``file``       a database file as a whole
``collector``  Python's cyclic garbage collector, paused for bulk reads
=============  ==============================================================

Nothing in this package can write: the only requests it ever sends are
``get_schema``, ``list_dbs``, ``echo`` and ``transact`` with ``select``.
"""

from __future__ import annotations

from viftrail.facts.ovsdb.client import Client, Condition, Select
from viftrail.facts.ovsdb.file import StoredDatabase, read_file
from viftrail.facts.ovsdb.raft import ClusterInfo
from viftrail.facts.ovsdb.remote import Remote, Tls, parse_remotes
from viftrail.facts.ovsdb.schema import ColumnType, Schema
from viftrail.facts.ovsdb.values import columns_of, decode_rows

__all__ = [
    "Client",
    "ClusterInfo",
    "ColumnType",
    "Condition",
    "Remote",
    "Schema",
    "Select",
    "StoredDatabase",
    "Tls",
    "columns_of",
    "decode_rows",
    "parse_remotes",
    "read_file",
]
