"""Secrets as commands, headers, statements and XML tell them."""

from __future__ import annotations

import pytest

from viftrail.facts.phrases import headers
from viftrail.facts.redaction import hidden

UUID = "457eb676-33da-42ec-9a8c-9293d545c337"
SECRET = "S3cr3t-Zq9xW"
TOLD = {
    "mysql -u root -p{0} nova": "mysql -u root -p<redacted:password> nova",
    "mariadb-dump -p'a {0}' nova": "mariadb-dump -p<redacted:password> nova",
    "['mysql', '-u', 'root', '-p{0}', 'nova']": (
        "['mysql', '-u', 'root', '-p<redacted:password>', 'nova']"
    ),
    '["mysql", "-pab\'{0}", "nova"]': '["mysql", "-p<redacted:password>", "nova"]',
    "['openstack', '--os-password', '{0}', 'server']": (
        "['openstack', '--os-password', <redacted:password>, 'server']"
    ),
    "sshpass -p {0} ssh root@host": "sshpass -p <redacted:password> ssh root@host",
    "sshpass -p{0} ssh root@host": "sshpass -p<redacted:password> ssh root@host",
    "['sshpass', '-p', 'a {0}', 'ssh']": "['sshpass', '-p', <redacted:password>, 'ssh']",
    "ipmitool -H h -p 623 -U u -P {0} power status": (
        "ipmitool -H h -p 623 -U u -P <redacted:password> power status"
    ),
    "curl -s -u admin:{0} http://192.0.2.1": "curl -s -u <redacted:password> http://192.0.2.1",
    "curl --user 'admin:a {0}' http://h": "curl --user <redacted:password> http://h",
    "['curl', '-u', 'admin:{0}']": "['curl', '-u', <redacted:password>]",
    "['podman', 'login', '-u', 'a', '-p', '{0}', 'registry']": (
        "['podman', 'login', '-u', 'a', '-p', <redacted:password>, 'registry']"
    ),
    "docker login -u a -p {0} registry": "docker login -u a -p <redacted:password> registry",
    "mysqladmin -u root password {0}": "mysqladmin -u root password <redacted:password>",
    "vrrp_auth_pass {0}": "vrrp_auth_pass <redacted:password>",
    '192.0.2.1 : PSK "{0}"': "192.0.2.1 : PSK <redacted:secret>",
    '{{"methods": ["token"], "token": {{"id": "{0}"}}}}': (
        '{"methods": ["token"], "token": {"id": "<redacted:token>"}}'
    ),
    "redis-cli -a {0} ping": "redis-cli -a <redacted:password> ping",
    "ldapsearch -x -w {0} -b dc=a": "ldapsearch -x -w <redacted:password> -b dc=a",
    "rabbitmqctl change_password nova {0}": "rabbitmqctl change_password nova <redacted:password>",
    "['rabbitmqctl', 'add_user', 'nova', '{0}']": (
        "['rabbitmqctl', 'add_user', 'nova', <redacted:password>]"
    ),
    f"virsh secret-set-value --secret {UUID} --base64 {{0}}": (
        f"virsh secret-set-value --secret {UUID} --base64 <redacted:secret>"
    ),
    f"virsh secret-set-value {UUID} {{0}}": f"virsh secret-set-value {UUID} <redacted:secret>",
    "SET PASSWORD FOR 'a'@'b' = '{0}'": "SET PASSWORD FOR 'a'@'b' = <redacted:password>",
    "IDENTIFIED BY PASSWORD '*{0}'": "IDENTIFIED BY PASSWORD <redacted:password>",
    "    auth_pass {0}": "    auth_pass <redacted:password>",
    "  stats auth admin:{0}": "  stats auth admin:<redacted:password>",
    'key "rndc-key" {{ algorithm hmac-sha256; secret "{0}"; }};': (
        'key "rndc-key" { algorithm hmac-sha256; secret <redacted:secret>; };'
    ),
    f"<secret private='yes'><uuid>{UUID}</uuid><value>{{0}}</value></secret>": (
        f"<secret private='yes'><uuid>{UUID}</uuid><value><redacted:secret></value></secret>"
    ),
    "file=rbd:vms/disk:id=cinder:key={0}:auth_supported=cephx": (
        "file=rbd:vms/disk:id=cinder:key=<redacted:secret>:auth_supported=cephx"
    ),
    "-object secret,id=sec0,data={0},format=raw": (
        "-object secret,id=sec0,data=<redacted:secret>,format=raw"
    ),
    '{{"qom-type":"secret","id":"s0","data":"{0}","format":"raw"}}': (
        '{"qom-type":"secret","id":"s0","data":"<redacted:secret>","format":"raw"}'
    ),
    '{{"payload": "{0}", "payload_content_type": "text/plain"}}': (
        '{"payload": <redacted:secret>, "payload_content_type": "text/plain"}'
    ),
    '-H \'Authorization: Digest username="u", response="{0}"\' http://h': (
        "-H 'Authorization: <redacted:token>' http://h"
    ),
    "{{'Cookie': 'a=b; session={0}', 'Host': 'h'}}": (
        "{'Cookie': '<redacted:token>', 'Host': 'h'}"
    ),
}


@pytest.mark.parametrize("told", TOLD)
def test_a_secret_is_taken_out_and_what_stands_around_it_stays(told: str) -> None:
    once = hidden(told.format(SECRET))
    assert once == TOLD[told]
    assert hidden(once) == once


def test_a_value_of_a_header_ends_with_its_line_or_its_quote() -> None:
    text = "Cookie: a=b; c=d\nHost: h"
    assert [text[start:end] for start, end in headers(text)] == ["a=b; c=d"]
    text = "-H 'Cookie: a=b; c=\"d\"' -v"
    assert [text[start:end] for start, end in headers(text)] == ['a=b; c="d"']
    assert headers("cookie=0x5, table=0") == []
    assert headers("{'cookie': 5}") == []
