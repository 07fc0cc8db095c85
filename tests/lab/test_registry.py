"""The list of provocations."""

from __future__ import annotations

from viftrail.faults.catalogue import CATALOGUE
from viftrail.lab.provoke import all_provocations

#: The faults that the first release must find on a live lab.
REQUIRED = frozenset(
    """
    northd-not-running northd-paused nb-lsp-missing pb-requested-chassis-mismatch
    chassis-missing-graceful-stop controller-crashed controller-sb-unreachable
    vif-not-in-br-int vif-iface-id-wrong vif-iface-id-missing vif-netdev-missing vif-tap-down
    vif-hybrid-leg-broken dhcp-options-missing portsec-mac-mismatch sg-egress-missing
    tunnel-wrong-encap-ip tunnel-udp-blocked prov-mapping-missing prov-nic-not-in-bridge
    router-no-gateway-chassis fip-nat-row-missing
""".split()  # noqa: SIM905 - reads like the list it was copied from
)


def test_every_required_fault_can_be_provoked() -> None:
    assert set(all_provocations()) >= REQUIRED


HARMLESS = {
    "nb-orphan-lsp",
    "chassis-private-ghost",
    "pb-migration-leftover",
    "vif-orphan",
    "fip-external-mac-missing",
    "nb-orphan-nat",
    "raft-member-apart",
}
"""Faults that cut nobody off."""


def test_only_decoys_and_harmless_faults_break_nothing() -> None:
    known = {each.id for each in CATALOGUE}
    for fault, provocation in all_provocations().items():
        assert provocation.id == fault
        refuses = provocation.request or provocation.asks_itself  # a server that is not there yet
        harmless = provocation.decoy or provocation.freezes or refuses or fault in HARMLESS
        assert bool(harmless) == (not provocation.breaks), fault
        assert provocation.decoy == (fault not in known), fault
