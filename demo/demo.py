"""`make demo`: a policy file routes presence in a real Synapse, and an edit of it takes effect live.

Builds what it needs, starts a throw-away Synapse, checks over the client API everything it claims,
and stops what it started. Exits 0 only if every claim held. With KEEP=1 the server stays up.
"""

from __future__ import annotations

import difflib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from homeserver import LOGGER, Homeserver, HomeserverError, User, save
from prepare import PYTHON, ROOT, StepFailed, prepare

POLICY = ROOT / "policies" / "gobbler.policy"
SERVER_NAME = "demo.test"
GOBBLER, HIDDEN, OTHER = "gobbler", "alice", "bob"
HIDDEN_LINE, EDITED_LINE, WRONG_LINE = "block @alice", "block @bob", "blok @bob"
RELOAD_LIMIT = 1.0  # seconds from the save of a policy to its being in force


class DidNotHold(Exception):
    """Something that the demo claims was not so."""


def main() -> None:
    keep = os.environ.get("KEEP", "") not in ("", "0")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("\nstopped by SIGTERM"))
    began = time.monotonic()

    heading("Building and installing (the first time takes some minutes)")
    program = prepare(command=True)

    server = Homeserver(PYTHON, name=SERVER_NAME, keep=keep)
    policy = server.folder / "policies" / POLICY.name
    stays = False
    try:
        show_policy(program, policy)
        start(server, policy.parent)
        users = show_routing(server)
        show_edit(server, policy, users)
        show_mistake(server, policy, users)
        refused = [answer for answer in server.answers if answer[2] != 200]
        hold(not refused, f"all {len(server.answers)} requests were answered with 200", refused)
        if keep:
            say_how_to_use(server, policy, users)
            stays = True
    finally:
        if not stays:
            server.stop()
    if not keep:
        heading("Everything held; the server is stopped and its folder removed")
    say(f"{time.monotonic() - began:.0f} s in all.")


# ---- the story


def show_policy(program: Path, policy: Path) -> None:
    heading(f"The policy: a copy of {POLICY.relative_to(ROOT)}")
    text = POLICY.read_text(encoding="utf-8")
    if HIDDEN_LINE not in text.splitlines():
        raise DidNotHold(f"{POLICY.relative_to(ROOT)} has no line `{HIDDEN_LINE}` that the demo could edit")
    policy.parent.mkdir()
    save(policy, text)
    quote(text)
    # The homeserver completes names without a server; offline this file does.
    directory = policy.parent.parent / "directory.yaml"
    users = ", ".join(f'"@{name}:{SERVER_NAME}"' for name in (GOBBLER, HIDDEN, OTHER))
    directory.write_text(f"server_name: {SERVER_NAME}\nusers: [{users}]\n")
    for command in ("check", "recipients"):
        say(f"$ presence-router {command} --policy {policy.name} --directory {directory.name}")
        done = subprocess.run(
            [program, command, "--policy", policy, "--directory", directory],
            capture_output=True,
            text=True,
            timeout=60,
        )
        quote(done.stdout + done.stderr)
        hold(done.returncode == 0, f"`presence-router {command}` ends with exit code 0", done.returncode)


def start(server: Homeserver, policies: Path) -> None:
    heading("A stock Synapse with the module")
    module = {"module": f"{LOGGER}.PresenceRouter", "config": {"policy": str(policies)}}
    server.settings = {"modules": [module]}
    began = time.monotonic()
    server.start()
    version = server.ask("GET", "/_synapse/admin/v1/server_version")["server_version"].split()[0]
    say(f"Synapse {version} is up at {server.url} after {time.monotonic() - began:.1f} s. Its log says:")
    quote(server.wait_for_record("the policy is loaded", lambda r: r["level"] == "INFO")["log"])


def show_routing(server: Homeserver) -> dict[str, User]:
    heading("Presence between people who share no room")
    users = {name: server.register(name) for name in (GOBBLER, HIDDEN, OTHER)}
    rooms = [user.ask("GET", "/joined_rooms")["joined_rooms"] for user in users.values()]
    hold(not any(rooms), "@gobbler, @alice and @bob are registered and in no room at all", rooms)
    only_sees(users, OTHER, HIDDEN, "at lunch")
    since = users[OTHER].now()
    users[GOBBLER].set_presence("gobbling")
    users[OTHER].set_presence("back at the desk")
    seen = users[OTHER].sync_until(since, users[OTHER].id, "back at the desk")
    hold(seen.users == {users[OTHER].id}, "@bob himself sees nobody: no rule says so", seen)
    return users


def show_edit(server: Homeserver, policy: Path, users: dict[str, User]) -> None:
    heading("An edit of the policy, while the server runs")
    change(server, policy, HIDDEN_LINE, EDITED_LINE, "INFO")
    only_sees(users, HIDDEN, OTHER, "here I am")


def show_mistake(server: Homeserver, policy: Path, users: dict[str, User]) -> None:
    heading("A mistake in the policy: the server keeps the good one and says why in its log")
    change(server, policy, EDITED_LINE, WRONG_LINE, "ERROR")
    only_sees(users, HIDDEN, OTHER, "still here")
    say("And the mistake mended:")
    change(server, policy, WRONG_LINE, EDITED_LINE, "INFO")


def only_sees(users: dict[str, User], seen: str, hidden: str, status: str) -> None:
    """@gobbler's open long-poll is woken by `seen`, and `hidden` stays hidden."""
    gobbler = users[GOBBLER]
    since = gobbler.now()
    say(f"@gobbler waits in an open /sync. @{hidden}, then @{seen} set their status to {status!r}.")
    poll = gobbler.long_poll(since)
    users[hidden].set_presence(status)
    sent = time.monotonic()
    users[seen].set_presence(status)
    # Presence comes in order: once the later one is there, the earlier one would have been too.
    everything = poll.answer()
    waited = poll.answered_at - sent
    if not everything.has(users[seen].id, status):
        everything += gobbler.sync_until(everything.next_batch, users[seen].id, status)
    took = f" {waited * 1000:.0f} ms later" if waited > 0 else ""
    hold(everything.has(users[seen].id, status), f"@gobbler sees @{seen}{took}: {status!r}", everything)
    hold(users[hidden].id not in everything.users, f"@{hidden} stays hidden", everything)
    again = gobbler.sync()
    hold(again.has(users[seen].id, status), f"a first sync shows @{seen} too", again)
    hold(users[hidden].id not in again.users, f"and not @{hidden}", again)


def change(server: Homeserver, policy: Path, old: str, new: str, level: str) -> None:
    """Save the policy with one line changed, and show what Synapse's log says to it."""
    before = policy.read_text(encoding="utf-8")
    after = "\n".join(new if line == old else line for line in before.split("\n"))
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    quote("\n".join(line for line in diff if not line.startswith(("---", "+++", "@@"))))
    already = len(server.records())
    saved = time.monotonic()
    save(policy, after)
    record = server.wait_for_record(
        f"the policy at level {level}", lambda r: r["level"] in ("INFO", "ERROR"), since=already
    )
    seconds = time.monotonic() - saved
    say(f"Saved. {seconds * 1000:.0f} ms later Synapse's log says:")
    quote(f"{record['level']} {record['log']}")
    hold(record["level"] == level, f"this is a record of level {level}", record)
    hold(seconds < RELOAD_LIMIT, f"within {RELOAD_LIMIT:g} s of the save, without a restart", seconds)


def say_how_to_use(server: Homeserver, policy: Path, users: dict[str, User]) -> None:
    heading("Everything held; the server stays up, as you asked with KEEP=1")
    process = server.process.pid
    say(f"server      {server.url}   ({SERVER_NAME}, process {process})")
    for user in users.values():
        say(f"user        {user.id}   password `password`   token {user.token}")
    say(f"policy      {policy}   edit and save it")
    say(f"log         {server.log_file}")
    say("\nLet @bob or @alice say something, and see what @gobbler sees of it:\n")
    for name in (HIDDEN, OTHER):
        user = users[name]
        say(
            f"  curl -X PUT '{server.url}/_matrix/client/v3/presence/{user.id}/status'"
            f" -H 'Authorization: Bearer {user.token}'"
            ' -d \'{"presence": "online", "status_msg": "hello"}\'\n'
        )
    say(
        f"  curl '{server.url}/_matrix/client/v3/sync?set_presence=offline'"
        f" -H 'Authorization: Bearer {users[GOBBLER].token}'\n"
    )
    say(f"Stop it and clean up:  kill {process}; rm -r {server.folder}")


# ---- how it speaks


def heading(text: str) -> None:
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}== {text}{plain}", flush=True)


def say(text: str) -> None:
    print(text, flush=True)


def quote(text: str) -> None:
    for line in text.strip("\n").splitlines():
        print(f"    {line}".rstrip(), flush=True)


def hold(condition: bool, claim: str, otherwise: object = None) -> None:
    """Say the claim if it is so; DidNotHold with what was there instead if not."""
    if not condition:
        raise DidNotHold(f"this did not hold: {claim}; what was there: {otherwise}")
    print(f"  ok  {claim}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (DidNotHold, HomeserverError, StepFailed, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"\nThe demo failed: {error}")
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; what was started is stopped")
