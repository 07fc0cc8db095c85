"""A live OpenStack, asked through openstacksdk with the operator's own credentials. Read-only.

For one target it asks for that server, its ports and what they depend on; for a server that has
no host also for what Placement offers, provider by provider, and again with one resource left out
after the other (FAULTS D.1, row 4). Every request has a time-out, and one that fails is a `Gap`.

``GET /agents`` of Neutron is never asked: ML2/OVN answers it by writing NB_Global.nb_cfg, which
every chassis then follows (neutron_agent.py, ping_all_chassis). Southbound tells the same.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
from keystoneauth1 import exceptions
from keystoneauth1.adapter import Adapter

import openstack
from openstack import exceptions as openstack_exceptions
from openstack import utils
from viftrail.errors import UsageError
from viftrail.facts.facts import Gap
from viftrail.facts.number import number
from viftrail.facts.openstack import UUID, Candidates, Flavor, OpenStack, Server
from viftrail.facts.openstack_json import Answers, candidates, server
from viftrail.facts.parallel import Crew, LeftBehindError, Task

WORKERS: Final = 8
MANY: Final = 300
"""Providers that are asked one by one; a cloud has a compute node each."""
CONSUMERS: Final = 500
"""Holders of allocations that Nova is asked for one by one."""
FAILED: Final = 20
"""The newest servers in ERROR that a bundle of the whole cloud tells of."""
ACTIONS: Final = 5
"""The newest of a server's actions whose events are asked for."""
_TRIES: Final = 3.0
"""Time-outs for one answer: which versions there are, the answer, and once more with a new token."""
_ABSENT: Final = 404
_NOVA, _NEUTRON, _PLACEMENT, _IMAGE = "compute", "network", "placement", "image"
_VERSIONS: Final = {_NOVA: "2.90", _PLACEMENT: "1.36", _NEUTRON: None, _IMAGE: None}
"""The newest micro-version that is made use of; a service that knows less is asked in its own."""
_WHOLE_ID = re.compile(UUID)
_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.IGNORECASE)
_ADMIN: Final = "Give credentials of an administrator, or of a role that may read this."


class _Refused(Exception):
    """A request that brought nothing: ``why`` and ``how``, and the HTTP status if there was one."""

    def __init__(self, why: str, how: str, status: int = 0) -> None:
        super().__init__(why)
        self.why, self.how, self.status = why, how, status


@dataclass
class _Reading:
    """What came of all requests so far."""

    answers: Answers = field(default_factory=Answers)
    gaps: dict[str, Gap] = field(default_factory=dict)
    candidates: list[Candidates] = field(default_factory=list)
    unanswered: set[str] = field(default_factory=set)

    def miss(self, place: str, refused: _Refused) -> None:
        """Note that a place was not read."""
        if refused.status == 0 or refused.status >= 500:
            self.unanswered.add(place.partition(":")[0].lower())
        self.gaps.setdefault(place, Gap(place, refused.why, refused.how))


class OpenStackApi:
    """An OpenStack that can be asked. ``enter`` is run first in each thread that talks to it."""

    def __init__(
        self,
        connect: Callable[[], Any],
        *,
        timeout: float,
        enter: Callable[[], None] = lambda: None,
    ) -> None:
        # What the SDK warns of comes as a gap; on stderr it would only frighten.
        for name in ("keystoneauth", "openstack"):
            logging.getLogger(name).addHandler(logging.NullHandler())
        self._connect = connect
        self._timeout = timeout
        self._crew = Crew(WORKERS, enter)
        self._cloud: Any = None
        self._versions: dict[str, str | None] = {}
        self._silent_since: dict[str, float] = {}
        self._given_up: set[str] = set()
        """Services that are not waited for again: asked twice in a row, they let both time out."""
        self._dripping: set[str] = set()
        """Of these, the ones that began answers and do not end them."""

    @classmethod
    def configured(
        cls,
        name: str = "",
        *,
        timeout: float = 10.0,
        enter: Callable[[], None] = lambda: None,
        environment: Mapping[str, str] | None = None,
    ) -> OpenStackApi:
        """By the conventions of every client: clouds.yaml, OS_CLOUD, OS_*.

        Args:
            name: a cloud of clouds.yaml; empty for what the environment names.
            timeout: seconds for one answer.
            enter: run in each thread that talks to it.
            environment: more of what clients take from the environment.
        """

        def connect() -> Any:
            options: dict[str, Any] = {
                "api_timeout": timeout,
                "app_name": "viftrail",
                **{
                    f"{service}_{kind}_retries": 0
                    for service in _VERSIONS
                    for kind in ("connect", "status_code")
                },
            }
            if environment:
                config = openstack.config.OpenStackConfig(
                    config_files=[environment["OS_CLIENT_CONFIG_FILE"]], load_envvars=False
                )
                region = config.get_one(cloud=environment["OS_CLOUD"], **options)
                return openstack.connection.Connection(config=region)
            return openstack.connect(cloud=name or None, **options)

        return cls(connect, timeout=timeout, enter=enter)

    def read(
        self, targets: Iterable[str], *, failed: bool = False
    ) -> tuple[OpenStack, tuple[Gap, ...]]:
        """What there is to know about these targets: servers, ports, addresses, networks.

        Args:
            targets: what was asked about.
            failed: also the newest servers in ERROR, whoever asks about them later.

        Raises:
            UsageError: the credentials are not complete, or name no cloud.
        """
        reading = _Reading()
        try:
            self._crew.begin(self._log_in).result(_TRIES * self._timeout)
        except LeftBehindError:
            reading.miss("OpenStack", self._late("identity"))
            return OpenStack(), tuple(reading.gaps.values())
        except _Refused as refused:
            reading.miss("OpenStack", refused)
            return OpenStack(), tuple(reading.gaps.values())
        servers: dict[str, Server] = {}
        for target in targets:
            for found in self._find(reading, target):
                servers[found.id] = found
        for found in self._failed(reading) if failed else ():
            servers[found.id] = found
        self._general(reading)
        for each in servers.values():
            self._about(reading, each)
        self._networks(reading)
        lost = [each for each in servers.values() if not each.host]
        if lost or any(each.status == "ERROR" for each in servers.values()):
            self._placement(reading, [each.flavor for each in lost or servers.values()])
        everything = msgspec.structs.replace(
            reading.answers.openstack(),
            candidates=tuple(reading.candidates) or None,
            lost_consumers=self._lost(reading) if lost else None,
            unanswered=tuple(sorted(reading.unanswered)),
        )
        return everything, tuple(reading.gaps.values())

    # The requests --------------------------------------------------------------

    def _find(self, reading: _Reading, target: str) -> list[Server]:
        """The servers that a target means, and the ports that it names."""
        ids = {target} if _WHOLE_ID.fullmatch(target) else set()
        asks: list[tuple[str, str, str]] = []
        if ids:
            asks.append((_NEUTRON, f"/ports/{target}", "Neutron: the port"))
            asks.append((_NEUTRON, f"/floatingips/{target}", "Neutron: the floating IP"))
        elif _MAC.fullmatch(target):
            mac = target.lower().replace("-", ":")
            asks.append((_NEUTRON, f"/ports?{urlencode({'mac_address': mac})}", "Neutron: ports"))
        elif _is_address(target):
            fixed = urlencode({"fixed_ips": f"ip_address={target}"})
            floating = urlencode({"floating_ip_address": target})
            asks.append((_NEUTRON, f"/ports?{fixed}", "Neutron: ports"))
            asks.append((_NEUTRON, f"/floatingips?{floating}", "Neutron: floating IPs"))
        else:
            name = urlencode({"name": f"^{re.escape(target)}$"})
            ids |= {row["id"] for row in self._servers(reading, f"/servers/detail?{name}")}
            asks.append((_NEUTRON, f"/ports?{urlencode({'name': target})}", "Neutron: ports"))
        for (_, path, _), answer in zip(
            asks, self._ask(reading, asks, absent_is_fine=True), strict=True
        ):
            # That nothing has this address says nothing of ports at all.
            if any(answer.values()):
                reading.answers.absorb(answer, path)
            ids |= self._owners(reading, answer)
        return self._whole(reading, sorted(ids))

    def _failed(self, reading: _Reading) -> list[Server]:
        """The newest servers in ERROR."""
        path = f"/servers/detail?status=ERROR&sort_key=created_at&sort_dir=desc&limit={FAILED}"
        return self._whole(reading, (row["id"] for row in self._servers(reading, path)))

    def _whole(self, reading: _Reading, ids: Iterable[str]) -> list[Server]:
        asks = [(_NOVA, f"/servers/{each}", "Nova: the server") for each in ids]
        answers = self._gather(reading, asks, absent_is_fine=True)
        return [server(raw) for answer in answers for raw in _rows(answer, "server") if "id" in raw]

    def _servers(self, reading: _Reading, path: str) -> list[dict[str, Any]]:
        """Of all projects where that is allowed, else of the operator's own."""
        for more in ("&all_tenants=1", ""):
            try:
                answer = self._result(_NOVA, self._begin(_NOVA, path + more))
            except _Refused as refused:
                if refused.status in (400, 403) and more:
                    continue
                reading.miss("Nova: servers", refused)
                return []
            rows = [row for row in _rows(answer, "servers") if "id" in row]
            if rows:
                return rows
        return []

    def _owners(self, reading: _Reading, answer: Any) -> set[str]:
        """The servers behind ports, or behind the ports behind floating IPs."""
        rows = _rows(answer, "port", "floatingip", "ports", "floatingips")
        ports = [row for row in rows if "mac_address" in row]
        behind = [(_NEUTRON, f"/ports/{row['port_id']}", "Neutron: the port")
                  for row in rows if "mac_address" not in row and row.get("port_id")]  # fmt: skip
        for more in self._gather(reading, behind):
            ports += _rows(more, "port")
        return {
            str(row["device_id"])
            for row in ports
            if str(row.get("device_owner", "")).startswith("compute:")
            and _WHOLE_ID.fullmatch(str(row.get("device_id")))
        }

    def _general(self, reading: _Reading) -> None:
        """What every server depends on, and what is short in any cloud."""
        self._gather(
            reading,
            [
                (_NOVA, "/os-services", "Nova: compute services"),
                (_NOVA, "/os-hypervisors/detail", "Nova: hypervisors"),
                (_NOVA, "/os-aggregates", "Nova: aggregates"),
                (_PLACEMENT, "/resource_providers", "Placement: resource providers"),
            ],
        )

    def _about(self, reading: _Reading, target: Server) -> None:
        """A server's ports, actions and allocations."""
        answers = self._gather(
            reading,
            [
                *(
                    (_IMAGE, f"/images/{each}", "Glance: the image")
                    for each in [target.image]
                    if each
                ),
                (_NEUTRON, f"/ports?device_id={target.id}", "Neutron: ports"),
                (_NOVA, f"/servers/{target.id}/os-instance-actions", "Nova: instance actions"),
                *(
                    (_NEUTRON, f"/ports/{port}", "Neutron: the port that its fault names")
                    for port in target.ports_named
                ),
            ],
            absent_is_fine=True,
        )
        actions = [each for answer in answers for each in _rows(answer, "instanceActions")]
        ports = [each for answer in answers for each in _rows(answer, "ports")]
        self._gather(
            reading,
            [
                *(
                    (
                        _NOVA,
                        f"/servers/{target.id}/os-instance-actions/{quote(str(each['request_id']))}",
                        "Nova: events of an action",
                    )
                    for each in actions[:ACTIONS]
                    if each.get("request_id")
                ),
                *(
                    (_NEUTRON, f"/floatingips?port_id={each['id']}", "Neutron: floating IPs")
                    for each in ports
                    if each.get("id")
                ),
            ],
        )

    def _networks(self, reading: _Reading) -> None:
        """The networks, subnets and routers of the ports that were found."""
        known = reading.answers.openstack()
        networks = {port.network_id for port in known.ports or () if port.network_id}
        routers = {fip.router_id for fip in known.floating_ips or () if fip.router_id}
        self._gather(
            reading,
            [
                *((_NEUTRON, f"/networks/{each}", "Neutron: the network") for each in networks),
                *(
                    (_NEUTRON, f"/subnets?network_id={each}", "Neutron: subnets")
                    for each in networks
                ),
                *((_NEUTRON, f"/routers/{each}", "Neutron: the router") for each in routers),
            ],
            absent_is_fine=True,
        )

    def _placement(self, reading: _Reading, flavors: Sequence[Flavor]) -> None:
        """Each provider's part, and what is offered with one resource less each time."""
        known = reading.answers.openstack()
        providers = [each.uuid for each in known.providers or ()]
        if len(providers) > MANY:
            reading.gaps["Placement: providers"] = Gap(
                "Placement: providers",
                f"There are {len(providers)} of them, and the first {MANY} were read.",
                "`openstack resource provider show --allocations RP` for the one in question.",
            )
        parts = ("inventories", "usages", "traits", "aggregates", "allocations")
        self._gather(
            reading,
            [
                (_PLACEMENT, f"/resource_providers/{each}/{part}", f"Placement: {part}")
                for each in providers[:MANY]
                for part in parts
            ],
        )
        for flavor in flavors[:1]:
            self._offers(reading, _resources(flavor))

    def _lost(self, reading: _Reading) -> tuple[str, ...] | None:
        """Who holds allocations, and is neither a server nor a migration; None if that is not known."""
        known = reading.answers.openstack()
        holders = {each for row in known.providers or () for each in row.allocations or ()}
        holders -= {each.id for each in known.servers or ()}
        if len(holders) > CONSUMERS:
            return None
        try:
            moving = self._result(_NOVA, self._begin(_NOVA, "/os-migrations"))
        except _Refused:
            return None
        holders -= {str(each.get("uuid")) for each in _rows(moving, "migrations")}
        tasks = {each: self._begin(_NOVA, f"/servers/{each}") for each in holders}
        lost = []
        for each, task in tasks.items():
            try:
                self._result(_NOVA, task)
            except _Refused as refused:
                if refused.status != _ABSENT:
                    return None
                lost.append(each)
        return tuple(sorted(lost))

    def _offers(self, reading: _Reading, resources: Mapping[str, int]) -> None:
        questions = [dict(resources)] + [
            {name: amount for name, amount in resources.items() if name != left_out}
            for left_out in resources
            if len(resources) > 1
        ]
        tasks = [
            self._begin(
                _PLACEMENT,
                "/allocation_candidates?limit=100&resources="
                + ",".join(f"{name}:{amount}" for name, amount in question.items()),
            )
            for question in questions
        ]
        for question, task in zip(questions, tasks, strict=True):
            try:
                found = candidates(self._result(_PLACEMENT, task), question)
            except _Refused as refused:
                reading.miss("Placement: allocation candidates", refused)
                continue
            reading.candidates += [found] if found else []

    # One request ----------------------------------------------------------------

    def _gather(
        self,
        reading: _Reading,
        asks: Sequence[tuple[str, str, str]],
        *,
        absent_is_fine: bool = False,
    ) -> list[dict[str, Any]]:
        """Ask all at once, keep what was answered, and note what was not."""
        answers = self._ask(reading, asks, absent_is_fine=absent_is_fine)
        for (_, path, _), answer in zip(asks, answers, strict=True):
            if answer:
                reading.answers.absorb(answer, path)
        return answers

    def _ask(
        self,
        reading: _Reading,
        asks: Sequence[tuple[str, str, str]],
        *,
        absent_is_fine: bool,
    ) -> list[dict[str, Any]]:
        tasks = [self._begin(service, path) for service, path, _ in asks]
        answers: list[dict[str, Any]] = []
        for (service, _, place), task in zip(asks, tasks, strict=True):
            try:
                answers.append(self._result(service, task))
            except _Refused as refused:
                if not (absent_is_fine and refused.status == _ABSENT):
                    reading.miss(place, refused)
                answers.append({})
        return answers

    def _begin(self, service: str, path: str) -> Task[dict[str, Any]]:
        return self._crew.begin(partial(self._get, service, path))

    def _result(self, service: str, task: Task[dict[str, Any]]) -> dict[str, Any]:
        """What came of it.

        A time-out of HTTP begins anew with every byte, so this bounds answers that only drip.

        Raises:
            _Refused: nothing did, for whatever reason.
        """
        try:
            return task.result(0.0 if service in self._dripping else _TRIES * self._timeout)
        except LeftBehindError:
            self._dripping.add(service)
            self._given_up.add(service)
            raise self._late(service) from None

    def _log_in(self) -> None:
        try:
            self._cloud = self._connect()
            # Not by the SDK's authorize: it says of every refusal no more than that there was one.
            self._cloud.session.get_token()
        except (
            openstack_exceptions.ConfigException,
            exceptions.MissingRequiredOptions,
            exceptions.NoMatchingPlugin,
        ) as error:
            raise UsageError(
                f"The credentials of OpenStack are not complete: {_words(error)}.",
                "Check OS_CLOUD and clouds.yaml, or the OS_* variables.",
            ) from error
        except exceptions.Unauthorized as error:
            raise _Refused(
                f"Keystone refuses these credentials: {_words(error)}.", "Check them."
            ) from error
        except (exceptions.ClientException, openstack_exceptions.SDKException) as error:
            raise _Refused(
                f"Keystone could not be asked: {_words(error)}.",
                "Check OS_AUTH_URL, and whether Keystone runs.",
            ) from error

    def _get(self, service: str, path: str) -> dict[str, Any]:
        """One answer, as it came.

        Raises:
            _Refused: there is none, for whatever reason.
        """
        if service in self._given_up:
            raise self._late(service)
        began = time.monotonic()
        try:
            adapter = self._adapter(service)
            version = self._version(service, adapter)
            # Twice, as only one of those whose token has expired gets a new one at once.
            for _ in range(2):
                answer = adapter.get(
                    path, microversion=version, raise_exc=False, timeout=self._timeout
                )
                if answer.status_code != 401:
                    break
        except exceptions.EndpointNotFound as error:
            raise _Refused(
                f"Keystone's catalog has no {service} service.", "`openstack catalog list`."
            ) from error
        except exceptions.ConnectTimeout as error:
            if began > self._silent_since.setdefault(service, time.monotonic()):
                self._given_up.add(service)
            raise self._late(service) from error
        except (exceptions.ClientException, openstack_exceptions.SDKException) as error:
            raise _Refused(
                f"The {service} API could not be asked: {_words(error)}.",
                f"See whether it runs: `openstack endpoint list --service {service}`.",
            ) from error
        self._silent_since.pop(service, None)
        if answer.status_code == 403:
            raise _Refused("These credentials may not read it.", _ADMIN, 403)
        if answer.status_code >= 400:
            raise _Refused(
                f"The {service} API answered {answer.status_code} to {path.partition('?')[0]}.",
                "Look into its log.",
                answer.status_code,
            )
        try:
            found = answer.json()
        except ValueError as error:
            raise _Refused(
                f"The {service} API answered something that is no JSON.",
                "See whether a proxy stands before it.",
            ) from error
        return found if isinstance(found, dict) else {}

    def _late(self, service: str) -> _Refused:
        return _Refused(
            f"The {service} API did not answer within {self._timeout:g} s.",
            "Look at its server, or give --timeout more seconds.",
        )

    def _adapter(self, service: str) -> Any:
        """What the service is asked through."""
        if service == _PLACEMENT:
            # The SDK's own wants to know its versions first, and of a Placement that is down it
            # says no more than that it has none.
            config = self._cloud.config
            return Adapter(
                self._cloud.session,
                service_type=service,
                interface=config.get_interface(service),
                region_name=config.get_region_name(service),
                endpoint_override=config.get_endpoint(service),
            )
        return getattr(self._cloud, service)

    def _version(self, service: str, adapter: Any) -> str | None:
        """The newest that both sides know."""
        if service not in self._versions:
            wanted = _VERSIONS[service]
            if wanted:
                wanted = utils.maximum_supported_microversion(adapter, wanted)
            self._versions[service] = wanted
        return self._versions[service]


def _resources(flavor: Flavor) -> dict[str, int]:
    """What Nova asks Placement for (nova/scheduler/utils.py, resources_from_flavor)."""
    disk = flavor.disk + flavor.ephemeral + -(-flavor.swap // 1024)
    asked = {"VCPU": flavor.vcpus, "MEMORY_MB": flavor.ram, "DISK_GB": disk}
    for key, value in flavor.extra_specs.items():
        name = key.removeprefix("resources:")
        amount = number(value)
        if name != key and amount is not None:
            asked[name] = amount
    return {name: each for name, each in asked.items() if each}


def _rows(answer: Mapping[str, Any], *keys: str) -> list[dict[str, Any]]:
    """The records under these keys, one or several; what is no record is left out."""
    found = [answer.get(key) for key in keys]
    flat = [row for each in found for row in (each if isinstance(each, list) else [each])]
    return [row for row in flat if isinstance(row, dict)]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _words(error: BaseException) -> str:
    """The first line of an exception, without a full stop at its end."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(". ")[:300]
