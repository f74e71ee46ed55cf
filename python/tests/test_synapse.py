"""End to end: the installed package in a real, stock Synapse, judged over the client API alone.

Each server here is shared by several tests; every test brings users of its own. Nothing sleeps: that
something was *not* delivered is known from a later update that was (presence comes in order).
"""

import collections
import contextlib
import itertools
import os
import socket
import statistics
import time
from pathlib import Path

import pytest
from homeserver import LOGGER, Homeserver, User, save, wait_until

NAME = "example.test"
MODULE = f"{LOGGER}.PresenceRouter"
AT_ONCE = 1.0  # seconds: joins, leaves and edits are in force by then
WOKEN_WITHIN = 0.25  # seconds, the median: one stall of a busy machine says nothing of us

_numbers = itertools.count(1)


def modern_form(config: dict) -> dict:
    return {"modules": [{"module": MODULE, "config": config}]}


def old_form(config: dict) -> dict:
    return {"presence": {"presence_router": {"module": MODULE, "config": config}}}


@contextlib.contextmanager
def running(settings: dict, environment: dict | None = None):
    """A server that, when the tests are done with it, must have answered every request with 200."""
    with Homeserver(name=NAME, settings=settings, environment=environment) as server:
        yield server
        assert [answer for answer in server.answers if answer[2] != 200] == []
        # Synapse drops what it does not like of a module's answer, and says so here.
        assert server.records("synapse.events.presence_router") == []
        assert [r for r in server.records("synapse") if r.get("exc_type")] == []


class World:
    """A running server whose policy is a folder, and what the tests do with it."""

    def __init__(self, server: Homeserver, folder):
        self.server = server
        self.policy = folder / "main.policy"
        self.folder = folder

    def people(self, *names: str) -> list[User]:
        """New users nobody else in this file knows."""
        return [self.server.register(f"{name}{next(_numbers)}") for name in names]

    def change(self, text: str, file: str = "main.policy", level: str = "INFO") -> dict:
        """Save a file of the policy and wait until the module says what it made of it."""
        since = len(self.server.records())
        save(self.folder / file, text)
        record = self.next_record(since)
        assert record["level"] == level, record["log"]
        return record

    def next_record(self, since: int) -> dict:
        return self.server.wait_for_record(
            "what became of the new policy", lambda r: r["level"] in ("INFO", "ERROR"), since
        )


def sees(recipient: User, sender: User) -> bool:
    """Is a new update of the sender delivered to the recipient's incremental sync?

    The recipient's own later update, which is always delivered to themselves, ends the waiting.
    """
    status = f"probe {next(_numbers)}"
    since = recipient.now()
    sender.set_presence(status)
    recipient.set_presence(status)
    return recipient.sync_until(since, recipient.id, status).has(sender.id, status)


def seconds_until(what: str, condition, began: float) -> float:
    """How long after `began` the condition held; fails after AT_ONCE seconds."""
    wait_until(what, condition, began + AT_ONCE - time.monotonic())
    return time.monotonic() - began


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("policies")
    (folder / "main.policy").write_text("send all to @first\n")
    with running(modern_form({"policy": str(folder)})) as server:
        yield World(server, folder)


# ---- what a policy adds


def test_an_open_long_poll_is_woken_by_someone_who_shares_no_room(world, measured):
    gobbler, stranger = world.people("gobbler", "stranger")
    world.change(f"send all to {gobbler.short}\n")
    assert gobbler.ask("GET", "/joined_rooms")["joined_rooms"] == []
    since = gobbler.now()
    waits = []
    for number in range(20):
        poll = gobbler.long_poll(since)
        assert not poll.done()
        sent = time.monotonic()
        stranger.set_presence(f"hello {number}")
        seen = poll.answer()
        assert [(u, c["status_msg"]) for u, c in seen] == [(stranger.id, f"hello {number}")]
        waits.append(poll.answered_at - sent)
        measured("PUT of a stranger to the answer of the gobbler's long-poll", waits[-1])
        since = seen.next_batch
    assert statistics.median(waits) < WOKEN_WITHIN
    assert gobbler.sync().has(stranger.id, "hello 19")


def test_an_exact_set_gives_that_user_and_nobody_else(world):
    watcher, alice, mallory = world.people("watcher", "alice", "mallory")
    world.change(f"{watcher.short} sees {alice.short}\n")
    since = watcher.now()
    poll = watcher.long_poll(since)
    mallory.set_presence("not for you")
    alice.set_presence("for you")
    seen = poll.answer()
    assert seen.users == {alice.id}
    # The next poll starts behind both, so nothing of mallory is still on the way.
    alice.set_presence("again")
    assert watcher.sync_until(seen.next_batch, alice.id, "again").users == {alice.id}
    assert watcher.sync(since).users == {alice.id}
    assert watcher.sync().users - {watcher.id} == {alice.id}
    assert watcher.sync(since, full_state="true").users - {watcher.id} == {alice.id}
    # And it goes one way.
    assert not sees(alice, watcher)


def test_someone_hidden_from_one_recipient_is_seen_by_another(world):
    gobbler, other, alice = world.people("gobbler", "other", "alice")
    world.change(f"send all to {gobbler.short}, {other.short}\nblock {alice.short} from {gobbler.short}\n")
    assert sees(other, alice)
    assert not sees(gobbler, alice)


# ---- what a policy does not take away


def test_a_block_does_not_undo_the_sharing_of_a_room(world):
    gobbler, mate, stranger = world.people("gobbler", "mate", "stranger")
    world.change(f"send all to {gobbler.short}\nblock {mate.short}, {stranger.short}\n")
    room = gobbler.create_room()
    mate.join(room)
    assert sees(gobbler, mate)
    assert not sees(gobbler, stranger)
    assert mate.id in gobbler.sync().users
    assert stranger.id not in gobbler.sync().users
    left = time.monotonic()
    mate.leave(room)
    seconds_until("the block to hold again", lambda: not sees(gobbler, mate), left)
    assert mate.id not in gobbler.sync().users


def test_people_no_rule_names_see_their_room_mates_as_ever(world):
    gobbler, ann, bob, stranger = world.people("gobbler", "ann", "bob", "stranger")
    world.change(f"send all to {gobbler.short}\nblock {bob.short}\n")
    bob.join(ann.create_room())
    assert sees(ann, bob)
    assert not sees(ann, stranger)


# ---- rooms


@pytest.mark.parametrize("named_by", ["ID", "alias", "alias without a server"])
def test_members_of_a_room_start_and_stop_seeing_at_once(world, measured, named_by):
    owner, member, boss, other = world.people("owner", "member", "boss", "other")
    alias = f"ops{next(_numbers)}"
    room = owner.create_room(alias)
    written = {"ID": room, "alias": f"#{alias}:{NAME}", "alias without a server": f"#{alias}"}[named_by]
    world.change(f"room members of {written} see {boss.short}\n")
    # An alias is looked up in the background; the room's first member shows that it is known.
    seconds_until(f"{written} to be known", lambda: sees(owner, boss), time.monotonic())
    assert not sees(member, boss)
    for _ in range(3):
        joined = time.monotonic()
        member.join(room)
        took = seconds_until("the new member to see", lambda: sees(member, boss), joined)
        measured("a join to the new member's seeing", took)
        assert not sees(member, other)
        assert boss.id in member.sync().users
        left = time.monotonic()
        member.leave(room)
        took = seconds_until("the old member to stop seeing", lambda: not sees(member, boss), left)
        measured("a leave to the old member's not seeing", took)
        assert boss.id not in member.sync().users
    assert sees(owner, boss)


def test_what_members_of_a_room_send_follows_their_joins(world):
    owner, member, desk = world.people("owner", "member", "desk")
    room = owner.create_room()
    world.change(f"send members of {room} to {desk.short}\n")
    assert sees(desk, owner)
    assert not sees(desk, member)
    joined = time.monotonic()
    member.join(room)
    seconds_until("the new member to be seen", lambda: sees(desk, member), joined)
    assert {owner.id, member.id} <= desk.sync().users
    left = time.monotonic()
    member.leave(room)
    seconds_until("the old member to be hidden", lambda: not sees(desk, member), left)
    assert member.id not in desk.sync().users


# ---- edits


def test_an_edit_is_in_force_within_a_second(world, measured):
    watcher, alice = world.people("watcher", "alice")
    for number in range(5):
        saved = time.monotonic()
        save(world.policy, f"{watcher.short} sees {alice.short}  # {number}\n")
        took = seconds_until("the grant to be in force", lambda: sees(watcher, alice), saved)
        measured("the save of a grant to its being in force", took)
        saved = time.monotonic()
        save(world.policy, f"{watcher.short} sees {alice.short}\nblock {alice.short}  # {number}\n")
        took = seconds_until("the block to be in force", lambda: not sees(watcher, alice), saved)
        measured("the save of a block to its being in force", took)


def test_a_write_in_place_a_new_file_and_a_removed_one_are_edits_too(world):
    watcher, alice, bob = world.people("watcher", "alice", "bob")
    world.change(f"{watcher.short} sees {alice.short}\n")
    saved = time.monotonic()
    world.policy.write_text(f"{watcher.short} sees {bob.short}\n")
    seconds_until("the write in place", lambda: sees(watcher, bob) and not sees(watcher, alice), saved)
    saved = time.monotonic()
    (world.folder / "second.policy").write_text(f"{watcher.short} sees {alice.short}\n")
    seconds_until("the new file", lambda: sees(watcher, alice) and sees(watcher, bob), saved)
    saved = time.monotonic()
    os.remove(world.folder / "second.policy")
    seconds_until("the removal", lambda: sees(watcher, bob) and not sees(watcher, alice), saved)


def test_a_group_file_is_followed(world, measured):
    ann, bob, pager = world.people("ann", "bob", "pager")
    (world.folder / "oncall.yaml").write_text(f'["{ann.short}"]\n')
    world.change(f'group oncall from "oncall.yaml"\nsend group oncall to {pager.short}\n')
    assert sees(pager, ann)
    assert not sees(pager, bob)
    saved = time.monotonic()
    save(world.folder / "oncall.yaml", f'users: ["{bob.id}"]\n')
    took = seconds_until("the group file", lambda: sees(pager, bob) and not sees(pager, ann), saved)
    measured("the save of a group file to its being in force", took)
    error = world.change('users: "nobody at all"\n', "oncall.yaml", level="ERROR")
    assert "invalid-group-file" in error["log"]
    assert "oncall.yaml" in error["log"]
    assert sees(pager, bob)
    world.change(f"users: [{ann.id!r}]\n", "oncall.yaml")
    assert sees(pager, ann)


def test_a_bad_edit_changes_nothing_and_says_why_and_the_next_good_one_works(world):
    watcher, alice, bob = world.people("watcher", "alice", "bob")
    world.change(f"{watcher.short} sees {alice.short}\n")
    since = len(world.server.records())
    bad = f"{watcher.short} sees {bob.short}\nsend group nobody to {watcher.short}\nblok @bob\n"
    error = world.change(bad, level="ERROR")
    # One record with the whole report: every problem, its name and its place.
    assert "unknown-group" in error["log"]
    assert "main.policy:2:" in error["log"]
    assert "syntax" in error["log"]
    assert "main.policy:3:1" in error["log"]
    assert "blok @bob" in error["log"]
    assert sees(watcher, alice)
    assert not sees(watcher, bob)
    world.change(f"{watcher.short} sees {bob.short}\n")
    assert sees(watcher, bob)
    assert not sees(watcher, alice)
    records = world.server.records()[since:]
    assert [r["level"] for r in records if r["level"] == "ERROR"] == ["ERROR"]


def test_hostile_edits_leave_a_server_that_answers(world):
    watcher, alice = world.people("watcher", "alice")
    good = f"{watcher.short} sees {alice.short}\n"
    world.change(good)
    laughs = "- &a ['@a:x.org']\n" + "".join(
        f"- &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    (world.folder / "laughs.yaml").write_text(laughs)
    hostile = {
        "too-large": [
            "block " + "(" * 10_000 + "\n",
            "block users matching /(?:a{1000}){1000}/\n",
            "# note\n" * ((64 << 20) // 7 + 1),
        ],
        "syntax": ["(@a @b\n" * 20_000],
        "invalid-group-file": ['group g from "laughs.yaml"\nblock group g\n'],
    }
    for name, texts in hostile.items():
        for text in texts:
            error = world.change(text, level="ERROR")
            assert name in error["log"] and "\n" in error["log"]
            assert sees(watcher, alice)
    world.change(good + "\n")
    assert sees(watcher, alice)


def test_a_bad_edit_reports_the_problems_of_all_files(world):
    watcher, alice = world.people("watcher", "alice")
    since = len(world.server.records())
    save(world.policy, f"{watcher.short} sees {alice.short}\nsend all to @a:b:c:d!\n")
    world.next_record(since)
    error = world.change("block group nobody\nsend all\n", "second.policy", level="ERROR")
    for place in ("main.policy:2:", "second.policy:1:", "second.policy:2:"):
        assert place in error["log"]
    os.remove(world.folder / "second.policy")
    world.change(f"{watcher.short} sees {alice.short}\n")
    assert sees(watcher, alice)


# ---- very many who receive everyone


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """A server whose module logs what it asks the engine."""
    folder = tmp_path_factory.mktemp("counted")
    (folder / "main.policy").write_text("send all to @first\n")
    settings = {"modules": [{"module": "counted.Counted", "config": {"policy": str(folder)}}]}
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    with running(settings, {"PYTHONPATH": path}) as server:
        yield World(server, folder)


def questions(world: World) -> collections.Counter:
    return collections.Counter(record["log"] for record in world.server.records("counted"))


def test_each_sync_of_those_who_receive_everyone_is_answered_for_that_user_alone(counted):
    *gobblers, gone = counted.people(*["gobbler"] * 7)
    mate, stranger, alice = counted.people("mate", "stranger", "alice")
    names = ", ".join(gobbler.short for gobbler in [*gobblers, gone])
    hidden = f"block {mate.short}, {stranger.short}\nblock {alice.short} from {gobblers[5].short}\n"
    counted.change(f"send all to {names}\n{hidden}")
    room = mate.create_room()
    for gobbler in gobblers[:2]:
        gobbler.join(room)
    since = [gobbler.now() for gobbler in gobblers]

    before = questions(counted)
    hang_up_a_long_poll(gone, gone.now())
    polls = [gobbler.long_poll(token) for gobbler, token in zip(gobblers[:5], since, strict=False)]
    alice.set_presence("to all but one")
    assert [poll.answer().users for poll in polls] == [{alice.id}] * 5
    stranger.set_presence("to nobody")
    mate.set_presence("to those who share a room")
    alice.set_presence("again")
    for gobbler, token in zip(gobblers[:5], since, strict=False):
        seen = gobbler.sync_until(token, alice.id, "again").users
        assert seen == ({alice.id, mate.id} if gobbler in gobblers[:2] else {alice.id})
        assert gobbler.sync().users - {user.id for user in gobblers} == seen
    stranger.set_presence("still to nobody")
    gobblers[0].set_presence("to all")
    assert gobblers[5].sync_until(since[5], gobblers[0].id, "to all").users == {gobblers[0].id}

    asked = questions(counted) - before
    assert asked["route_only_for"] >= 5 + 5 + 5 + 1
    # Synapse's own questions for an update are the others, however many sync.
    before = questions(counted)
    for gobbler in gobblers:
        for query in ({}, {"full_state": "true"}):
            gobbler.sync(since[0], **query)
            gobbler.sync(**query)
    assert questions(counted) - before == {"route_only_for": 4 * len(gobblers)}


def test_federation_is_told_of_each_server_once(counted):
    alice, *gobblers = counted.people("alice", *["gobbler"] * 4)
    remote = [f"@r{number}:server{number % 2}.test" for number in range(10)]
    counted.change(f"send {alice.short} to {', '.join([*remote, *(gobbler.short for gobbler in gobblers)])}\n")
    polls = [gobbler.long_poll(gobbler.now()) for gobbler in gobblers]
    before = questions(counted)
    alice.set_presence("to other servers, too")
    assert [poll.answer().users for poll in polls] == [{alice.id}] * len(gobblers)
    # The PUT was answered after federation was told.
    told = questions(counted) - before
    assert told["to server0.test"] == told["to server1.test"] == 1


def test_nobody_is_woken_for_nothing(counted):
    *gobblers, hidden, alice = counted.people(*["gobbler"] * 4, "hidden", "alice")
    counted.change(f"send all to {', '.join(gobbler.short for gobbler in gobblers)}\nblock {hidden.short}\n")
    mate, other = gobblers[0], gobblers[1:]
    hidden.join(mate.create_room())
    polls = [gobbler.long_poll(gobbler.now()) for gobbler in gobblers]
    before = questions(counted)
    hidden.set_presence("to those who share a room")
    assert polls[0].answer().users == {hidden.id}
    alice.set_presence("to all")
    assert [poll.answer().users for poll in polls[1:]] == [{alice.id}] * len(other)
    assert (questions(counted) - before)["route_only_for"] == 1 + len(other)


def hang_up_a_long_poll(user: User, since: str) -> None:
    """Has a /sync that waits, and goes away."""
    before = user.server.open_polls()
    connection = socket.create_connection(("127.0.0.1", user.server.port))
    path = f"/_matrix/client/v3/sync?timeout=20000&set_presence=offline&since={since}"
    lines = (f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {user.token}", "", "")
    connection.sendall("\r\n".join(lines).encode())
    wait_until("a /sync to wait", lambda: user.server.open_polls() > before)
    connection.close()


# ---- Synapse's two ways to name a module, on servers where nothing has happened yet


@pytest.fixture(scope="module", params=["modules:", "presence.presence_router:"])
def gobbling(request, tmp_path_factory):
    """A server with the keys of Synapse's own example; its only user is the gobbler."""
    config = {
        "always_send_to_users": [f"@gobbler:{NAME}", f"@other_gobbler:{NAME}"],
        "blacklisted_users": [f"@hidden:{NAME}"],
    }
    if request.param != "modules:":
        # The keys and a policy are added up.
        policy = tmp_path_factory.mktemp("policy") / "one.policy"
        policy.write_text("@watcher sees @alice\n")
        config["policy"] = str(policy)
    form = modern_form if request.param == "modules:" else old_form
    with running(form(config)) as server:
        server.gobbler = server.register("gobbler")
        server.has_policy = "policy" in config
        yield server


def test_a_gobblers_sync_works_on_an_empty_server(gobbling):
    first = gobbling.gobbler.sync()
    assert list(first) == []
    second = gobbling.gobbler.sync(first.next_batch)
    assert list(gobbling.gobbler.sync(second.next_batch, timeout=0.2)) == []
    assert list(gobbling.gobbler.sync(second.next_batch, full_state="true")) == []


def test_a_gobblers_sync_works_when_only_blocked_users_changed(gobbling):
    gobbler, hidden = gobbling.gobbler, gobbling.register("hidden")
    since = gobbler.now()
    hidden.set_presence("you do not see me")
    assert list(gobbler.sync(since)) == []
    assert list(gobbler.sync()) == []
    assert list(gobbler.sync(since, full_state="true")) == []
    since = gobbler.now()
    poll = gobbler.long_poll(since, timeout=1.0)
    hidden.set_presence("nor now", presence="unavailable")
    assert list(poll.answer()) == []
    hidden.set_presence(presence="offline")
    assert list(gobbler.sync(since)) == []


def test_the_keys_of_synapses_own_example_work(gobbling):
    gobbler, hidden = gobbling.gobbler, gobbling.register("hidden2")
    alice, other = gobbling.register("alice"), gobbling.register("other_gobbler")
    poll = gobbler.long_poll(gobbler.now())
    other_poll = other.long_poll(other.now())
    alice.set_presence("hello")
    assert poll.answer().users == {alice.id}
    assert other_poll.answer().users == {alice.id}
    assert sees(gobbler, hidden)  # only the name that is on the list is hidden
    assert not sees(alice, gobbler)
    if gobbling.has_policy:
        watcher = gobbling.register("watcher")
        assert sees(watcher, alice)
        assert not sees(watcher, hidden)


# ---- a bad policy at the start


@pytest.mark.parametrize(
    ("form", "place"),
    [(modern_form, "modules.<item 0>.config"), (old_form, "presence.presence_router.config")],
    ids=["modules:", "presence.presence_router:"],
)
def test_a_bad_policy_stops_the_start_with_the_whole_report(tmp_path, form, place):
    (tmp_path / "a.policy").write_text("send all to @gobbler\nblok @alice\nblock group nobody\n")
    (tmp_path / "b.policy").write_text("@watcher sees\n")
    server = Homeserver(name=NAME, settings=form({"policy": str(tmp_path)}))
    try:
        assert server.run_to_its_end() not in (0, None)
        said = server.log_text()
    finally:
        server.stop()
    assert f"Error in configuration at '{place}" in said
    for wanted in ("a.policy:2:1", "a.policy:3:", "b.policy:1:", "syntax", "unknown-group"):
        assert wanted in said
    assert "Traceback" not in said


def test_a_misspelt_key_stops_the_start():
    server = Homeserver(name=NAME, settings=modern_form({"always_send_to_user": []}))
    try:
        assert server.run_to_its_end() not in (0, None)
        said = server.log_text()
    finally:
        server.stop()
    assert "Error in configuration at 'modules.<item 0>.config" in said
    assert "always_send_to_users" in said
    assert "Traceback" not in said
