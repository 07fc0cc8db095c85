from __future__ import annotations

import contextlib
import os
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.facts.ovsdb.ovsdb_servers import create, needs_ovsdb, run, serving, short_directory
from tests.facts.ovsdb.ovsdb_zoo import SCHEMA
from viftrail.errors import FileUnreadable, NotPermitted, TlsError, Unreachable, ViftrailError
from viftrail.facts.ovsdb import Client, Remote, Tls, parse_remotes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_ovsdb


def authority(directory: Path, name: str) -> Path:
    key, certificate = directory / f"{name}-ca.key", directory / f"{name}-ca.pem"
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "2", "-subj", f"/CN={name} CA", "-keyout", key, "-out", certificate),
    )
    return certificate


def issue(directory: Path, name: str, ca: Path, *, days: str = "2") -> Tls:
    key, request = directory / f"{name}.key", directory / f"{name}.csr"
    certificate = directory / f"{name}.pem"
    run(
        *("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-subj", f"/CN={name}", "-keyout", key, "-out", request),
    )
    run(
        *("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca.with_suffix(".key")),
        *("-CAcreateserial", "-days", days, "-out", certificate),
    )
    return Tls(private_key=key, certificate=certificate, ca_cert=ca)


@contextlib.contextmanager
def tls_server(directory: Path, name: str, files: Tls) -> Iterator[Remote]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = [
        f"--remote=pssl:{port}:127.0.0.1",
        f"--private-key={files.private_key}",
        f"--certificate={files.certificate}",
        f"--ca-cert={files.ca_cert}",
    ]
    with serving(directory, create(directory, SCHEMA, name), options=options):
        yield Remote("ssl", host="127.0.0.1", port=port)


class Site:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        ca, self.other_ca = authority(directory, "site"), authority(directory, "other")
        self.server, self.client = issue(directory, "server", ca), issue(directory, "client", ca)
        self.stranger = replace(issue(directory, "stranger", self.other_ca), ca_cert=ca)
        self.remote = Remote("ssl")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with short_directory() as directory:
        made = Site(directory)
        with tls_server(directory, "tls", made.server) as made.remote:
            yield made


def fails(remote: Remote, tls: Tls | None, timeout: float = 2.0) -> ViftrailError:
    begin = time.monotonic()
    with pytest.raises(ViftrailError) as caught:
        Client.connect((remote,), database="Zoo", tls=tls, timeout=timeout)
    assert time.monotonic() - begin < timeout + 0.5
    assert caught.value.do
    return caught.value


def test_a_trusted_server(site: Site) -> None:
    with Client.connect((site.remote,), database="Zoo", tls=site.client) as client:
        assert client.endpoint.startswith("ssl:127.0.0.1:")
        assert client.schema().name == "Zoo"


def test_the_wrong_ca(site: Site) -> None:
    error = fails(site.remote, replace(site.client, ca_cert=site.other_ca))
    assert type(error) is TlsError
    assert "--ca-cert" in error.do


def test_a_client_that_the_server_does_not_know(site: Site) -> None:
    error = fails(site.remote, site.stranger)
    assert type(error) is TlsError
    assert "--certificate" in error.do


def test_an_expired_server(site: Site) -> None:
    ca = site.client.ca_cert
    # A certificate whose last day was yesterday; OpenSSL before 3.2 cannot
    # be told a date, only a number of days.
    old = issue(site.directory, "old", ca, days="-1")
    with tls_server(site.directory, "old", old) as remote:
        error = fails(remote, site.client)
    assert type(error) is TlsError
    assert "expired" in error.what


def test_a_key_of_another_certificate(site: Site) -> None:
    error = fails(site.remote, replace(site.client, private_key=site.server.private_key))
    assert type(error) is TlsError
    assert "cannot be used together" in error.what


def test_an_encrypted_key_asks_nothing(site: Site) -> None:
    locked = site.directory / "locked.key"
    key = site.client.private_key
    run("openssl", "pkey", "-in", key, "-aes128", "-passout", "pass:x", "-out", locked)
    assert type(fails(site.remote, replace(site.client, private_key=locked))) is TlsError


def test_a_file_that_is_not_there(site: Site) -> None:
    missing = site.directory / "missing.pem"
    assert type(fails(site.remote, replace(site.client, ca_cert=missing))) is FileUnreadable


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any key")
def test_a_key_of_somebody_else(site: Site) -> None:
    secret = site.directory / "secret.key"
    secret.write_text("")
    secret.chmod(0)
    assert type(fails(site.remote, replace(site.client, private_key=secret))) is NotPermitted


def test_plain_text_to_a_tls_port(site: Site) -> None:
    error = fails(replace(site.remote, kind="tcp"), None)
    assert type(error) in {TlsError, Unreachable}
    assert "ssl: instead of tcp:" in error.do


def test_tls_to_a_plain_port(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = create(site.directory, SCHEMA, "plain")
    with serving(site.directory, path, options=[f"--remote=ptcp:{port}:127.0.0.1"]):
        error = fails(Remote("ssl", host="127.0.0.1", port=port), site.client)
    assert type(error) is TlsError
    assert "tcp: instead of ssl:" in error.do


def test_a_server_that_never_shakes_hands(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = Remote("ssl", host="127.0.0.1", port=silent.getsockname()[1])
        error = fails(remote, site.client, 0.4)
    assert type(error) is Unreachable


def test_a_list_takes_the_one_that_fits(site: Site) -> None:
    remotes = (*parse_remotes("tcp:127.0.0.1:1", 1), site.remote)
    with Client.connect(remotes, database="Zoo", tls=site.client) as client:
        assert client.endpoint == str(site.remote)
