"""An OpenStack on 127.0.0.1 that answers as a recorded one did, and misbehaves when it is told to.

Its answers are the JSON of ``shared/samples``; only catalogue and versions are made here.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.samples import folder

TOKEN = "token-{}"
HANGS = 20.0
"""Seconds that nobody may wait; the end of a test ends it earlier."""

CATALOG = {
    "identity": "/identity/v3",
    "compute": "/compute/v2.1",
    "network": "/network",
    "placement": "/placement",
    "image": "/image",
}


class Served:
    """The running server: what it was asked, and how it is to misbehave.

    Attributes:
        faults: by the beginning of a path, what becomes of requests there: a status, ``drop``,
            ``cut``, ``hang``, ``html``, ``drip``, or an answer of another shape.
        asked: every request, as ``GET /path?query``.
        logins: how many tokens were given out.
        valid: the tokens that are taken; who empties it makes everybody log in again.
    """

    def __init__(self, case: str) -> None:
        self.faults: dict[str, object] = {}
        self.asked: list[str] = []
        self.logins = 0
        self.valid: set[str] = set()
        self.over = threading.Event()
        self._case = folder() / case / "api"
        self._lock = threading.Lock()
        self.url = ""

    def log_in(self) -> str:
        """A new token."""
        with self._lock:
            self.logins += 1
            token = TOKEN.format(self.logins)
            self.valid.add(token)
            return token

    def fault(self, path: str) -> object:
        """How to misbehave there; the longest beginning counts."""
        begin = max((each for each in self.faults if path.startswith(each)), key=len, default="")
        return self.faults.get(begin)

    def saved(self, name: str) -> dict[str, Any] | None:
        """An answer of the recorded cloud."""
        path = self._case / f"{name}.json"
        found: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
        return found

    def rows(self, name: str, key: str) -> list[dict[str, Any]]:
        return list((self.saved(name) or {}).get(key, []))

    def get(self, path: str, query: Mapping[str, str]) -> object | None:
        """The answer to a request; None: there is no such thing."""
        service, _, rest = path.lstrip("/").partition("/")
        known = {
            "identity": self._identity,
            "compute": self._compute,
            "network": self._network,
            "placement": self._placement,
            "image": self._image,
        }
        return known[service](rest.strip("/"), query) if service in known else None

    def _version(self, service: str, id_: str, path: str, least: str, most: str) -> dict[str, Any]:
        return {
            "id": id_,
            "status": "CURRENT",
            "version": most,
            "max_version": most,
            "min_version": least,
            "links": [{"rel": "self", "href": f"{self.url}/{service}/{path}"}],
        }

    def _identity(self, path: str, _: Mapping[str, str]) -> object | None:
        version = self._version("identity", "v3.14", "v3/", "", "")
        return {"": {"versions": {"values": [version]}}, "v3": {"version": version}}.get(path)

    def _compute(self, path: str, query: Mapping[str, str]) -> object | None:
        servers = self.rows("nova-servers", "servers")
        if path == "v2.1":
            return {"version": self._version("compute", "v2.1", "v2.1/", "2.1", "2.96")}
        path = path.removeprefix("v2.1/")
        whole: dict[str, object] = {
            "os-services": self.saved("nova-services"),
            "os-hypervisors/detail": self.saved("nova-hypervisors"),
            "os-aggregates": {"aggregates": []},
            "os-migrations": {"migrations": []},
            "servers/detail": {
                "servers": [
                    s
                    for s in servers
                    if re.search(query.get("name", ""), s["name"])
                    and query.get("status", s["status"]) == s["status"]
                ]
            },
        }
        if path in whole:
            return whole[path]
        _, id_, *more = path.split("/")
        found = [server for server in servers if server["id"] == id_]
        if not found:
            return None
        if not more:
            return {"server": found[0]}
        if len(more) == 1:
            actions = self.rows("server-actions", "instanceActions")
            return {"instanceActions": [a for a in actions if a["instance_uuid"] == id_]}
        return self.saved(f"server-action-create-{more[1]}")

    def _network(self, path: str, query: Mapping[str, str]) -> object | None:
        if path in ("", "v2.0"):
            return {"versions": [self._version("network", "v2.0", "v2.0/", "", "")]}
        kind, _, id_ = path.removeprefix("v2.0/").partition("/")
        rows = self.rows(f"neutron-{kind}", kind)
        if id_:
            return next(({kind.removesuffix("s"): row} for row in rows if row["id"] == id_), None)
        address = query.get("fixed_ips", "").removeprefix("ip_address=")
        if address:
            rows = [
                row
                for row in rows
                if address in [fixed["ip_address"] for fixed in row.get("fixed_ips", [])]
            ]
        wanted = {key: value for key, value in query.items() if key != "fixed_ips"}
        return {kind: [r for r in rows if all(r.get(k) == v for k, v in wanted.items())]}

    def _placement(self, path: str, _: Mapping[str, str]) -> object | None:
        if not path:
            return {"versions": [self._version("placement", "v1.0", "", "1.0", "1.39")]}
        if path == "resource_providers":
            return self.saved("placement-resource_providers")
        if path == "allocation_candidates":
            return {"allocation_requests": [], "provider_summaries": {}}
        uuid, part = path.split("/")[1:]
        rows = self.rows("placement-resource_providers", "resource_providers")
        (name,) = (row["name"] for row in rows if row["uuid"] == uuid)
        parts: dict[str, object] = {
            "inventories": self.saved(f"placement-inv-{name}"),
            "usages": self.saved(f"placement-usages-{name}"),
            "traits": {"traits": []},
            "aggregates": {"aggregates": [], "resource_provider_generation": 1},
            "allocations": {"allocations": {}},
        }
        return parts[part]

    def _image(self, path: str, _: Mapping[str, str]) -> object | None:
        if path in ("", "v2"):
            return {"versions": [self._version("image", "v2.16", "v2/", "", "")]}
        images = self.rows("glance-images", "images")
        return next((row for row in images if path == f"v2/images/{row['id']}"), None)

    def token(self) -> dict[str, Any]:
        """What a login brings: the catalog."""
        catalog = [
            {
                "type": kind,
                "name": kind,
                "id": kind,
                "endpoints": [
                    {
                        "id": f"{kind}-{interface}",
                        "interface": interface,
                        "region": "RegionOne",
                        "region_id": "RegionOne",
                        "url": self.url + path,
                    }
                    for interface in ("public", "internal", "admin")
                ],
            }
            for kind, path in CATALOG.items()
        ]
        return {
            "token": {
                "methods": ["password"],
                "expires_at": "2099-01-01T00:00:00.000000Z",
                "issued_at": "2026-01-01T00:00:00.000000Z",
                "user": {"id": "u", "name": "admin", "domain": {"id": "default", "name": "D"}},
                "project": {"id": "p", "name": "admin", "domain": {"id": "default", "name": "D"}},
                "roles": [{"id": "r", "name": "admin"}],
                "catalog": catalog,
            }
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    played: Served

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer("POST")

    def _answer(self, method: str) -> None:
        played = self.played
        split = urlsplit(self.path)
        played.asked.append(f"{method} {self.path}")
        if self._misbehaves(played.fault(split.path)):
            return
        if method == "POST" and split.path.rstrip("/") == "/identity/v3/auth/tokens":
            self._say(201, played.token(), {"X-Subject-Token": played.log_in()})
            return
        rest = split.path.removeprefix(CATALOG["compute"]).strip("/")
        is_version = split.path.startswith("/identity") or rest in (
            "", "network", "network/v2.0", "placement", "image", "image/v2"
        )  # fmt: skip
        if not is_version and self.headers.get("X-Auth-Token") not in played.valid:
            self._say(401, {"error": {"code": 401, "message": "The token has expired."}})
            return
        query = {key: values[0] for key, values in parse_qs(split.query).items()}
        found = played.get(split.path, {k: v for k, v in query.items() if k != "all_tenants"})
        if found is None:
            self._say(404, {"error": {"code": 404, "message": "There is none."}})
        else:
            self._say(200, found)

    def _misbehaves(self, fault: object) -> bool:
        if fault is None:
            return False
        if isinstance(fault, int):
            self._say(fault, {"error": {"code": fault, "message": "So it shall be."}})
        elif fault == "drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault == "cut":
            self._head(200, "application/json", 1000)
            self.wfile.write(b'{"services": [')
            self.close_connection = True
        elif fault == "hang":
            self.played.over.wait(HANGS)
            self.close_connection = True
        elif fault == "drip":
            self._head(200, "application/json", 1000)
            for _ in range(int(HANGS / 0.1)):
                self.wfile.write(b" ")
                if self.played.over.wait(0.1):
                    break
            self.close_connection = True
        elif fault == "html":
            body = b"<html><body>Log in to the portal</body></html>"
            self._head(200, "text/html", len(body))
            self.wfile.write(body)
        else:
            self._say(200, fault)
        return True

    def _head(
        self, status: int, kind: str, length: int, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _say(
        self, status: int, answer: object, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        body = json.dumps(answer).encode()
        self._head(status, "application/json", len(body), headers)
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A client that hung up first is no news."""


@contextmanager
def serving(case: str) -> Iterator[Served]:
    """This recorded case, served."""
    played = Served(case)
    handler = type("Handler", (_Handler,), {"played": played})
    server = _Server(("127.0.0.1", 0), handler)
    played.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield played
    finally:
        played.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def credentials(where: Path, url: str) -> dict[str, str]:
    """A clouds.yaml for this server, and the environment that names it."""
    file = where / "clouds.yaml"
    file.write_text(
        "clouds:\n"
        "  here:\n"
        "    auth:\n"
        f"      auth_url: {url}/identity/v3\n"
        "      username: admin\n"
        "      password: secret\n"
        "      project_name: admin\n"
        "      user_domain_id: default\n"
        "      project_domain_id: default\n"
        "    region_name: RegionOne\n"
    )
    return {"OS_CLIENT_CONFIG_FILE": str(file), "OS_CLOUD": "here"}
