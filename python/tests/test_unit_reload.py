"""Reloads: what is in force, what the log says, and that nobody waits."""

from __future__ import annotations

import logging
import os
import threading
import time

import pytest
from fakes import Api, Module, finished, states, users_of

GOBBLER, ALICE, BOB = "@gobbler:example.org", "@alice:example.org", "@bob:example.org"
NAME = "synapse_presence_router"


@pytest.fixture
def policy(tmp_path):
    folder = tmp_path / "policies"
    folder.mkdir()
    return folder / "main.policy"


@pytest.fixture(autouse=True)
def all_records(caplog):
    caplog.set_level(logging.DEBUG, NAME)


def save(path, text):
    """As editors do it."""
    part = path.with_suffix(".part")
    part.write_text(text)
    os.replace(part, path)


def wait_for(what, condition, seconds=10.0):
    """The watcher says when it is done by a log record; there is no other event to wait for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError(f"waited in vain for {what}")


def records(caplog, level):
    return [record for record in caplog.records if record.name == NAME and record.levelname == level]


def test_the_start_is_one_record(policy, caplog):
    Module(policy, text="send all to @gobbler\nblock @alice\n")
    (start,) = records(caplog, "INFO")
    assert start.getMessage() == f"presence policy generation 1 is in force: {policy} (2 rules)"
    assert records(caplog, "WARNING") == []


def test_the_warnings_are_one_record(policy, caplog):
    Module(policy, text="send all to @gobbler\nsend all to @gobbler\ngroup idle = @bob\n", blacklisted_users=["@x"])
    (start,) = records(caplog, "INFO")
    assert "(4 rules" not in start.getMessage() and "(3 rules, 2 warnings)" in start.getMessage()
    assert f"{policy}, homeserver.yaml: blacklisted_users" in start.getMessage()
    (warnings,) = records(caplog, "WARNING")
    assert "duplicate-rule" in warnings.getMessage() and "unused-group" in warnings.getMessage()
    assert "main.policy:2:1" in warnings.getMessage()


def test_edits_are_noticed_in_force_and_logged(policy, caplog):
    policy.write_text("@watcher sees @alice\n")
    module = Module(policy.parent, watch=True)
    assert module.interested("@watcher:example.org") == {ALICE}
    caplog.clear()

    saved = time.monotonic()
    save(policy, "@watcher sees @bob\nsend all to @watcher2\nsend all to @watcher2\n")
    wait_for("the new policy", lambda: module.interested("@watcher:example.org") == {BOB})
    assert time.monotonic() - saved < 5
    loaded = wait_for("its record", lambda: records(caplog, "INFO"))
    assert [r.getMessage() for r in loaded] == [
        f"presence policy generation 2 is in force: {policy.parent} (3 rules, 1 warning)"
    ]
    (warning,) = wait_for("its warnings", lambda: records(caplog, "WARNING"))
    assert "duplicate-rule" in warning.getMessage()

    caplog.clear()
    save(policy, "@watcher sees @ann\nblok @bob\nblock group nobody\n")
    (error,) = wait_for("the refusal", lambda: records(caplog, "ERROR"))
    for words in ("generation 2 stays in force", "main.policy:2:1", "unknown-group", "main.policy:3:", "2 errors"):
        assert words in error.getMessage()
    assert error.threadName != "MainThread"
    assert module.interested("@watcher:example.org") == {BOB}
    assert users_of(finished(module.router.get_users_for_states(states(BOB)))) == {
        "@watcher:example.org": {BOB},
        "@watcher2:example.org": {BOB},
    }

    caplog.clear()
    save(policy, "@watcher sees @ann\n")
    wait_for("the good one", lambda: records(caplog, "INFO"))
    assert module.interested("@watcher:example.org") == {"@ann:example.org"}
    assert records(caplog, "ERROR") == []


def test_a_reload_by_hand(policy):
    module = Module(policy, text="@watcher sees @alice\n")
    core = module.router._core
    assert core.reload() is None
    loaded, generation, rules, warnings, report = module.reload("@watcher sees @bob\n@watcher sees @bob\n")
    assert (loaded, generation, rules, warnings) == (True, 2, 2, 1) and "duplicate-rule" in report
    loaded, generation, rules, warnings, report = module.reload("blok\n")
    assert (loaded, generation, rules) == (False, 2, 2) and "main.policy:1:1" in report
    assert core.generation == 2


def test_the_wait_for_a_reload_holds_nobody_up(policy):
    """The watch thread waits in the engine, and Python goes on; the end of the wait is `close`."""
    from synapse_presence_router import _core

    policy.write_text("@watcher sees @alice\n")
    core = _core.Core(str(policy), [], "example.org")
    assert core.next_reload() is None, "nothing is watched yet"
    core.watch()
    assert core.next_reload(0.01) is None
    answers = []
    thread = threading.Thread(target=lambda: answers.append(core.next_reload()))
    thread.start()
    for _ in range(1000):
        core.interested("@watcher:example.org")
    save(policy, "@watcher sees @bob\n")
    thread.join(10)
    assert answers[0][:3] == (True, 2, 1)
    thread = threading.Thread(target=lambda: answers.append(core.next_reload()))
    thread.start()
    core.close()
    thread.join(10)
    assert answers[1:] == [None] and core.watch_status == "stopped"
    assert core.interested("@watcher:example.org") == {BOB}, "answers go on"
    core.close()


def test_an_answer_is_never_from_two_policies(policy):
    """The facts are read for one generation, and the answer is of that generation."""
    module = Module(policy, Api(rooms={"!ops:example.org": [BOB]}), text="members of !ops:example.org see @alice\n")
    look, seen = module.router._homeserver._users_in_room, []

    async def change_meanwhile(room):
        if not seen:
            seen.append(module.reload("members of !new:example.org see @alice\n"))
        return await look(room)

    module.api._store.rooms["!new:example.org"] = ["@ann:example.org"]
    module.router._homeserver._users_in_room = change_meanwhile
    assert module.route(ALICE) == {"@ann:example.org": {ALICE}}
    assert seen[0][:2] == (True, 2)


def test_policies_that_change_all_the_time_still_answer(policy):
    module = Module(policy, Api(rooms={"!ops:example.org": [BOB]}), text="members of !ops:example.org see @alice\n")
    look, number = module.router._homeserver._users_in_room, iter(range(1000))

    async def change_always(room):
        module.reload(f"members of !ops:example.org see @alice\n@x{next(number)} sees @y\n")
        return await look(room)

    module.router._homeserver._users_in_room = change_always
    assert module.route(ALICE)[BOB] == {ALICE}
    assert module.interested(BOB) == {ALICE}


def test_rooms_that_a_new_policy_no_longer_names_are_forgotten(policy):
    module = Module(policy, Api(rooms={"!ops:example.org": [BOB]}), text="members of !ops:example.org see @alice\n")
    assert module.route(ALICE) == {BOB: {ALICE}}
    module.reload("all see @alice\n")
    finished(module.router._facts.refresh())
    assert module.router._facts._members == {}
    assert BOB not in module.route(ALICE)


def test_a_group_file_is_followed(policy, caplog):
    (policy.parent / "oncall.yaml").write_text('["@alice"]\n')
    module = Module(policy, text='group oncall from "oncall.yaml"\n@pager sees group oncall\n', watch=True)
    assert module.interested("@pager:example.org") == {ALICE}
    caplog.clear()
    save(policy.parent / "oncall.yaml", '["@bob"]\n')
    wait_for("the group file", lambda: records(caplog, "INFO"))
    assert module.interested("@pager:example.org") == {BOB}
