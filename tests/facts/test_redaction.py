"""No secret gets past the redactor, and nothing that diagnosis needs is lost to it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import folder, opened
from viftrail.facts.redaction import Redactor, hidden, kind_of, mark

FERNET = "gAAAAABnPz4AqYw_3kD0abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ=="
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0"
CEPHX = "AQBSdFhcr6oVBRAAQ3Zf0QmYQh1NpYb9kQ2x7w=="[:38] + "=="
PEM = "-----BEGIN {0}PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEF\n-----END {0}PRIVATE KEY-----"

SECRET = "S3cr3t-Zq9xW"
SEEDED = (
    "rabbit_password = {0}",
    "password={0}&user=nova",
    "password=<{0}>",
    "password=x;{0}<{0}",
    "DEFAULT.transport_url = rabbit://nova:{0}@192.0.2.1:5672,nova:{0}@192.0.2.2:5672//",
    "connection=mysql+pymysql://nova:{0}@192.0.2.1/nova?charset=utf8",
    "mysql://nova:{0}@@192.0.2.1/nova",
    "amqp://{0}@host/",
    '{{"auth": {{"password": "{0}", "user": "nova"}}}}',
    "{{'adminPass': '{0}', 'name': 'vm1'}}",
    'body: {{\\"adminPass\\": \\"{0}\\", \\"name\\": \\"vm1\\"}}',
    "{{u'auth_password': u'{0}'}}",
    "X-Auth-Token: {0}",
    "curl -H 'X-Subject-Token: {0}' http://192.0.2.1:5000/v3",
    "Authorization: Bearer {0}",
    "Authorization: Basic {0}",
    "openstack --os-password {0} --os-username admin server list",
    "OS_PASSWORD={0} openstack server list",
    "mysqldump -u root -p{0} nova",
    "openssl rsa -passin pass:{0}",
    "metadata_proxy_shared_secret={0}",
    "memcache_secret_key = {0}",
    "options:psk={0}",
    "<graphics type='vnc' port='5900' passwd='{0}'/>",
    "<password>{0}</password>",
    "ALTER USER nova IDENTIFIED BY '{0}'",
    "  password: {0} with blanks {0}",
    "node.session.auth.password = {0}",
    "#cloud-config\npassword: x\nruncmd:\n - echo {0}",
    "user_data: #!/bin/sh\necho {0}\n",
    "root:$6$saltsalt${0}{0}:19000:0:99999",
    "heartbeat_key = {0}",
    "heartbeat_key={0}",
    "kek = '{0}'",
    "fixed_key = {0}",
    "hmac_keys = {0}",
    "memcached_key={0}",
    "secret_key_base={0}",
    "auth_key = {0}",
    "barbican_crypto_key: {0}",
    "designate_rndc_key: {0}",
    "swift_hash_path_suffix: {0}",
    "approle_secret_id = {0}",
    "root_token_id = {0}",
    "password_all_group_samples = {0}",
    "ssl_key_password = {0}",
    "rpc_db_password={0}",
    "X-Subject-Token: {0}",
    "OS-TOKEN: {0}",
    "http://192.0.2.1:6080/vnc_auto.html?path=%3Ftoken%3D{0}",
    "GET /vnc_auto.html?path=%253Ftoken%253D{0} HTTP/1.1",
    "password%22%3A%22{0}",
    "url='http://192.0.2.1/?password={0}', method='GET'",
    '{{"url":"http://192.0.2.1/?token={0}","name":"vm1"}}',
    "password=ab'{0}",
    "'why': 'password=ab\"{0}', 'name': 'vm1'",
    "-w ab --os-password 'ab {0}' server list",
    '--os-password "ab {0}" server list',
    "--os-password ab<{0} server list",
    "['openstack', '--os-password', 'ab {0}', 'server', 'list']",
    '["openstack", "--os-token", "{0}", "server"]',
    '\\"--os-password\\", \\"{0}\\", \\"server\\"',
    'Authorization: Digest username="u", realm="r", nonce="n", response="{0}"',
    "Authorization: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature={0}",
    "'Authorization': 'Digest username=\"u\", response=\"{0}\"', 'Host': 'h'",
    'curl -H \'Authorization: Digest username="u", response="{0}"\' http://192.0.2.1',
    "Cookie: a=b; session={0}",
    "Set-Cookie: session={0}; path=/",
    "{{'cookie': 'session={0}'}}",
    "private_key = /9j{0}/aLongKeyThatHasNoEndingAndNoDotInIt=",
    "private_key = /{0}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=",
    "wsrep_sst_auth=root:{0}",
    "bind_pw = {0}",
    "requirepass : {0}",
    "--os-password = {0}",
    "snmp_community = {0}",
    "fernet key 0 is {0:A<41}9z=",
    "'fernet_keys': ['{0:A<41}9z=', '{0:A<41}9z=']",
    "'HTTP_AUTHORIZATION': 'Basic {0}'",
    "'HTTP_COOKIE': 'a=b; session={0}'",
    '{{"server": {{"adminPass": "{0}", "config_drive": "True"}}}}',
    '<entry name=\'opt/com.coreos/config\'>{{"ignition": {{}}, "x": "{0}"}}</entry>',
    "virsh secret-set-value --base64 {0} --secret 457eb676-33da-42ec-9a8c-9293d545c337",
    '{{"ignition": {{"version": "3.3.0"}}, "passwd": {{"users": [{{"x": "{0}"}}]}}}}',
    '{{"OS-EXT-SRV-ATTR:user_data": "H4sI{0}"}}',
)


@pytest.mark.parametrize("text", SEEDED)
def test_what_is_called_a_secret_is_taken_out(text: str) -> None:
    shown = hidden(text.format(SECRET))
    assert SECRET not in shown
    assert "<redacted:" in shown


@pytest.mark.parametrize(
    "secret",
    [FERNET, JWT, CEPHX, *(PEM.format(kind) for kind in ("", "RSA ", "EC ", "OPENSSH "))],
    ids=range(7),
)
def test_what_looks_like_a_secret_is_taken_out_wherever_it_is(secret: str) -> None:
    shown = hidden(f"said {secret} at 12:00")
    assert secret not in shown
    assert "MIIE" not in shown
    assert shown.startswith("said ")
    assert shown.endswith(" at 12:00")


def test_a_key_of_which_only_an_end_is_left() -> None:
    whole = PEM.format("RSA ")
    for cut in range(len(whole) - 40):
        assert "BAQEF" not in hidden(f"{whole[cut:]} after")
    assert "MIIE" not in hidden(whole[:60])


SPARED = (
    "cookie=0x5, table=0, priority=100,in_port=4 actions=resubmit(,8)",
    "ovn-controller --private-key=/etc/openvswitch/ovn.key --certificate=/etc/openvswitch/ovn.pem",
    "ovsdb-server --private-key=db:Open_vSwitch,SSL,private_key --remote=ptcp:6640",
    "outport == @pg_665da0ed_6997_5d9d_add0_b2fa19dda7f3 && ip4 && tcp.dst == 22",
    "fa:16:3e:be:86:ea 10.0.0.11 2001:db8::11",
    "tcp:192.0.2.10:6642,ssl:[2001:db8::1]:6642",
    "http://192.0.2.1:9696/v2.0/ports?device_id=869a7886-bbee-5e9a-9dc4-778b9f145ca6",
    "qemu+ssh://root@compute1/system",
    "token_expiration = 3600",
    "rbd_secret_uuid=457eb676-33da-42ec-9a8c-9293d545c337",
    "rabbit_password = ****",
    "adminPass: <SANITIZED>",
    "password=None",
    "key=flow, csum=true",
    "a compass pointing north",
    "private_key = /etc/octavia/certs/private/server_ca.key.pem",
    "'--private-key=/etc/ovn/key_host', '--certificate=/etc/ovn/cert_host'",
    "ovn_nb_private_key = /etc/pki/tls/private/ovn",
    " cookie=0x1f, duration=5.1s, table=0, n_packets=3, priority=100 actions=drop",
    "{'cookie': 1234, 'priority': 100}",
    "table=20 (lr_in_ip_routing), priority=74, match=(ip4.dst == 10.0.0.0/24), action=(next;)",
    "no token was given, the secret was not found",
    "mkek_label = my_mkek",
    "key_pair: fernet_key_repository = /etc/keystone/fernet-keys/",
    "fernet: 7f9c2ba4e88f827d616045507605853ed73b809=",
    "curl -u http://192.0.2.1:5000/v3",
    "mysql: Lost connection to server at 'handshake'",
    "config_drive: True",
    "<disk><auth><secret type='ceph' uuid='457eb676'/></auth></disk><value>5</value>",
    "docker: login -p of nobody",
    "ds=nocloud;s=http://169.254.169.254/",
    '{"names": ["vm-secret", "6eb5833d"]}',
    '{"token":null,"name":"vm1","password":{"user":"nova"}}',
)


@pytest.mark.parametrize("text", SPARED)
def test_ids_addresses_and_paths_stay(text: str) -> None:
    assert hidden(text) == text


@given(
    st.text(st.characters(categories=("L", "N")), min_size=8, max_size=40),
    st.sampled_from(SEEDED),
    st.text(max_size=60),
    st.text(max_size=60),
)
def test_any_secret_in_any_surroundings(secret: str, way: str, before: str, after: str) -> None:
    secret = f"Zq9{secret}"
    text = f"{before}\n{way.format(secret)}\n{after}"
    shown = hidden(text)
    assert secret not in shown
    assert hidden(shown) == shown or secret not in hidden(shown)


@given(st.text())
def test_any_text_at_all_is_survived(text: str) -> None:
    assert isinstance(hidden(text), str)


def test_what_was_hidden_stays_as_it_is() -> None:
    for text in SEEDED:
        once = hidden(text.format(SECRET))
        assert hidden(once) == once


HOSTILE = (
    "-----END PRIVATE KEY-----" * 8_000,
    "a" * 200_000 + "://",
    "a://" * 50_000,
    "password" * 25_000,
    'password"' * 20_000,
    "--password " * 20_000,
    "\n" * 200_000 + "password",
    "\\" * 200_000 + "password=",
    "-----BEGIN PRIVATE KEY-----" * 5_000,
    "-----END PRIVATE KEY-----" * 500,
    "eyJ" * 60_000,
    "eyJaaaaaaaa" + "." * 100_000,
    "<password" * 20_000,
    "mysql " * 30_000,
    "$6$" * 60_000,
    "\\" * 200_000 + "authorization: x",
    "'authorization': " * 10_000,
    "cookie: a=" * 20_000,
    "sshpass " * 20_000,
    "curl -u" * 20_000,
    "add_user " * 20_000,
    "secret-set-value " * 10_000,
    "<secret>" * 20_000,
    "<secret " * 20_000,
    "secret," * 20_000,
    "rbd:" * 40_000,
    "set password " * 10_000,
    "'payload': 'a" * 10_000,
    "password=x' " * 10_000,
    "password=x" + "'" * 100_000,
    "'--password', " * 10_000,
    "fernet " + "aA" * 50_000,
    "{" * 100_000 + "ignition",
    "a " * 50_000 + "password=b'c " * 3_000,
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    hidden(text)
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("password", "password"),
        ("rabbit_password", "password"),
        ("adminPass", "password"),
        ("pass", "password"),
        ("X-Auth-Token", "token"),
        ("psk", "secret"),
        ("user_data", "user-data"),
        ("private_key", "private-key"),
        ("iface-id", ""),
        ("key", ""),
        ("token_ttl", ""),
        ("secret_uuid", ""),
        ("bypass", ""),
    ],
)
def test_a_name_tells_what_its_value_is(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_values_of_maps_go_by_their_names_in_both_spellings() -> None:
    redactor = Redactor()
    wire = ["map", [["psk", SECRET], ["remote_ip", "192.0.2.1"]]]
    assert redactor.tree(wire, "hosts/a") == ["map", [["psk", mark("secret")], wire[1][1]]]
    plain = {
        "password": SECRET,
        "port": 5,
        "more": {"admin_pass": "12345"},
        "private_key": "/k.pem",
    }
    names = {"names": ["vm-secret", "6eb5833d"], "pairs": [["vm-secret", "6eb5833d"]]}
    assert redactor.tree(names, "m") == names
    made = redactor.tree(plain, "openstack")
    assert made["password"] == mark("password") == made["more"]["admin_pass"]
    assert made["port"] == 5
    assert made["private_key"] == "/k.pem"


def test_a_secret_in_a_name_is_not_told_by_its_place() -> None:
    redactor = Redactor()
    made = redactor.tree({f"password={SECRET}": {"token": "abcdef"}}, "hosts/a")
    assert SECRET not in str(made)
    assert SECRET not in str(redactor.report)


def test_the_report_tells_what_and_where() -> None:
    redactor = Redactor()
    redactor.tree(
        [{"log": f"password={SECRET}"}, {"log": f"token={SECRET} token={SECRET}"}], "logs"
    )
    assert [(each.kind, each.place, each.count) for each in redactor.report] == [
        ("password", "logs.log", 1),
        ("token", "logs.log", 2),
    ]


def test_recorded_answers_of_openstack_lose_nothing() -> None:
    """Ids, names, faults and log lines of real clouds."""
    for case in ("s5-no-valid-host", "s4-vif-plugged-timeout", "s0-healthy-two-servers-fip"):
        for path in sorted((folder() / case).rglob("*.json")):
            text = path.read_text()
            shown = hidden(text)
            assert shown == text or "<redacted:" in shown
        assert opened(case).openstack.asked
