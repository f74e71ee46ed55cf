"""The case files (`tests/cases`, `policies`), the same that the Rust tests run, through both callbacks.

`NAME.cases.yaml` stands beside `NAME.policy` and holds a directory, and whole answers forward
(`recipients`) and inverse (`senders`). Each question is asked of a module of its own, since a user
once seen stays known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes import Api, Module

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("policies/*.cases.yaml"), *ROOT.glob("tests/cases/*.cases.yaml")])


class Case:
    """A case file, and who takes part in it."""

    def __init__(self, file: Path) -> None:
        content = yaml.safe_load(file.read_text())
        self.policy = Path(str(file).replace(".cases.yaml", ".policy"))
        directory = content["directory"]
        self.server_name = directory.get("server_name", "no-users.example")
        self.listed: list[str] = directory.get("users", [])
        rooms: dict[str, Any] = directory.get("rooms", {})
        self.rooms = {room: facts.get("members", []) for room, facts in rooms.items()}
        self.aliases = {alias: room for room, facts in rooms.items() for alias in facts.get("aliases", [])}
        self.recipients: dict[str, list[str]] = content["recipients"]
        self.senders: dict[str, dict[str, list[str]]] = content["senders"]
        self.asked = {*self.recipients, *self.senders}
        lists = [*self.recipients.values(), *(users for answer in self.senders.values() for users in answer.values())]
        self.people = self.asked.union(self.listed, *self.rooms.values(), *lists)

    def module(self) -> Module:
        api = Api(self.server_name, {room: list(members) for room, members in self.rooms.items()})
        api.aliases = self.aliases
        # Members of a room whom no rule needs are known to a server by their presence.
        known = {*self.listed, *(user for members in self.rooms.values() for user in members)}
        api.tables["users"] = [(user,) for user in sorted(known) if user.endswith(f":{self.server_name}")]
        api.tables["presence_stream"] = [(user,) for user in sorted(known)]
        return Module(self.policy, api)

    def share(self, a: str, b: str) -> bool:
        """What Synapse gives those who are answered with everyone, whatever the policy says."""
        return a == b or any(a in members and b in members for members in self.rooms.values())


@pytest.fixture(params=FILES, ids=lambda file: file.name.removesuffix(".cases.yaml"))
def case(request):
    return Case(request.param)


def test_there_are_cases_of_the_examples_and_of_the_language():
    assert {file.parent.name for file in FILES} == {"policies", "cases"}


def test_inverse(case):
    for recipient, answer in case.senders.items():
        found = case.module().interested(recipient)
        if "all_except" in answer:
            assert found == "ALL", recipient
        else:
            assert found == set(answer["only"]), recipient


def test_forward(case):
    for sender, recipients in case.recipients.items():
        asked = case.module()
        everyone = {user for user in case.people if asked.interested(user) == "ALL"}
        # Another one: whoever was asked about is known from then on.
        routed = case.module().route(sender)
        received = {recipient for recipient, senders in routed.items() if senders == {sender}}
        wanted = {*recipients, *(user for user in everyone if case.share(user, sender))}
        assert received == wanted, sender


def test_who_is_left_out_of_everyone_is_not_sent(case):
    for recipient, answer in case.senders.items():
        for sender in answer.get("all_except", ()):
            module = case.module()
            assert module.interested(recipient) == "ALL"
            received = module.route(sender)[recipient]
            assert received == ({sender} if case.share(recipient, sender) else set()), (recipient, sender)
