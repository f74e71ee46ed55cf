"""Facts from the homeserver: rooms, aliases, users; and servers that do not tell."""

from __future__ import annotations

import logging

import pytest
from fakes import Api, Module, NotFound, finished, states, users_of
from synapse_presence_router import PresenceRouter
from synapse_presence_router import homeserver as homeserver_file
from synapse_presence_router.complaints import MAX_KINDS, QUIET_SECONDS, Complaints

ALICE, BOB, ANN, GOBBLER = "@alice:example.org", "@bob:example.org", "@ann:example.org", "@gobbler:example.org"
OPS, NEW = "!ops:example.org", "!new:example.org"


@pytest.fixture
def policy(tmp_path):
    return tmp_path / "main.policy"


# Rooms.


def test_joins_and_leaves_hold_for_the_next_answer(policy):
    module = Module(policy, Api(rooms={OPS: [BOB]}), text=f"members of {OPS} see @alice\n@desk sees members of {OPS}\n")
    desk = "@desk:example.org"
    assert module.route(ALICE, BOB, ANN) == {BOB: {ALICE}, desk: {BOB}}
    module.api._store.join(OPS, ANN)
    assert module.interested(ANN) == {ALICE} and module.interested(desk) == {ANN, BOB}
    assert module.route(ALICE, BOB, ANN) == {BOB: {ALICE}, ANN: {ALICE}, desk: {ANN, BOB}}
    module.api._store.leave(OPS, BOB)
    assert module.route(ALICE, BOB, ANN) == {ANN: {ALICE}, desk: {ANN}}
    assert module.interested(BOB) == set() and module.interested(desk) == {ANN}


def test_only_named_rooms_are_read(policy):
    api = Api(rooms={OPS: [BOB], "!huge:example.org": [ALICE, BOB]})
    module = Module(policy, api, text=f"members of {OPS} see @alice\n")
    module.route(ALICE, BOB)
    module.interested(BOB)
    assert {room for call, room in api._store.calls if call == "get_users_in_room"} == {OPS}


def test_no_room_is_read_for_a_policy_without_rooms(policy):
    module = Module(policy, text="send all to @gobbler\n")
    module.route(ALICE)
    module.interested(GOBBLER)
    assert module.api._store.calls == []


def test_an_unchanged_room_is_handed_over_once(policy):
    module = Module(policy, Api(rooms={OPS: [BOB]}), text=f"members of {OPS} see @alice\n")
    handed = []
    core = module.router._core

    class Counting:
        def __getattr__(self, name):
            if name in ("set_room_members", "change_room_members"):
                handed.append(name)
            return getattr(core, name)

    module.router._facts._core = Counting()
    for _ in range(3):
        module.route(ALICE)
    module.api._store.join(OPS, ANN)
    for _ in range(3):
        assert module.route(ALICE) == {BOB: {ALICE}, ANN: {ALICE}}
    assert handed == ["set_room_members", "change_room_members"]


class Event:
    def __init__(self, membership):
        self.membership = membership


class PublicOnly(Api):
    """A server without the private names."""

    def __init__(self, rooms):
        super().__init__()
        self.rooms = rooms
        self.asked = 0
        del self._store

    async def get_room_state(self, room, event_filter=None):
        assert event_filter == [("m.room.member", None)]
        self.asked += 1
        return {("m.room.member", user): Event(membership) for user, membership in self.rooms.get(room, {}).items()}


def test_members_the_public_way(policy, monkeypatch):
    api = PublicOnly({OPS: {BOB: "join", ANN: "invite", "@eve:example.org": "ban", "@kim:example.org": "leave"}})
    module = Module(policy, api, text=f"members of {OPS} see @alice\n")
    for _ in range(10):
        assert module.route(ALICE) == {BOB: {ALICE}}
    assert api.asked == 1, "it costs a query, so it is used again for a moment"
    monkeypatch.setattr(homeserver_file, "PUBLIC_MEMBERS_SECONDS", 0.0)
    api.rooms[OPS][ANN] = "join"
    assert module.route(ALICE) == {BOB: {ALICE}, ANN: {ALICE}}


def test_room_mates_by_query(policy):
    api = PublicOnly({})
    api.tables["current_state_events"] = [(GOBBLER, "!any:x"), (ALICE, "!any:x"), (BOB, "!other:x")]
    module = Module(policy, api, text="send all to @gobbler\nblock @alice, @bob\n")
    assert module.route(ALICE, BOB) == {GOBBLER: {ALICE}}


def test_a_private_name_whose_meaning_changed(policy, caplog):
    api = PublicOnly({OPS: {BOB: "join"}})

    class OtherStore:
        async def get_users_in_room(self, room, required_argument):
            raise AssertionError

    api._store = OtherStore()
    module = Module(policy, api, text=f"members of {OPS} see @alice\n")
    for _ in range(3):
        assert module.route(ALICE) == {BOB: {ALICE}}
    assert len([r for r in caplog.records if "the slow one is used now" in r.message]) == 1


# Aliases.


def test_aliases_are_looked_up_behind_the_callbacks(policy):
    api = Api(rooms={OPS: [BOB], NEW: [ANN]})
    api.aliases["#ops:example.org"] = OPS
    module = Module(policy, api, text="members of #ops see @alice\n")
    assert module.route(ALICE) == {BOB: {ALICE}}
    api.aliases["#ops:example.org"] = NEW
    assert module.route(ALICE) == {BOB: {ALICE}}
    finished(module.router._facts.refresh())
    assert module.route(ALICE) == {ANN: {ALICE}}
    del api.aliases["#ops:example.org"]
    finished(module.router._facts.refresh())
    assert module.route(ALICE) == {}


def test_an_alias_of_nothing_is_nobody_and_is_logged(policy, caplog):
    module = Module(policy, text="members of #ops see @alice\n")
    for _ in range(3):
        finished(module.router._facts.refresh())
    assert module.route(ALICE) == {}
    assert len([r for r in caplog.records if "#ops:example.org" in r.message]) == 1


def test_an_alias_that_cannot_be_asked_keeps_its_room(policy, caplog):
    api = Api(rooms={OPS: [BOB]})
    api.aliases["#ops:example.org"] = OPS
    module = Module(policy, api, text="members of #ops see @alice\n")

    async def fails(alias):
        raise TimeoutError("no answer")

    api.lookup_room_alias = fails
    finished(module.router._facts.refresh())
    assert module.route(ALICE) == {BOB: {ALICE}}
    assert len([r for r in caplog.records if "could not be looked up" in r.message]) == 1


def test_another_server_is_not_asked_every_minute(policy):
    api = Api()
    asked = []

    async def look(alias):
        asked.append(alias)
        raise NotFound(alias)

    api.lookup_room_alias = look
    module = Module(policy, api, text="members of (#b:remote.org, #a:example.org) see @alice\n")
    finished(module.router._facts.refresh())
    assert asked == ["#a:example.org", "#b:remote.org", "#a:example.org"], "the server's own first"


def test_a_reload_that_names_a_new_alias_has_it_looked_up(policy):
    api = Api(rooms={OPS: [BOB]})
    api.aliases["#ops:example.org"] = OPS
    module = Module(policy, api, text="send all to @gobbler\n")
    woken = []
    module.router._homeserver.soon_from_any_thread = lambda work, name: woken.append(work)
    module.reload("members of #ops see @alice\n")
    module.router._facts.policy_changed()
    finished(woken[0]())
    assert module.route(ALICE) == {BOB: {ALICE}}


# Users.


def test_local_users_come_from_the_server(policy):
    api = Api()
    api.tables["users"] = [(BOB,), (ANN,)]
    module = Module(policy, api, text="users on example.org see @alice\n")
    assert module.route(ALICE) == {BOB: {ALICE}, ANN: {ALICE}, ALICE: {ALICE}}
    api.tables["users"] = [(ANN,), ("@kim:example.org",)]
    finished(module.router._facts.refresh())
    assert module.route(ALICE) == {ANN: {ALICE}, "@kim:example.org": {ALICE}, ALICE: {ALICE}}


def test_users_with_presence_are_known_after_a_restart(policy):
    api = Api()
    api.tables["presence_stream"] = [("@zed:remote.org",)]
    assert Module(policy, api, text="users on remote.org see @alice\n").route(ALICE) == {"@zed:remote.org": {ALICE}}


def test_users_seen_in_updates_stay_known(policy):
    module = Module(policy, text="users on remote.org see @alice\n")
    assert module.route(ALICE) == {}
    module.route("@zed:remote.org")
    assert module.route(ALICE) == {"@zed:remote.org": {ALICE}}


def test_the_background_runs_soon_and_in_every_process(policy):
    class Recording(Api):
        def run_background(self):
            pass

    module = Module(policy, Recording(), text="send all to @gobbler\n")
    assert len(module.api.soon) == 1
    ((work, msec, options),) = module.api.loops
    assert msec == 60_000 and options["run_on_all_instances"] is True and work == module.router._facts.refresh


def test_many_users_leave_room_for_others(policy):
    api = Api()
    api.tables["users"] = [(f"@u{number}:example.org",) for number in range(5000)]
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)

    api.sleep = sleep
    module = Module(policy, api, text="users on example.org see @alice\n")
    assert len(module.route(ALICE)) == 5001 and len(pauses) == 2


def test_a_database_that_fails_is_survived(policy, caplog):
    api = Api()

    async def fails(desc, func, *args):
        raise OSError("database is away")

    api.run_db_interaction = fails
    module = Module(policy, api, text="users on example.org see @alice\n")
    for _ in range(3):
        finished(module.router._facts.refresh())
    assert module.interested(BOB) == {ALICE}
    assert len([r for r in caplog.records if "local users" in r.message]) == 1


# Servers that tell nothing.


class Nothing:
    pass


class Hostile:
    def __getattr__(self, name):
        raise RuntimeError("no " + name)


@pytest.mark.parametrize("api", [None, Nothing(), Hostile(), object()], ids=lambda api: type(api).__name__)
def test_a_server_that_tells_nothing(policy, api, caplog):
    policy.write_text(f"server example.org\nsend all to @gobbler\nblock @alice\nmembers of ({OPS}, #x) see @bob\n")
    router = PresenceRouter(PresenceRouter.parse_config({"policy": str(policy)}), api)
    for _ in range(3):
        finished(router._facts.refresh())
        answer = users_of(finished(router.get_users_for_states(states(BOB, ALICE))))
        assert answer == {GOBBLER: {BOB}}
        assert finished(router.get_interested_users(GOBBLER)) == "ALL"
        assert finished(router.get_interested_users(BOB)) == set()
    complained = [r.message for r in caplog.records if r.levelno == logging.WARNING and "does not tell" in r.message]
    assert len(complained) == len(set(complained)) and len(complained) >= 3


# Complaints.


def test_complaints_come_once_and_then_seldom(caplog):
    now = [0.0]
    complaints = Complaints(lambda: now[0])
    for _ in range(5):
        complaints.say("a", "first %s", "kind")
        complaints.say("b", "second")
    assert [r.getMessage() for r in caplog.records] == ["first kind", "second"]
    now[0] = QUIET_SECONDS
    complaints.say("a", "first %s", "kind")
    assert caplog.records[-1].getMessage() == "first kind (4 more like it since the last record)"
    for number in range(MAX_KINDS * 3):
        complaints.say(str(number), "x")
    assert len(complaints._said) <= MAX_KINDS
