"""Which faults go where: spread over the cloud, the same for the same seed."""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from viftrail.errors import UsageError
from viftrail.lab.synth import fleet, mistakes
from viftrail.lab.synth.compose import NB_CFG
from viftrail.lab.synth.mistakes import Pick, Planted
from viftrail.lab.synth.plan import TUNNELS, Host

if TYPE_CHECKING:
    from viftrail.lab.synth.draft import Draft, Tables
    from viftrail.lab.synth.plan import Plan

Mistake = Callable[["Draft", Pick], Planted | None]

#: Milliseconds that a stale row has not been touched for.
_STALE: Final = 3 * 86_400_000
_BEHIND: Final = 7

#: One port each; several may be in one tenant.
OF_PORTS: Final[tuple[Mistake, ...]] = (
    mistakes.lsp_missing,
    mistakes.lsp_orphaned,
    mistakes.addresses_drifted,
    mistakes.addresses_doubled,
    mistakes.port_disabled,
    mistakes.dhcp_missing,
    mistakes.groups_lost,
    mistakes.group_drifted,
    mistakes.binding_lost,
    mistakes.binding_unclaimed,
    mistakes.binding_misclaimed,
)
#: One floating IP each, so only behind routers.
OF_FLOATING_IPS: Final[tuple[Mistake, ...]] = (mistakes.nat_missing, mistakes.nat_orphaned)
#: A whole router; the tenant gets no other.
OF_ROUTERS: Final[tuple[Mistake, ...]] = (
    mistakes.gateway_unscheduled,
    mistakes.gateway_gone,
    mistakes.gateway_stale,
    mistakes.dhcp_incomplete,
)
#: A whole network on a VLAN.
OF_VLANS: Final[tuple[Mistake, ...]] = (mistakes.localnet_lost,)
_SEVERED: Final = "tunnel-encap-type-mismatch"
#: A chassis, by the name of the fault.
OF_HOSTS: Final = (
    "chassis-stale-same-hostname",
    "chassis-private-ghost",
    _SEVERED,
    "controller-flow-lag",
)


@dataclass(frozen=True)
class _Place:
    """A sort of places, the kinds that go there, and how many there is room for."""

    kinds: tuple[Mistake | str, ...]
    room: int


class Planting:
    """The faults of one cloud, before and while they are planted."""

    def __init__(self, plan: Plan, count: int) -> None:
        """Decides on ``count`` faults.

        Raises:
            UsageError: the cloud has not room for so many.
        """
        self.planted: list[Planted] = []
        self._plan = plan
        self._draw = plan.ids("plant").random
        routed = [index for index in range(len(plan)) if plan.is_routed(index)]
        vlans = [index for index in range(len(plan)) if not plan.is_routed(index)]
        self._draw.shuffle(routed)
        self._draw.shuffle(vlans)
        self._whole = {"router": routed[: len(routed) // 2], "vlan": vlans[: -(-len(vlans) // 2)]}
        self._rest = [*routed[len(routed) // 2 :], *vlans[-(-len(vlans) // 2) :]]
        self._draw.shuffle(self._rest)
        self._places = (
            _Place(OF_PORTS + OF_FLOATING_IPS, plan.ports * len(self._rest) // len(plan) // 10),
            _Place(OF_ROUTERS, len(self._whole["router"])),
            _Place(OF_VLANS, len(self._whole["vlan"])),
            _Place(OF_HOSTS, max(0, len(plan.computes) // 2 - 1)),
        )
        self._last = max(self._rest)
        self._by_tenant: dict[int, list[Mistake]] = defaultdict(list)
        self._hosts: dict[str, str] = {}
        self._waiting: deque[Mistake] = deque()
        self._assign(self._chosen(count))
        self._severed: dict[str, list[str]] = {
            host: [] for host, kind in self._hosts.items() if kind == _SEVERED
        }
        self._pick = Pick(self._draw, plan.computes, self._hosts)

    def _chosen(self, count: int) -> list[Mistake | str]:
        """The kinds, each as often as any other while there is room."""
        room = [place.room for place in self._places]
        if sum(room) < count:
            raise UsageError(
                f"A cloud of {self._plan.ports} ports has no room for {count} faults.",
                f"Plant at most {sum(room)}, or make it larger.",
            )
        kinds = [(kind, at) for at, place in enumerate(self._places) for kind in place.kinds]
        self._draw.shuffle(kinds)
        chosen: list[Mistake | str] = []
        while len(chosen) < count:
            for kind, at in kinds:
                if room[at] and len(chosen) < count:
                    room[at] -= 1
                    chosen.append(kind)
        return chosen

    def _assign(self, chosen: list[Mistake | str]) -> None:
        """Gives each fault its tenant or host."""
        hosts = [host.name for host in self._plan.computes]
        self._draw.shuffle(hosts)
        routers, vlans = iter(self._whole["router"]), iter(self._whole["vlan"])
        anywhere = itertools.cycle(self._rest)
        behind_routers = itertools.cycle(list(filter(self._plan.is_routed, self._rest)))
        for kind in chosen:
            if isinstance(kind, str):
                self._hosts[hosts.pop()] = kind
            elif kind in OF_ROUTERS:
                self._by_tenant[next(routers)].append(kind)
            elif kind in OF_VLANS:
                self._by_tenant[next(vlans)].append(kind)
            elif kind in OF_FLOATING_IPS:
                self._by_tenant[next(behind_routers)].append(kind)
            else:
                self._by_tenant[next(anywhere)].append(kind)

    def tenant(self, draft: Draft) -> None:
        """Plants what this tenant gets, and what found no place in one before."""
        index = draft.tenancy.index
        if self._severed:
            for guest in draft.tenancy.guests:
                if guest.vm.host in self._severed:
                    self._severed[guest.vm.host].append(guest.vm.port_id)
        mine = self._by_tenant.pop(index, [])
        if index in self._rest:
            mine += self._waiting
            self._waiting.clear()
        for mistake in mine:
            planted = mistake(draft, self._pick)
            if planted is None and index == self._last:  # rather another fault than none
                others = (other(draft, self._pick) for other in OF_PORTS)
                planted = next((each for each in others if each), None)
            if planted is None:
                self._waiting.append(mistake)
            else:
                self.planted.append(planted)

    def finish(self) -> tuple[Planted, ...]:
        """All that was planted.

        Raises:
            UsageError: some found no place.
        """
        if self._waiting:
            names = ", ".join(sorted({mistake.__name__ for mistake in self._waiting}))
            raise UsageError(
                f"No place is left for {len(self._waiting)} faults: {names}.",
                "Plant fewer, or choose another --seed.",
            )
        for number, (name, kind) in enumerate(self._hosts.items()):
            self.planted.append(_of_host(kind, self._ghost(name, number), self._severed))
        return tuple(sorted(self.planted, key=lambda each: (each.fault, each.subject)))

    # Chassis ------------------------------------------------------------------

    def fleet(self, moment: int) -> Tables:
        """The rows of all chassis, with what is wrong with them."""
        tables: Tables = {}
        ids = self._plan.ids("fleet")
        for host in self._plan.hosts:
            kind = self._hosts.get(host.name, "")
            stale = kind == "controller-flow-lag"
            fleet.register(
                tables,
                host,
                ids,
                moment - _STALE if stale else moment,
                nb_cfg=NB_CFG - _BEHIND if stale else NB_CFG,
                encap="stt" if kind == _SEVERED else "geneve",
            )
        old, behind = moment - _STALE, NB_CFG - _BEHIND
        for number, (name, kind) in enumerate(self._hosts.items()):
            ghost = self._ghost(name, number)
            extra = self._plan.ids(f"rows of ghost/{number}")
            if kind == "chassis-stale-same-hostname":
                fleet.register(tables, ghost, extra, old, nb_cfg=behind)
            elif kind == "chassis-private-ghost":
                row = fleet.private(ghost, old, behind, extra.uuid())
                tables.setdefault("Chassis_Private", {})[ghost.uuid] = row
        return tables

    def _ghost(self, name: str, number: int) -> Host:
        """A chassis that is no more, with the hostname of one that is."""
        ids = self._plan.ids(f"ghost/{number}")
        return Host(name, ids.uuid(), ids.uuid(), str(TUNNELS[TUNNELS.num_addresses - 2 - number]))


def _of_host(kind: str, ghost: Host, severed: dict[str, list[str]]) -> Planted:
    what = {
        "chassis-stale-same-hostname": f"Chassis {ghost.system_id} ({ghost.tunnel_ip}) has the "
        "same hostname as a living one",
        "chassis-private-ghost": f"Chassis_Private {ghost.system_id} belongs to no Chassis",
        _SEVERED: "its only Encap is stt; all others are geneve",
        "controller-flow-lag": f"nb_cfg is {_BEHIND} behind, for {_STALE // 3_600_000} hours",
    }
    subject = ghost.system_id if kind == "chassis-private-ghost" else ghost.name
    victims = severed.get(ghost.name, []) if kind == _SEVERED else []
    return Planted(kind, f"host {subject}", tuple(victims), what[kind])
