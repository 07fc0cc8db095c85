"""What a step may look like before it is run.

Steps are printed by the catalogue, but hold names from databases and hosts. A
name that brings its own shell syntax must not become a command of root's.
"""

from __future__ import annotations

import re
import shlex

_OVN = ("ovn-appctl", "ovn-nbctl", "ovn-sbctl")
_OVS = ("ovs-appctl", "ovs-ofctl", "ovs-vsctl")
_TOOLS = ("bridge", "df", "du", "grep", "ip", "nft", "systemctl", "viftrail")
_OPENSTACK = ("nova-manage", "openstack")
PROGRAMS = frozenset((*_OVN, *_OVS, *_TOOLS, *_OPENSTACK))
"""All that a remedy of the catalogue runs; none of them runs another program."""

_BLANK = re.compile(
    "AGGREGATE|DOMAIN|FLAVOR|HOST|IMAGE|LARGER|NAME|NETWORK|NIC|PEER|PORT|PROVIDER|ROUTER|SERVER|SUBNET|TRAIT"
)
"""What a remedy leaves open, as nothing that was read tells it."""

_BETWEEN = ("&&", "||", "|")
_EXPANDS = re.compile(r"[$`\\\x00-\x1f\x7f]")
_SYNTAX = frozenset("();<>|&*?[]{}~#!")


def objection(command: str) -> str:
    """Why this must be read by a human first; empty when it may be run."""
    if _EXPANDS.search(command):
        return "it holds what a shell would expand"
    lexer = shlex.shlex(command, posix=False, punctuation_chars=";<>|&()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        return "its quotes do not match"
    first = True
    for word in words:
        if word in _BETWEEN:
            first = True
        elif first and word not in PROGRAMS:
            return f"{word} is no program that a remedy runs"
        elif _BLANK.fullmatch(word):
            return f"{word} is for you to fill in"
        elif "'" not in word and '"' not in word and _SYNTAX & set(word):
            return f"{word} means something to a shell"
        else:
            first = False
    return "" if words and not first else "a command is missing"


def writes_northbound(command: str) -> bool:
    """Whether it changes rows that an owner such as Neutron would overwrite."""
    return "ovn-nbctl" in command
