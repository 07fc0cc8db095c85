"""subnet-without-gateway."""

from __future__ import annotations

import msgspec

from tests.cloud import accused, ask, edit, healthy
from viftrail.audit import audit
from viftrail.facts.facts import Facts
from viftrail.facts.northbound import DHCPOptions, LogicalSwitchPort

ROUTES = "classless_static_route"
SERVICE = "169.254.169.254/32,10.0.0.2"


def routes(*, router: str = "", static: str = "") -> Facts:
    """Every subnet's DHCP options with these routes only."""
    told = {key: v for key, v in (("router", router), ("classless_static_route", static)) if v}
    return edit(
        healthy(),
        DHCPOptions,
        lambda row: msgspec.structs.replace(
            row,
            options={
                **{k: v for k, v in row.options.items() if k not in ("router", ROUTES)},
                **told,
            },
        ),
    )


def test_a_subnet_without_gateway_is_told_where_a_router_is() -> None:
    (cause,) = ask(routes(static=f"{{{SERVICE}}}")).causes
    assert cause.id == "subnet-without-gateway"
    (step,) = cause.remedy.steps
    assert "options:router=10.0.0.1 " in step.command
    assert f"{{{SERVICE}, 0.0.0.0/0,10.0.0.1}}" in step.command


def test_option_121_without_a_default_route_makes_the_router_option_useless() -> None:
    assert accused(ask(routes(router="10.0.0.1", static=f"{{{SERVICE}}}"))) == {
        "subnet-without-gateway"
    }


def test_either_option_alone_may_give_the_default_route() -> None:
    assert accused(ask(routes(router="10.0.0.1"))) == set()
    assert accused(ask(routes(static="{0.0.0.0/0,10.0.0.1}"))) == set()


def test_a_network_without_router_needs_no_default_route() -> None:
    facts = edit(routes(), LogicalSwitchPort, lambda row: None if row.type == "router" else row)
    assert "subnet-without-gateway" not in accused(ask(facts))


def test_it_may_be_the_second_network_of_a_vm_with_two() -> None:
    facts = routes(static=f"{{{SERVICE}}}")
    assert audit(facts).groups == ()
    assert [group.id for group in audit(facts, only="subnet-without-gateway").groups] == [
        "subnet-without-gateway"
    ]
