"""The event that nobody waited for: what `Received unexpected event network-vif-plugged` means.

It is Nova's way to say that Neutron reported a port as up while no build was waiting for it: after
a hard reboot or a start, which plug without waiting; when ovn-controller was restarted; or when
the report came after the wait was over (nova: compute/manager.py _process_instance_event).
"""

from __future__ import annotations

from viftrail.chain.saying import said
from viftrail.faults.hypothesis import Guess, Scene, Weighed, called
from viftrail.verdict import RuledOut, Undecided

OFTEN = 6
"""So many of one port within the time that was looked at are no restart: two hosts fight for it."""


def seen(scene: Scene) -> bool:
    """A log of this target's time has that line for its port."""
    return bool(scene.cloud.facts.logs.signals("unexpected-event", port=scene.trail.port.id))


def _unexpected(scene: Scene, guess: str) -> Weighed:
    signals = scene.cloud.facts.logs.signals("unexpected-event", port=scene.trail.port.id)
    plugged = [each for each in signals if each.groups.get("event") == "network-vif-plugged"]
    last = signals[-1]
    if len(plugged) >= OFTEN:
        return Undecided(
            guess=guess,
            why=f"it came {len(plugged)} times",
            observation="two hosts that claim the port in turn: `Changing chassis for lport`",
            where=scene.place,
            command=f"grep 'Changing chassis for lport {scene.trail.port.id}' "
            "/var/log/ovn/ovn-controller.log",
        )
    state = last.groups.get("vm_state", "")
    return RuledOut(
        guess=guess,
        because="it says that the port came up while nobody waited for it"
        + (f" (the server was {state})" if state else "")
        + ", as after a reboot, a start, or a restart of ovn-controller: that is a proof of the plug",
        evidence=(said(last.line),),
    )


GUESS = Guess(
    "Nova's `unexpected event` means that the plug failed", called("pb-pingpong"), _unexpected
)
