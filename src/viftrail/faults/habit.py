"""What is done out of habit when a VM has no network, and whether it would help.

A restart, a new network and a new VM are no causes. What they would change is,
or is not, where the chain is broken.
"""

from __future__ import annotations

from viftrail.chain import subject
from viftrail.chain.quoting import db, q
from viftrail.faults.hypothesis import Guess, Scene, Weighed, at, never
from viftrail.verdict import Cause, Certainty, Evidence, RuledOut, Stage, Undecided


def _restart(scene: Scene, guess: str) -> Weighed:
    """nova-compute makes the tap and its Interface, and nothing after that."""
    trail, host = scene.trail, scene.host
    plugs = [p for p in scene.cloud.plugs.get(trail.port.id, ()) if p.host == trail.host]
    good = [p for p in plugs if host and p.bridge == host.integration_bridge]
    if not good:
        return Undecided(
            guess=guess,
            why=f"the plug, which is all that nova-compute makes, was not seen on {scene.place}",
            observation="an Interface in br-int that carries the port's id: then its work is done",
            where=scene.place,
            command=f"ovs-vsctl --columns=name,ofport find Interface "
            f"external_ids:iface-id={db(trail.port.id)}",
        )
    plug = good[0]
    return RuledOut(
        guess=guess,
        because=f"it plugs the VM and no more, and {plug.interface.name} is in {plug.bridge}",
        evidence=(
            Evidence(
                where=plug.host,
                what=f"Interface external_ids:iface-id={trail.port.id}",
                seen=f"{plug.interface.name} in {plug.bridge}",
                expected="one, in br-int",
                command=f"ovs-vsctl iface-to-br {q(plug.interface.name)}",
            ),
        ),
    )


def _of_the_network(_scene: Scene, cause: Cause) -> bool:
    """What is wrong is the network's or its router's own row."""
    return cause.subject.partition(" ")[0] in ("network", "router")


def _about(cause: Cause) -> str:
    """Its subject in a sentence: the cloud itself has no name."""
    return "the whole cloud" if cause.subject == str(subject.CLOUD) else cause.subject


def _new_network(scene: Scene, guess: str) -> Weighed:
    proven = [c for c in scene.causes if c.confidence is not Certainty.POSSIBLE]
    network = scene.trail.switch.name if scene.trail.switch else "its network"
    if not proven:
        return Undecided(
            guess=guess,
            why="no cause was found that is, or is not, the network's own",
            observation="whether another VM of the same network is well",
            where=scene.cloud.central_name,
            command=f"ovn-nbctl lsp-list {q(network)}   # then: viftrail why PORT",
        )
    first = proven[0]
    return RuledOut(
        guess=guess,
        because=f"{first.id} is about {_about(first)}, which a new network leaves as it is; only a "
        "new port, which comes with it, may hide it for a while",
        evidence=first.evidence[:1],
    )


def _no_valid_host(scene: Scene, guess: str) -> Weighed:
    port = scene.trail.port
    if not scene.trail.host:
        return Undecided(
            guess=guess,
            why="nobody says on which host the VM runs",
            observation="a host and no fault at the server",
            where="a shell with OpenStack admin credentials",
            command="openstack server show -c OS-EXT-SRV-ATTR:host -c fault "
            f"{q(port.server or 'SERVER')}",
        )
    return RuledOut(
        guess=guess,
        because=f"the scheduler found one: {port.label} is on {scene.trail.host}. That message is "
        "also what is left of a build that failed at its network",
    )


GUESSES: tuple[Guess, ...] = (
    Guess("restarting nova-compute would mend it", at(Stage.VIF), _restart),
    Guess("making the network anew would mend it", _of_the_network, _new_network),
    Guess("there was no valid host for it", never, _no_valid_host),
)
"""Only worth a word where something is broken."""
