"""Both callbacks against a plain Python reading of the language, on random policies.

The second opinion here shares nothing with the engine: each selector is made together with a Python
function that says who is in it, and a policy is a list of such pairs.
"""

from __future__ import annotations

import os
import random

from fakes import Api, Module, finished, states, users_of

POLICIES = int(os.environ.get("RANDOM_POLICIES", "300"))

HOME, AWAY = "example.org", "sub.remote.org"
LOCAL = [f"@{name}:{HOME}" for name in ("ann", "bob", "bot-1", "bot-2", "cid")]
REMOTE = [f"@{name}:{AWAY}" for name in ("ann", "zed")]
USERS = LOCAL + REMOTE
ROOMS = ["!ops:example.org", "!v12room"]


class Maker:
    """Random selectors, each with the function that tells its users."""

    def __init__(self, rng: random.Random, rooms: dict[str, list[str]]) -> None:
        self.rng = rng
        self.rooms = rooms
        self.groups: dict[str, tuple[str, object]] = {}

    def atom(self, depth: int):
        rng = self.rng
        kind = rng.randrange(11 if depth else 9)
        if kind == 0:
            return "all", lambda user: True
        if kind in (1, 2):
            one = rng.choice(USERS)
            written = one if one in REMOTE or rng.random() < 0.5 else one.split(":")[0]
            return written, lambda user: user == one
        if kind == 3:
            server = rng.choice([HOME, AWAY])
            return f"users on {server}", lambda user: user.partition(":")[2] == server
        if kind == 4:
            return f"@bot-*:{HOME}", lambda user: user.startswith("@bot-") and user.endswith(":" + HOME)
        if kind == 5:
            word = rng.choice(["local", "remote"])
            return f"{word} users", lambda user: user.endswith(":" + HOME) == (word == "local")
        if kind == 6:
            room = rng.choice(ROOMS)
            return f"members of {room}", lambda user: user in self.rooms[room]
        if kind == 7:
            return "users matching /@[ab].*/", lambda user: user[1] in "ab"
        if kind == 8 and self.groups:
            name = rng.choice(sorted(self.groups))
            return f"group {name}", self.groups[name][1]
        if kind == 8:
            return "users on *.remote.org", lambda user: user.endswith(".remote.org")
        text, inside = self.selector(depth - 1)
        return f"({text})", inside

    def selector(self, depth: int = 2):
        rng = self.rng
        text, inside = self.atom(depth)
        for _ in range(rng.choice([0, 0, 1])):
            other, also = self.atom(depth)
            if rng.random() < 0.5:
                text, inside = f"{text}, {other}", either(inside, also)
            else:
                text, inside = f"({text}) who are ({other})", both(inside, also)
        if rng.random() < 0.3:
            other, less = self.atom(depth)
            text, inside = f"({text}) except {other}", without(inside, less)
        return text, inside

    def policy(self):
        rng = self.rng
        lines, rules = [], []
        for name in ("g1", "g2")[: rng.randrange(3)]:
            text, inside = self.selector()
            lines.append(f"group {name} = {text}")
            self.groups[name] = (text, inside)
        for _ in range(rng.randrange(1, 6)):
            (senders, is_sender), (recipients, is_recipient) = self.selector(), self.selector()
            wording = rng.randrange(5)
            if wording == 0:
                lines.append(f"block {senders} from {recipients}")
            elif wording == 1:
                lines.append(f"block {senders}")
                is_recipient = anyone
            elif wording == 2:
                lines.append(f"{senders} see each other")
                is_recipient = is_sender
            elif wording == 3:
                lines.append(f"{recipients} see {senders}")
            else:
                lines.append(f"send {senders} to {recipients}")
            rules.append((wording < 2, is_sender, is_recipient))
        rng.shuffle(lines)
        return "\n".join(lines) + "\n", rules


def either(a, b):
    return lambda user: a(user) or b(user)


def both(a, b):
    return lambda user: a(user) and b(user)


def without(a, b):
    return lambda user: a(user) and not b(user)


def anyone(user):
    return True


def sees(rules, sender, recipient):
    applies = [block for block, is_sender, is_recipient in rules if is_sender(sender) and is_recipient(recipient)]
    return bool(applies) and not any(applies)


def test_the_callbacks_agree_with_the_plain_reading(tmp_path, capsys):
    pairs = everyone = moves = 0
    for seed in range(POLICIES):
        rng = random.Random(seed)
        rooms = {room: rng.sample(USERS, rng.randrange(len(USERS))) for room in ROOMS}
        shared = rooms | {"!unnamed:example.org": rng.sample(USERS, 3)}
        maker = Maker(rng, shared)
        text, rules = maker.policy()
        api = Api(HOME, shared)
        api.tables["users"] = [(user,) for user in LOCAL]
        api.tables["presence_stream"] = [(user,) for user in REMOTE]
        module = Module(tmp_path / "random.policy", api, text=text)
        asked = list(USERS)
        rng.shuffle(asked)
        answered_all: set[str] = set()
        seen = set(USERS)
        for _ in range(3):
            batch = rng.choices(USERS, k=rng.randrange(6)) + ["@new:example.org"] * rng.randrange(2)
            check(module, text, rules, shared, batch, asked, answered_all, seen)
            pairs += len(batch) * len(asked)
            # Somebody joins, somebody leaves, and the next answers are about that.
            room, user = rng.choice(ROOMS), rng.choice(USERS)
            (api._store.leave if user in shared[room] else api._store.join)(room, user)
            moves += 1
        everyone += len(answered_all)
    with capsys.disabled():
        print(f"\n{POLICIES} random policies: {pairs} pairs alike, {everyone} users answered ALL, {moves} moves")
    assert everyone > POLICIES / 10


def check(module, text, rules, rooms, batch, asked, answered_all, seen):
    share = lambda a, b: a == b or any(a in members and b in members for members in rooms.values())  # noqa: E731
    answered_all.update(user for user in asked if module.interested(user) == "ALL")
    updates = states(*batch)
    raw = finished(module.router.get_users_for_states(updates))
    forward = users_of(raw)
    assert answered_all <= forward.keys(), text
    # Whoever became known by this batch would be answered "ALL" now.
    answered_all.update(user for user in batch if module.interested(user) == "ALL")
    assert answered_all <= forward.keys(), text
    for recipient in {*asked, *forward, *batch}:
        by_policy = {sender for sender in batch if sees(rules, sender, recipient)}
        if recipient in answered_all:
            expected = by_policy | {sender for sender in batch if share(sender, recipient)}
        else:
            expected = by_policy
        assert forward.get(recipient, set()) == expected, (text, recipient, batch)
        # Every update of a sender, not only their first.
        assert raw.get(recipient, set()) == {u for u in updates if u.user_id in expected}
    # By now the batch's senders are known, and stay so.
    seen.update(batch)
    for recipient in asked:
        answer = module.interested(recipient)
        if answer == "ALL":
            answered_all.add(recipient)
        else:
            by_policy = {sender for sender in seen if sees(rules, sender, recipient)}
            assert answer == by_policy, (text, recipient)
