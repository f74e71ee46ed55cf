"""The case files of `policies` and `tests/cases`, asked of the module as Synapse would.

The Rust tests ask the same files of the index and of the plain meaning.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from fakes import Api, Module
from synapse.module_api import PRESENCE_ALL_USERS

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for folder in ("policies", "tests/cases") for path in (ROOT / folder).glob("*.cases.yaml"))


def test_there_are_cases():
    assert len(FILES) > 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".cases.yaml"))
def test_cases_hold(path):
    cases = yaml.safe_load(path.read_text())
    directory = cases["directory"]
    rooms = directory.get("rooms", {})
    # Where the directory names no server, no user is to be local.
    api = Api(
        server_name=directory.get("server_name", "nobody.invalid"),
        rooms={room: facts.get("members", []) for room, facts in rooms.items()},
    )
    for room, facts in rooms.items():
        for alias in facts.get("aliases", []):
            api.aliases[alias] = room
    local = f":{api.server_name}"
    api.tables["users"] = [(user,) for user in directory.get("users", []) if user.endswith(local)]
    # Synapse lists its own users; of others it knows those whose presence it was told.
    api.tables["presence_stream"] = [(user,) for user in directory.get("users", []) if not user.endswith(local)]
    module = Module(path.with_name(path.name.replace(".cases.yaml", ".policy")), api)

    for sender, recipients in cases["recipients"].items():
        found = module.route(sender)
        given = {recipient for recipient, updates in found.items() if updates}
        # Synapse's own sharing, which a policy adds to: with oneself and in rooms.
        shared = {sender}.union(*(members for members in api._store.rooms.values() if sender in members))
        assert given - shared == set(recipients) - shared, f"recipients of {sender}"
        assert given >= set(recipients), f"recipients of {sender}"
    for recipient, answer in cases["senders"].items():
        found = module.interested(recipient)
        if "only" in answer:
            assert found != PRESENCE_ALL_USERS and sorted(found) == answer["only"], f"senders for {recipient}"
        else:
            assert found == PRESENCE_ALL_USERS, f"senders for {recipient}"
