"""What is remembered between two calls: it is used, it is true, and nobody can spoil it."""

from __future__ import annotations

import gc
import random
import threading
import weakref

import pytest
from fakes import Api, Module, finished, state, states, users_of

GOBBLER, ALICE, BOB, ANN = "@gobbler:example.org", "@alice:example.org", "@bob:example.org", "@ann:example.org"
READERS = [f"@reader{number}:example.org" for number in range(20)]
ROOM, OTHER_ROOM = "!ops:example.org", "!other:example.org"


@pytest.fixture
def policy(tmp_path):
    return tmp_path / "presence.policy"


@pytest.fixture
def module(policy):
    module = Module(policy, text=f"send all to {', '.join(READERS)}\n")
    for _ in range(3):
        assert module.route(ALICE, BOB) == dict.fromkeys(READERS, {ALICE, BOB})
    return module


def exact(module, *users):
    batch = states(*users)
    answer = module.raw(batch)
    assert type(answer) is dict and set(answer) == set(READERS)
    assert len({id(given) for given in answer.values()}) == 1
    for given in answer.values():
        assert type(given) is set and given == set(batch)
    return answer, batch


# Nobody can spoil it.


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: answer.clear(),
        lambda answer: answer.pop(READERS[0]),
        lambda answer: answer.update({"@intruder:example.org": set()}),
        lambda answer: answer.update(dict.fromkeys(READERS, {"other"})),
        lambda answer: answer[READERS[0]].clear(),
        lambda answer: answer[READERS[0]].add("intruder"),
        lambda answer: answer[READERS[0]].update([state("@intruder:example.org")]),
    ],
)
@pytest.mark.parametrize("hold", [False, True], ids=["let go", "held"])
def test_what_is_done_to_an_answer_reaches_no_other(module, spoil, hold):
    held = []
    for _ in range(4):
        answer, _ = exact(module, ALICE)
        spoil(answer)
        held += [answer] * hold
        answer, _ = exact(module, BOB, ALICE)
        spoil(answer)
        held += [answer] * hold


@pytest.mark.parametrize("keep", [lambda answer: answer, lambda answer: answer[READERS[3]]], ids=["the dict", "a set"])
def test_an_answer_that_is_held_never_changes(module, keep):
    held = []
    for number in range(10):
        answer, batch = exact(module, *[ALICE, BOB, ANN][: 1 + number % 3])
        held.append((keep(answer), batch))
        del answer
    for kept, batch in held:
        for given in kept.values() if isinstance(kept, dict) else [kept]:
            assert given == set(batch)
    assert len({id(kept) for kept, _ in held}) == 10


def test_the_same_batch_again_and_again(module):
    batch = states(ALICE, BOB, ANN)
    first = batch[0]
    held = []
    for _ in range(6):
        answer = module.raw(batch)
        assert answer == dict.fromkeys(READERS, set(batch))
        assert all(one is not None and any(one is mine for mine in batch) for one in answer[READERS[0]])
        answer[READERS[0]].clear()
        held.append(module.raw(list(batch)))
        assert held[0] == held[-1] == dict.fromkeys(READERS, set(batch))
    batch[0] = state(ALICE)
    assert module.raw(batch) == dict.fromkeys(READERS, set(batch))
    batch[0] = first
    batch.append(state(BOB))
    assert module.raw(batch) == dict.fromkeys(READERS, set(batch))
    assert len(held[0][READERS[0]]) == 3
    del batch[1:]
    assert module.raw(batch) == dict.fromkeys(READERS, {first})


# It is true.


def test_a_reload_is_in_force_at_once(module):
    for number in range(5):
        text = f"@only{number} sees @alice\nsend @bob to @other\n"
        assert module.reload(text)[0]
        for _ in range(3):
            assert module.route(ALICE) == {f"@only{number}:example.org": {ALICE}}
            assert module.route(BOB) == {"@other:example.org": {BOB}}
            assert module.route(ALICE, BOB) == {f"@only{number}:example.org": {ALICE}, "@other:example.org": {BOB}}


def test_senders_of_one_kind_who_are_asked_with_another(policy):
    module = Module(policy, text=f"send @alice, @ann to {READERS[0]}\nsend @bob to {READERS[1]}\n")
    for _ in range(3):
        assert module.route(ALICE, ANN) == {READERS[0]: {ALICE, ANN}}
        assert module.route(ALICE, BOB, ANN) == {READERS[0]: {ALICE, ANN}, READERS[1]: {BOB}}
        assert module.route("@nobody:example.org", ALICE) == {READERS[0]: {ALICE}}
        assert module.route(ALICE, "@nobody:example.org") == {READERS[0]: {ALICE}}
        assert module.route("@nobody:example.org") == {}


POLICIES = [
    "send all to @gobbler\nblock @u1\n",
    "send all except @u1 to @gobbler, @second\n",
    "send all except local users to @gobbler\n",
    "group g = all\ngroup h = group g except group g\nsend group h to @gobbler\n",
    "send all to @gobbler\nblock all from @gobbler\n",
    "send all to @gobbler\nblock all except users on remote.org from @gobbler\n",
    "all see each other\n",
    "local users see remote users\n",
    "@watcher sees users on remote.org, @u2\n",
    "users matching /@u[12]:.*/ see @u*\nblock @u3 from @u1\n",
    f"members of {ROOM} see each other\n",
    f"members of {ROOM} see local users\nsend all to members of #alias\n",
    f"@watcher sees members of {ROOM} who are local users\nblock members of #alias\n",
    "group staff = @u1, @u2, @u3\ngroup staff see each other\n@u4 sees all\n",
    f"local users see members of {ROOM}\n",
    f"send members of {ROOM} to @u*\nsend all to @gobbler\nblock members of {OTHER_ROOM} from @gobbler, @u1\n",
    f"group team = members of {ROOM}, @u1\nsend all to group team\nblock members of {OTHER_ROOM}\n",
    f"send all except members of {ROOM} to @gobbler, members of {OTHER_ROOM}\n@u1 sees members of {ROOM}\n",
]
USERS = [f"@u{number}:{server}" for number in range(6) for server in ("example.org", "remote.org")]
ASKED = [*USERS, GOBBLER, "@second:example.org", "@watcher:example.org"]


@pytest.mark.parametrize("text", POLICIES)
@pytest.mark.parametrize("cache", [False, True], ids=["rooms are looked at", "rooms are told"])
def test_answers_are_those_of_a_module_that_remembers_nothing(policy, text, cache):
    rng = random.Random(text)
    api = Api(rooms={ROOM: [], OTHER_ROOM: []}, cache=cache)
    module = Module(policy, api, text=text)
    known: list[str] = []
    owed: set[str] = set()
    for _ in range(60):
        kind = rng.randrange(6)
        user, room = rng.choice(USERS), rng.choice([ROOM, OTHER_ROOM])
        if kind == 0:
            module.router._core.add_users([user])
            known.append(user)
        elif kind == 1 and user in known:
            module.router._core.remove_users([user])
            known = [other for other in known if other != user]
        elif kind == 2 and user not in api._store.rooms[room]:
            api._store.join(room, user)
        elif kind == 3 and user in api._store.rooms[room]:
            api._store.leave(room, user)
        elif kind == 4:
            api.aliases["#alias:example.org"] = room
            finished(module.router._facts.refresh())
        batch = [rng.choice(USERS[:8]) for _ in range(rng.choice([1, 1, 2, 5]))]
        # A sender is known from then on.
        known += batch
        fresh = Module(policy, api)
        fresh.router._core.add_users(known)
        expected = {user: given for user, given in fresh.route(*batch).items() if given}
        for _ in range(2):
            answer = {user: given for user, given in module.route(*batch).items() if given}
            # Whoever was answered "ALL" lately is owed their room mates; a fresh module owes nobody anything.
            for user in owed:
                assert answer.pop(user, set()) >= expected.pop(user, set())
            assert answer == expected
        for recipient in (rng.choice(ASKED), GOBBLER, "@watcher:example.org"):
            fresh.router._core.add_users([recipient])
            known.append(recipient)
            assert module.interested(recipient) == fresh.interested(recipient) == module.asked_by_synapse(recipient)
            if module.interested(recipient) == "ALL":
                owed.add(recipient)
                assert recipient in module.route(*batch)


def test_who_comes_or_goes_changes_what_is_told_of_them_and_of_nobody_else(policy):
    api = Api(rooms={ROOM: [ALICE, BOB]}, cache=True)
    text = f"send members of {ROOM} to {READERS[0]}\nsend @ann, @other to members of {ROOM}\n"
    module = Module(policy, api, text=text)
    for _ in range(3):
        for _ in range(3):
            assert module.route(ALICE, BOB) == {READERS[0]: {ALICE, BOB}}
            assert module.route(ANN) == {ALICE: {ANN}, BOB: {ANN}}
            assert module.interested(BOB) == {ANN, "@other:example.org"}
        # The senders of an answer made ready are no longer all of them its senders.
        api._store.leave(ROOM, BOB)
        for _ in range(3):
            assert module.route(ALICE, BOB) == {READERS[0]: {ALICE}}
            assert module.route(BOB) == {}
            assert module.route(ANN, "@other:example.org") == {ALICE: {ANN, "@other:example.org"}}
            assert module.interested(BOB) == set()
        api._store.join(ROOM, BOB)


def test_a_member_who_was_seen_in_an_update_is_known_after_they_left(policy):
    api = Api(rooms={ROOM: [ANN, BOB]}, cache=True)
    module = Module(policy, api, text=f"send @alice to local users\nsend @alice to members of {ROOM}\n")
    assert module.route(ALICE) == {user: {ALICE} for user in (ALICE, ANN, BOB)}
    assert module.route(ANN) == {}
    for user in (ANN, BOB):
        api._store.leave(ROOM, user)
    assert module.route(ALICE) == {user: {ALICE} for user in (ALICE, ANN)}


def test_very_many_who_come_and_go_at_once(policy):
    crowd = [f"@c{number}:example.org" for number in range(30)]
    api = Api(rooms={ROOM: [ALICE]}, cache=True)
    module = Module(policy, api, text=f"send all to members of {ROOM}\n@watcher sees members of {ROOM}\n")
    for here in (crowd, crowd[:3], crowd[2:9], []):
        api._store.rooms[ROOM] = [ALICE, *here]
        api._store.get_users_in_room.invalidate((ROOM,))
        for _ in range(2):
            watchers = {"@watcher:example.org"}
            # Whoever is not a member any more is owed an answer if they were told "ALL".
            assert {user for user, given in module.route(ALICE).items() if given} == {ALICE, *here} | watchers
        assert module.interested("@watcher:example.org") == {ALICE, *here}


# It is used.


def test_rooms_are_read_once_until_one_changes(policy):
    rooms = {f"!room{number}:example.org": [BOB] for number in range(300)}
    api = Api(rooms=rooms, cache=True)
    module = Module(policy, api, text="".join(f"members of {room} see @alice\n" for room in rooms))
    api._store.calls.clear()
    assert module.route(ALICE) == {BOB: {ALICE}} and module.interested(BOB) == {ALICE}
    assert len(api._store.calls) == 300
    api._store.calls.clear()
    asked = []
    module.router._homeserver._users_in_room = lambda *args, **kwargs: asked.append(args)
    for _ in range(3):
        assert module.route(ALICE) == {BOB: {ALICE}} and module.interested(BOB) == {ALICE}
    assert asked == [] and api._store.calls == []
    module.router._homeserver._users_in_room = api._store.get_users_in_room

    api._store.join("!room7:example.org", ANN)
    assert module.route(ALICE) == {BOB: {ALICE}, ANN: {ALICE}} and module.interested(ANN) == {ALICE}
    assert api._store.calls == [("get_users_in_room", "!room7:example.org")]
    api._store.get_users_in_room.invalidate_all()
    api._store.rooms["!room8:example.org"] = []
    assert module.route(ALICE) == {BOB: {ALICE}, ANN: {ALICE}}
    assert len(api._store.calls) == 301


def test_room_mates_of_very_many_cost_a_look_at_their_room(policy):
    many = [f"@m{number}:example.org" for number in range(500)]
    api = Api(rooms={"!any:example.org": [*many[:300], ALICE], "!other:example.org": [many[400], BOB]})
    module = Module(policy, api, text=f"{', '.join(many)} see all\nblock @alice\n")
    assert module.route(ALICE) == {user: {ALICE} if user in many[:300] else set() for user in many}
    assert api._store.calls == [("get_rooms_for_user", ALICE), ("get_users_in_room", "!any:example.org")]


def test_room_mates_in_a_room_of_far_more_are_asked_one_by_one(policy):
    many = [f"@m{number}:example.org" for number in range(20)]
    crowd = [f"@c{number}:example.org" for number in range(2001)]
    api = Api(rooms={"!any:example.org": [*many[:3], ALICE, *crowd]})
    module = Module(policy, api, text=f"{', '.join(many)} see all\nblock @alice\n")
    assert module.route(ALICE) == {user: {ALICE} if user in many[:3] else set() for user in many}
    assert [call for call, _ in api._store.calls].count("get_rooms_for_user") == 21


def test_a_room_that_changes_while_it_is_read_is_read_again(policy):
    from twisted.internet.defer import Deferred, ensureDeferred

    module = Module(policy, Api(cache=True), text=f"members of {ROOM} see @alice\n")
    waiting: list[tuple[Deferred, object]] = []

    def look(room, on_invalidate):
        waiting.append((Deferred(), on_invalidate))
        return waiting[-1][0]

    module.router._homeserver._users_in_room = look
    results: list[object] = []
    ensureDeferred(module.router.get_users_for_states(states(ALICE))).addBoth(results.append)
    [(deferred, changed)] = waiting
    changed()
    deferred.callback([BOB])
    assert users_of(results[0]) == {BOB: {ALICE}}
    ensureDeferred(module.router.get_users_for_states(states(ALICE))).addBoth(results.append)
    assert len(waiting) == 2
    waiting[1][0].callback([ANN])
    assert users_of(results[1]) == {ANN: {ALICE}}
    assert module.route(ALICE) == {ANN: {ALICE}} and len(waiting) == 2


def test_a_module_that_is_gone_is_not_kept_by_the_server(policy):
    api = Api(rooms={ROOM: [BOB]}, cache=True)
    module = Module(policy, api, text=f"members of {ROOM} see @alice\n")
    assert module.route(ALICE) == {BOB: {ALICE}}
    facts = weakref.ref(module.router._facts)
    api.registered.clear()
    api.loops.clear()
    del module
    gc.collect()
    assert facts() is None
    api._store.join(ROOM, ANN)


def test_a_large_batch_is_not_kept_alive(policy):
    module = Module(policy, text=f"send all to {READERS[0]}\n")
    users = [f"@u{number}:example.org" for number in range(10_001)]
    for _ in range(3):
        batch = states(*users)
        seen = weakref.ref(batch[5])
        assert module.raw(batch) == {READERS[0]: set(batch)}
        del batch
        gc.collect()
        assert seen() is None


# Junk, threads.


class Text(str):
    """A string of another class, as different as it can be."""

    __hash__ = None  # type: ignore[assignment]


class Calls:
    """A state whose hash asks the module again."""

    def __init__(self, module, user_id):
        self.module, self.user_id, self.answers = module, user_id, []

    def __hash__(self):
        if len(self.answers) < 3:
            self.answers.append(None)
            self.answers[-1] = self.module.route(BOB), self.module.interested(READERS[0])
        return 7


class Unhashable:
    __hash__ = None  # type: ignore[assignment]
    user_id = ALICE


def test_junk_beside_states(module):
    for _ in range(3):
        alice = state(ALICE)
        for junk in (Unhashable(), object(), None, state(""), state(None), state(7), state(["x"])):
            assert module.raw([alice, junk]) == dict.fromkeys(READERS, {alice})
            assert module.raw([junk, alice]) == dict.fromkeys(READERS, {alice})
            assert module.raw([junk]) == dict.fromkeys(READERS, set())
        assert module.raw((alice,)) == module.raw(iter([alice])) == dict.fromkeys(READERS, {alice})
        odd = Text(ALICE)
        both = [alice, type("Odd", (), {"user_id": odd})()]
        assert module.raw(both) == dict.fromkeys(READERS, set(both))
        exact(module, ALICE, BOB)


def test_a_hash_that_asks_again(module):
    for _ in range(3):
        asking = Calls(module, ALICE)
        assert module.raw([asking]) == dict.fromkeys(READERS, {asking})
        assert asking.answers
        assert all(answer == (dict.fromkeys(READERS, {BOB}), "ALL") for answer in asking.answers)
        exact(module, ALICE, BOB)


def test_a_hash_that_changes_the_policy(module):
    class Reloads:
        user_id = ALICE

        def __hash__(self):
            # Another row of recipients has the number that this one had.
            if module.router._core.generation == 1:
                assert module.reload(f"send @bob to {READERS[0]}\n")[0]
                assert module.route(BOB) == {READERS[0]: {BOB}}
            return 7

    module.raw([Reloads()])
    for _ in range(3):
        assert module.route(BOB) == {READERS[0]: {BOB}}
        assert module.route(ALICE) == {}


def test_two_threads_hold_what_they_got(module):
    failures: list[BaseException] = []

    def ask(sender: str) -> None:
        try:
            held = []
            for _ in range(2000):
                batch = states(sender, ALICE)
                held.append((module.raw(batch), set(batch)))
                for answer, expected in held[-3:]:
                    assert set(answer) == set(READERS)
                    assert all(given == expected for given in answer.values())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(sender,)) for sender in (BOB, ANN)]
    for thread in threads:
        thread.start()
    for number in range(100):
        module.router._core.add_users([f"@new{number}:example.org"])
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert failures == []
