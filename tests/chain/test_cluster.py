"""What a member says of its cluster, as ovsdb/raft.c writes it."""

from __future__ import annotations

from tests.cloud import healthy, on_host
from tests.recordings import facts_of
from viftrail.chain.cloud import Cloud
from viftrail.chain.cluster import majority_lost, member_of, members
from viftrail.facts.host import Server
from viftrail.facts.inquiry import NORTHBOUND, SOUTHBOUND

CANDIDATE = """\
feff
Name: OVN_Southbound
Cluster ID: 3cec (3cecf224-f1ac-4011-89ff-c0881d1bdec7)
Server ID: feff (feff3b04-8947-4a2c-bde4-77623d0f113e)
Address: tcp:192.0.2.3:6644
Status: disconnected from the cluster (election timeout)
Role: candidate
Term: 5
Leader: unknown
Vote: self

Last Election started 670 ms ago, reason: timeout
Election timer: 2000
Log: [2, 6]
Entries not yet committed: 0
Entries not yet applied: 0
Connections: (->0000) (->7601)
Disconnections: 2
Servers:
    feff (feff at tcp:192.0.2.3:6644) (self) (voted for feff)
    c315 (c315 at tcp:192.0.2.10:6644) last msg 8431 ms ago
    7601 (7601 at tcp:192.0.2.2:6644) next_index=6 match_index=5 last msg 285 ms ago
    aaaa (aaaa at tcp:192.0.2.4:6644)
"""


def test_what_a_candidate_says() -> None:
    member = member_of("c3", Server(model="clustered", connected=False, status=CANDIDATE))
    assert member
    assert (member.id, member.cluster, member.leader) == ("feff", "3cec", "unknown")
    assert (member.term, member.end, member.election) == (5, 6, 2000)
    assert [(peer.id, peer.silence) for peer in member.peers] == [
        ("c315", 8431),
        ("7601", 285),
        ("aaaa", None),
    ]
    assert [peer.address for peer in member.unheard] == ["tcp:192.0.2.10:6644"]
    assert member.told() == (
        "disconnected from the cluster (election timeout); candidate, term 5, leader unknown"
    )


def test_a_leader_is_its_own() -> None:
    status = CANDIDATE.replace("Leader: unknown", "Leader: self")
    member = member_of("c3", Server(model="clustered", status=status))
    assert member
    assert member.leader == member.id == "feff"


def test_a_member_that_gave_no_status_and_a_server_that_is_none() -> None:
    member = member_of("c3", Server(model="clustered", connected=False))
    assert member
    assert (member.told(), member.unheard) == ("not connected", ())
    assert member_of("c3", Server(model="standalone")) is None


def test_members_as_recorded() -> None:
    cloud = Cloud(facts_of("raft-member-apart"))
    north = members(cloud, NORTHBOUND)
    assert [member.host for member in north] == ["controller", "controller2", "controller3"]
    assert len({(m.cluster, m.term, m.leader) for m in north}) == 1, "they are of one mind"
    assert len(members(cloud, SOUTHBOUND)) == 2
    assert not majority_lost(cloud, SOUTHBOUND)


def test_a_majority_is_lost_when_all_who_answer_say_so() -> None:
    assert majority_lost(Cloud(facts_of("sb-raft-no-quorum")), SOUTHBOUND)
    assert not majority_lost(Cloud(facts_of("sb-raft-no-quorum")), NORTHBOUND)
    assert not majority_lost(Cloud(on_host(healthy(), "controller", servers={})), SOUTHBOUND)


def test_an_odd_number_is_none_and_no_error() -> None:
    status = CANDIDATE.replace("Term: 5", "Term: \u00b2")
    status = status.replace("[2, 6]", f"[2, {'9' * 5000}]").replace("8431 ms", f"{'9' * 5000} ms")
    member = member_of("c3", Server(model="clustered", status=status))
    assert member
    assert (member.term, member.end, member.peers[0].silence) == (0, 0, None)
