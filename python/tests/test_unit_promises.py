"""Every promise that the module makes to Synapse, one test or more each."""

from __future__ import annotations

import gc
import inspect
import subprocess
import sys
import threading

import pytest
from fakes import Api, Module, finished, state, states, users_of
from synapse_presence_router import PresenceRouter

GOBBLER, ALICE, BOB, ANN = "@gobbler:example.org", "@alice:example.org", "@bob:example.org", "@ann:example.org"
ROOM = "!ops:example.org"


@pytest.fixture
def policy(tmp_path):
    return tmp_path / "presence.policy"


# "ALL" users are always keys.


def test_the_gobbler_sees_everyone_but_the_blocked(policy):
    module = Module(policy, text="send all to @gobbler\nblock @alice\n")
    assert module.interested(GOBBLER) == "ALL"
    assert module.interested(BOB) == set()
    assert module.route(BOB, ALICE, "@zed:remote.org") == {GOBBLER: {BOB, "@zed:remote.org"}}


@pytest.mark.parametrize("batch", [(), (ALICE,)], ids=["an empty batch", "only the blocked"])
def test_an_all_user_is_a_key_even_if_nothing_is_for_them(policy, batch):
    module = Module(policy, text="send all to @gobbler, @second:example.org\nblock @alice\n")
    for user in (GOBBLER, "@second:example.org"):
        assert module.interested(user) == "ALL"
    assert module.route(*batch) == {GOBBLER: set(), "@second:example.org": set()}


def test_an_all_user_is_a_key_before_being_asked(policy):
    assert Module(policy, text="send all to @gobbler\n").route() == {GOBBLER: set()}


def test_an_all_user_whom_only_a_pattern_picks_is_a_key(policy):
    module = Module(policy, text="send all to users on example.org\n")
    assert module.route() == {}
    assert module.interested("@new:example.org") == "ALL"
    assert module.route() == {"@new:example.org": set()}


def test_an_all_user_stays_a_key_when_the_policy_changes_under_a_sync(policy):
    module = Module(policy, text="send all to @gobbler\n")
    module.api._store.rooms[ROOM] = [GOBBLER, BOB]
    assert module.interested(GOBBLER) == "ALL"
    assert module.reload("@ann sees @alice\n")[0]
    # The sync in flight still reads "ALL": it must get its room mates, since Synapse does not look.
    assert module.route() == {GOBBLER: set()}
    assert module.route(ALICE, BOB) == {GOBBLER: {BOB}, ANN: {ALICE}}
    assert module.interested(GOBBLER) == set()


def test_an_all_user_stays_a_key_when_they_leave_the_room_under_a_sync(policy):
    module = Module(policy, Api(rooms={ROOM: [BOB]}), text=f"room members of {ROOM} see all\n")
    assert module.interested(BOB) == "ALL"
    module.api._store.leave(ROOM, BOB)
    assert module.route() == {BOB: set()}


def test_an_all_user_stays_a_key_when_they_are_deactivated_under_a_sync(policy):
    api = Api()
    api.tables["users"] = [(BOB,)]
    module = Module(policy, api, text="send all to users matching /@b.*/\n")
    assert module.interested(BOB) == "ALL"
    api.tables["users"] = []
    finished(module.router._facts.refresh())
    assert module.route() == {BOB: set()}


# "ALL" replaces room sharing; the module gives it back.


def test_a_blocked_room_mate_is_still_seen(policy):
    api = Api(rooms={"!any:example.org": [GOBBLER, ALICE], "!other:example.org": [BOB, "@eve:example.org"]})
    module = Module(policy, api, text="send all to @gobbler\nblock @alice, @eve\n")
    assert module.route(ALICE, BOB, "@eve:example.org") == {GOBBLER: {ALICE, BOB}}


def test_an_all_user_sees_themselves(policy):
    module = Module(policy, text="send all to @gobbler\nblock @gobbler\n")
    assert module.route(GOBBLER) == {GOBBLER: {GOBBLER}}
    assert module.route(BOB, GOBBLER) == {GOBBLER: {BOB, GOBBLER}}


def test_room_mates_of_many_all_users(policy):
    api = Api(rooms={"!any:example.org": [BOB, ALICE], "!other:example.org": [ANN, "@eve:example.org"]})
    module = Module(policy, api, text="@ann, @bob, @cid see all\nblock @alice, @eve\n")
    answer = module.route(ALICE, "@eve:example.org", "@zed:remote.org")
    zed = "@zed:remote.org"
    assert answer == {BOB: {ALICE, zed}, ANN: {"@eve:example.org", zed}, "@cid:example.org": {zed}}


def test_room_mates_hold_for_every_update_of_theirs(policy):
    module = Module(
        policy, Api(rooms={"!any:example.org": [GOBBLER, ALICE]}), text="send all to @gobbler\nblock @alice\n"
    )
    batch = states(ALICE, ALICE)
    assert module.raw(batch) == {GOBBLER: set(batch)}


def test_rooms_that_give_no_presence_give_none_here(policy):
    api = Api(rooms={"!quiet:example.org": [GOBBLER, ALICE]})

    class Options:
        rooms_to_exclude_from_presence = ["!quiet:example.org"]

    api._hs = type("Hs", (), {"config": type("Config", (), {"server": Options})})
    module = Module(policy, api, text="send all to @gobbler\nblock @alice\n")
    assert module.route(ALICE) == {GOBBLER: set()}


def test_a_set_is_exact(policy):
    # Room mates are not added here: Synapse adds them itself, and a superset would leak.
    api = Api(rooms={"!any:example.org": ["@watcher:example.org", BOB]})
    module = Module(policy, api, text="@watcher sees @alice\n")
    assert module.interested("@watcher:example.org") == {ALICE}
    assert module.route(BOB, ALICE) == {"@watcher:example.org": {ALICE}}


# Types.


def test_types(policy):
    api = Api(rooms={ROOM: [ANN]})
    module = Module(policy, api, text=f"send all to @gobbler\nblock @alice\n@watcher sees members of {ROOM}\n")
    batch = states(BOB, ALICE, ANN)
    answer = module.raw(batch)
    assert type(answer) is dict
    for recipient, given in answer.items():
        assert type(recipient) is str and type(given) is set
        assert all(any(one is mine for mine in batch) for one in given)
    assert type(module.interested("@watcher:example.org")) is set
    assert type(module.interested("@nobody:example.org")) is set
    assert type(module.interested(GOBBLER)) is str


def test_awaitables(policy):
    from twisted.internet.defer import ensureDeferred

    module = Module(policy, text="send all to @gobbler\n")
    for call in (
        lambda: module.router.get_users_for_states(states(BOB)),
        lambda: module.router.get_interested_users(GOBBLER),
    ):
        awaitable = call()
        assert inspect.isawaitable(awaitable) and not inspect.iscoroutine(awaitable)
        assert finished(awaitable) == finished(awaitable), "may be awaited twice"

        async def caller(awaitable=awaitable):
            return await awaitable

        done = []
        ensureDeferred(caller()).addCallback(done.append)
        assert done == [finished(awaitable)]


def test_awaitables_where_the_homeserver_has_to_look(policy):
    from twisted.internet.defer import Deferred, ensureDeferred

    module = Module(policy, text=f"members of {ROOM} see @alice\nsend all to @gobbler\nblock @alice from @gobbler\n")
    waiting: list[Deferred] = []

    def look(*_: object) -> Deferred:
        waiting.append(Deferred())
        return waiting[-1]

    module.router._homeserver._users_in_room = look
    results: list[object] = []
    for awaitable in (module.router.get_users_for_states(states(ALICE)), module.router.get_interested_users(BOB)):
        assert inspect.iscoroutine(awaitable)
        ensureDeferred(awaitable).addBoth(results.append)
    assert len(waiting) == 2 and not results
    for deferred in waiting:
        deferred.callback([BOB])
    assert users_of(results[0]) == {BOB: {ALICE}, GOBBLER: set()} and results[1] == {ALICE}


def test_a_failing_look_is_survived_and_the_last_known_used(policy, caplog):
    module = Module(policy, Api(rooms={ROOM: [BOB]}), text=f"members of {ROOM} see @alice\n")
    assert module.route(ALICE) == {BOB: {ALICE}}

    async def look(_: str) -> list[str]:
        raise OSError("database is away")

    module.router._homeserver._users_in_room = look
    for _ in range(3):
        assert module.route(ALICE) == {BOB: {ALICE}} and module.interested(BOB) == {ALICE}
    assert [record.levelname for record in caplog.records if "members of rooms" in record.message] == ["WARNING"]


# Keys.


def test_only_well_formed_keys(policy):
    module = Module(policy, text="all see each other\n")
    for bad in ("", "@", "bob", "@bob", "@bob:", "@b\0b:x", "@bob:exa mple", "!room:x", "@" + "b" * 300 + ":x"):
        assert module.interested(bad) == set()
        assert module.raw([state(bad)]) == {}
    assert set(module.route("@ok:example.org")) == {"@ok:example.org"}


# Sharing.


def test_recipients_with_equal_answers_share_one_set(policy):
    readers = [f"@reader{number}:example.org" for number in range(100)]
    text = "".join(f"{reader} sees @alice, @bob\n" for reader in readers) + "@other sees @bob\n"
    module = Module(policy, text=text)
    answer = module.raw(states(ALICE, BOB))
    assert len(answer) == 101
    assert len({id(answer[reader]) for reader in readers}) == 1
    assert users_of(answer)["@other:example.org"] == {BOB}


def test_interested_sets_are_the_callers_own(policy):
    module = Module(policy, text="@watcher sees @alice\n")
    first = module.interested("@watcher:example.org")
    assert module.interested("@watcher:example.org") is not first
    first.add("@intruder:example.org")
    assert module.interested("@watcher:example.org") == {ALICE}
    module.reload("@watcher sees @bob\n")
    assert module.interested("@watcher:example.org") == {BOB}


def test_large_batches_split_rightly(policy):
    module = Module(
        policy, text="send all to @gobbler\n@few sees users matching /@u[12]:.*/\n@most sees all except @u5\n"
    )
    users = [f"@u{number}:example.org" for number in range(200)]
    assert module.route(*users) == {
        GOBBLER: set(users),
        "@few:example.org": {"@u1:example.org", "@u2:example.org"},
        "@most:example.org": set(users) - {"@u5:example.org"},
    }


# Registration.


def test_the_modern_form_registers_once(policy):
    policy.write_text("send all to @gobbler\n")
    for call in (lambda c, a: PresenceRouter(c, a), lambda c, a: PresenceRouter(config=c, api=a)):
        api = Api()
        router = call(PresenceRouter.parse_config({"policy": str(policy)}), api)
        assert api.registered == [
            {
                "get_users_for_states": router.get_users_for_states,
                "get_interested_users": router.get_interested_users,
            }
        ]


def test_the_old_form_leaves_registering_to_synapse(policy):
    policy.write_text("send all to @gobbler\n")
    api = Api()
    router = PresenceRouter(config=PresenceRouter.parse_config({"policy": str(policy)}), module_api=api)
    assert api.registered == []
    assert users_of(finished(router.get_users_for_states(states(BOB)))) == {GOBBLER: {BOB}}


def test_synapses_own_loader_of_the_old_form(policy):
    from synapse.events.presence_router import PresenceRouter as SynapseRouter
    from synapse.events.presence_router import load_legacy_presence_router
    from synapse.module_api import PRESENCE_ALL_USERS

    policy.write_text("send all to @gobbler\n@watcher sees @alice\n")
    registry = SynapseRouter(None)

    class LegacyApi(Api):
        def register_presence_router_callbacks(self, **callbacks):
            registry.register_presence_router_callbacks(**callbacks)

    api = LegacyApi()

    class Server:
        presence_router_module_class = PresenceRouter
        presence_router_config = PresenceRouter.parse_config({"policy": str(policy)})

    hs = type("Hs", (), {"config": type("C", (), {"server": Server}), "get_module_api": lambda self: api})()
    load_legacy_presence_router(hs)
    assert len(registry._get_users_for_states_callbacks) == 1
    assert finished(registry.get_interested_users(GOBBLER)) == PRESENCE_ALL_USERS
    assert finished(registry.get_interested_users("@watcher:example.org")) == {ALICE}
    answer = users_of(finished(registry.get_users_for_states(states(ALICE))))
    assert answer == {GOBBLER: {ALICE}, "@watcher:example.org": {ALICE}}


def test_through_synapses_own_registry_twice(policy):
    from synapse.events.presence_router import PresenceRouter as SynapseRouter

    module = Module(policy, text="@watcher sees @alice\n")
    registry = SynapseRouter(None)
    registry.register_presence_router_callbacks(**module.api.registered[0])
    mine = module.interested("@watcher:example.org")
    theirs = finished(registry.get_interested_users("@watcher:example.org"))
    theirs.add("@watcher:example.org")  # what Synapse does with it
    assert mine == {ALICE}


# Start.


def test_parse_config_starts_no_thread(policy):
    policy.write_text("send all to @gobbler\n")
    # In a process of its own, where no other test's threads come and go.
    code = f"""
import os
from synapse_presence_router import PresenceRouter
before = set(os.listdir("/proc/self/task"))
PresenceRouter.parse_config({{"policy": {str(policy)!r}}})
assert set(os.listdir("/proc/self/task")) == before
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_watcher_starts_with_the_module_and_ends_with_it(policy):
    gc.collect()
    before = threading.active_count()
    module = Module(policy, text="send all to @gobbler\n", watch=True)
    core = module.router._core
    assert threading.active_count() == before + 1
    assert core.watch_status == "live"
    del module
    gc.collect()
    assert core.watch_status == "stopped"
    assert threading.active_count() == before


def test_the_package_imports_without_synapse_and_ends_cleanly(policy):
    policy.write_text("server example.org\nsend all to @gobbler\n")
    code = f"""
import sys
sys.modules["synapse"] = None
import synapse_presence_router as package
router = package.PresenceRouter({{"policy": {str(policy)!r}}}, api=None)
try:
    package.PresenceRouter.parse_config({{"polici": "x"}})
except Exception as error:
    print(error)
assert "synapse.module_api" not in sys.modules
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert "did you mean `policy`" in run.stdout and run.stderr == ""


def test_importing_the_package_does_not_import_synapse():
    code = """
import sys, synapse_presence_router
assert not [name for name in sys.modules if name.startswith(("synapse.", "twisted"))]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
