"""What a script with ovsdbapp does to look at one port: both APIs, then two lookups.

peer_ovsdbapp.py NB SB PORT   in an environment that has the package ovsdbapp
"""

from __future__ import annotations

import sys

from ovsdbapp.backend.ovs_idl import (  # type: ignore[import-not-found,unused-ignore]
    connection,
)
from ovsdbapp.schema.ovn_northbound import (  # type: ignore[import-not-found,unused-ignore]
    impl_idl as northbound,
)
from ovsdbapp.schema.ovn_southbound import (  # type: ignore[import-not-found,unused-ignore]
    impl_idl as southbound,
)

TIMEOUT = 600
SOUTHBOUND = (
    *("Chassis", "Encap", "Port_Binding", "Datapath_Binding", "Gateway_Chassis", "HA_Chassis"),
    *("HA_Chassis_Group", "Load_Balancer", "Logical_DP_Group", "Meter", "Meter_Band", "Mirror"),
)


def main() -> None:
    """As its documentation shows: an IDL of each schema, without Logical_Flow."""
    nb_remote, sb_remote, port = sys.argv[1:4]
    nb_idl = connection.OvsdbIdl.from_server(nb_remote, "OVN_Northbound")
    nb = northbound.OvnNbApiIdlImpl(connection.Connection(nb_idl, timeout=TIMEOUT))
    sb_idl = connection.OvsdbIdl.from_server(sb_remote, "OVN_Southbound", helper_tables=SOUTHBOUND)
    sb = southbound.OvnSbApiIdlImpl(connection.Connection(sb_idl, timeout=TIMEOUT))
    found = nb.lsp_get(port).execute(check_error=True)
    binding = sb.db_find("Port_Binding", ("logical_port", "=", port)).execute(check_error=True)
    print(found.name, binding[0]["chassis"])


if __name__ == "__main__":
    main()
