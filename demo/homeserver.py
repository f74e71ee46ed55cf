"""A throw-away Synapse on loopback, and a client small enough to read at one sitting.

For the demo and for the tests; the standard library only, so it runs before anything is installed.
It knows Synapse, never the policy language.

The law: nothing here sleeps and hopes. Every wait names what it waits for and has a limit, and a
server that was started is stopped, also when the program that started it is killed.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote, urlencode

START_LIMIT = 120.0  # seconds; 3-7 on an idle machine
STOP_LIMIT = 20.0
REQUEST_LIMIT = 30.0
EVENT_LIMIT = 15.0
POLL_PAUSE = 0.01

LOGGER = "synapse_presence_router"

# Synapse, stopped as soon as its standard input ends: the kernel closes that pipe whatever
# happens to the program that holds the other end.
_TIED_TO_PARENT = """
import os, runpy, signal, sys, threading
def stop_with_parent():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=stop_with_parent, daemon=True).start()
runpy.run_module("synapse.app.homeserver", run_name="__main__", alter_sys=True)
"""


class HomeserverError(Exception):
    """The server did not do what it must; the message ends with the tail of its log."""


class WaitedTooLong(HomeserverError):
    """What was waited for did not happen within the limit."""


class Refused(HomeserverError):
    """An answer other than 200."""

    def __init__(self, method: str, path: str, status: int, body: bytes):
        super().__init__(f"{method} {path} answered {status}: {body[:500].decode(errors='replace')}")
        self.status = status


def wait_until(what, question, limit: float = EVENT_LIMIT):
    """The first true answer to `question()`; WaitedTooLong after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise WaitedTooLong(f"waited {limit:g} s for {what() if callable(what) else what}")
        time.sleep(POLL_PAUSE)


def save(path: Path, text: str) -> None:
    """Save as editors do: a new file beside the old one, renamed over it."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


class Homeserver:
    """One Synapse process with SQLite in a folder of its own.

    `settings` is laid over the configuration, key by key. `keep` leaves server and folder alone
    when this program ends.
    """

    def __init__(
        self,
        python: str | os.PathLike = sys.executable,
        *,
        name: str = "hs1.test",
        settings: dict | None = None,
        folder: Path | None = None,
        keep: bool = False,
        environment: dict | None = None,
    ):
        self.python = str(python)
        self.name = name
        self.keep = keep
        self.environment = {**os.environ, **(environment or {})}
        self.folder = folder or Path(tempfile.mkdtemp(prefix="presence-router-"))
        self.log_file = self.folder / "homeserver.log"
        self.config_file = self.folder / "homeserver.yaml"
        self.answers: list[tuple[str, str, int]] = []  # method, path, status of every request
        self.process: subprocess.Popen | None = None
        self._secret = secrets.token_hex(16)
        self.settings = settings or {}
        # Bound and never listening: nobody else is given this port, and Synapse, which sets
        # SO_REUSEADDR as we do, may still listen on it.
        self._port_holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._port_holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._port_holder.bind(("127.0.0.1", 0))
        self.port = self._port_holder.getsockname()[1]
        if sys.platform != "linux":
            self._port_holder.close()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Homeserver:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_) -> None:
        if not self.keep:
            self.stop()

    # ---- life

    def start(self, limit: float = START_LIMIT) -> Homeserver:
        """Start it and wait until it is healthy; HomeserverError with its last words if it ends."""
        self.launch()

        def healthy():
            if self.process.poll() is not None:
                raise HomeserverError(f"Synapse ended with exit code {self.process.returncode}\n{self.log_tail()}")
            try:
                return self.request("GET", "/health", limit=2.0)[0] == 200
            except (OSError, http.client.HTTPException):
                return False

        wait_until(lambda: f"Synapse to be healthy\n{self.log_tail()}", healthy, limit)
        return self

    def launch(self) -> subprocess.Popen:
        """Write the configuration and start the process, without waiting for anything."""
        self._write_config()
        program = ["-m", "synapse.app.homeserver"] if self.keep else ["-c", _TIED_TO_PARENT]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [self.python, *program, "-c", str(self.config_file)],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL if self.keep else subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we then stop it
            )
        return self.process

    def run_to_its_end(self, limit: float = START_LIMIT) -> int:
        """For a server that must not start: its exit code."""
        try:
            return self.launch().wait(limit)
        except subprocess.TimeoutExpired:
            raise WaitedTooLong(f"Synapse still runs after {limit:g} s\n{self.log_tail()}") from None

    def stop(self) -> None:
        """Stop it by its process id and remove its folder."""
        process, self.process = self.process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_LIMIT)
            if process.stdin is not None:
                process.stdin.close()
        self._port_holder.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_config(self) -> None:
        signing_key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        log_config = {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "text": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
                "records": {"()": "synapse.logging.TerseJsonFormatter"},
            },
            "handlers": {
                "text": {"class": "logging.StreamHandler", "formatter": "text"},
                # One record a line, whatever the message holds.
                "records": {
                    "class": "logging.FileHandler",
                    "formatter": "records",
                    "filename": str(self.folder / "records.jsonl"),
                    "delay": True,
                },
            },
            "root": {"level": "WARNING", "handlers": ["text", "records"]},
            "loggers": {LOGGER: {"level": "INFO"}},
        }
        (self.folder / "log.yaml").write_text(json.dumps(log_config, indent=2))
        without_limit = {"per_second": 10000, "burst_count": 10000}
        config = {
            "server_name": self.name,
            "pid_file": str(self.folder / "homeserver.pid"),
            "listeners": [
                {
                    "port": self.port,
                    "bind_addresses": ["127.0.0.1"],
                    "type": "http",
                    "resources": [{"names": ["client", "metrics"]}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(self.folder / "hs.db")}},
            "media_store_path": str(self.folder / "media"),
            "log_config": str(self.folder / "log.yaml"),
            "signing_key": f"ed25519 a_test {signing_key}",
            "macaroon_secret_key": secrets.token_hex(16),
            "form_secret": secrets.token_hex(16),
            "registration_shared_secret": self._secret,
            "trusted_key_servers": [],
            "report_stats": False,
            "enable_metrics": True,
            "bcrypt_rounds": 4,
            # Else equal /sync requests are answered from a cache for two minutes.
            "caches": {"sync_response_cache_duration": "0s"},
            # Else the second PUT of a user's presence within ten seconds is a 429.
            "rc_presence": {"per_user": without_limit},
            "rc_message": without_limit,
            "rc_joins": {"local": without_limit},
            "rc_joins_per_room": without_limit,
            **self.settings,
        }
        self.config_file.write_text(json.dumps(config, indent=2))  # JSON is YAML

    # ---- what it says

    def log_text(self) -> str:
        try:
            return self.log_file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def log_tail(self, lines: int = 30) -> str:
        return "\n".join(self.log_text().splitlines()[-lines:])

    def records(self, logger: str = LOGGER) -> list[dict]:
        """What was logged by `logger` and those below it: {"log": message, "level": ..., "namespace": ...}."""
        try:
            text = (self.folder / "records.jsonl").read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        whole_lines = text[: text.rfind("\n") + 1].splitlines()
        records = (json.loads(line) for line in whole_lines)
        return [r for r in records if f"{r['namespace']}.".startswith(f"{logger}.")]

    def wait_for_record(self, what: str, wanted, since: int = 0, limit: float = EVENT_LIMIT) -> dict:
        """The first record at index `since` or later of which `wanted(record)` holds."""

        def seen():
            return "\n".join(f"  {r['level']}: {r['log']}" for r in self.records()[since:])

        return wait_until(
            lambda: f"a log record: {what}; logged since then:\n{seen() or '  nothing'}",
            lambda: next((r for r in self.records()[since:] if wanted(r)), None),
            limit,
        )

    def open_polls(self) -> int:
        """How many /sync requests wait for something to happen, as Synapse's own metric has it."""
        text = self.request("GET", "/_synapse/metrics")[1].decode()
        found = re.findall(r"^synapse_notifier_listeners(?:\{.*\})? (\S+)$", text, re.MULTILINE)
        return int(sum(map(float, found)))

    # ---- requests

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict | None = None,
        body: dict | None = None,
        token: str | None = None,
        limit: float = REQUEST_LIMIT,
    ) -> tuple[int, bytes]:
        """One request, its status and body. `limit` in seconds."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=limit)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body)
        try:
            target = f"{path}?{urlencode(query)}" if query else path
            connection.request(method, target, content, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        self.answers.append((method, path, response.status))
        return response.status, answer

    def register(self, localpart: str) -> User:
        """A new user, by Synapse's shared-secret way: no rate limit, answers with a token."""
        path = "/_synapse/admin/v1/register"
        nonce = self.ask("GET", path)["nonce"]
        fields = [nonce, localpart, "password", "notadmin"]
        mac = hmac.new(self._secret.encode(), "\0".join(fields).encode(), hashlib.sha1)
        body = {
            "nonce": nonce,
            "username": localpart,
            "password": "password",
            "admin": False,
            "mac": mac.hexdigest(),
        }
        answer = self.ask("POST", path, body=body)
        return User(self, answer["user_id"], answer["access_token"])

    def ask(self, method: str, path: str, **keywords) -> dict:
        """As `request`, but the parsed body of a 200, and Refused for anything else."""
        status, body = self.request(method, path, **keywords)
        if status != 200:
            raise Refused(method, path, status, body)
        return json.loads(body)


class Seen(list):
    """What one or more syncs said about presence: (user ID, content) in order, and where to go on."""

    next_batch: str

    @property
    def users(self) -> set[str]:
        return {user for user, _ in self}

    def has(self, user: str, status: str | None = None) -> bool:
        """Is there an event about `user`, with this status message if one is given?"""
        return any(u == user and status in (None, c.get("status_msg")) for u, c in self)


class User:
    """A registered user, over the client-server API."""

    def __init__(self, server: Homeserver, user_id: str, token: str):
        self.server = server
        self.id = user_id
        self.token = token

    def __repr__(self) -> str:
        return self.id

    @property
    def short(self) -> str:
        """The ID without the server, as a policy may write it."""
        return self.id.partition(":")[0]

    def ask(self, method: str, path: str, **keywords) -> dict:
        return self.server.ask(method, f"/_matrix/client/v3{path}", token=self.token, **keywords)

    def set_presence(self, status: str | None = None, presence: str = "online") -> None:
        body = {"presence": presence}
        if status is not None:
            body["status_msg"] = status
        self.ask("PUT", f"/presence/{quote(self.id)}/status", body=body)

    def sync(self, since: str | None = None, timeout: float = 0.0, **query) -> Seen:
        """One /sync that waits at most `timeout` seconds. Never itself an update of presence."""
        query = {"set_presence": "offline", "timeout": int(timeout * 1000), **query}
        if since is not None:
            query["since"] = since
        answer = self.ask("GET", "/sync", query=query, limit=timeout + REQUEST_LIMIT)
        seen = Seen((e["sender"], e["content"]) for e in answer.get("presence", {}).get("events", []))
        seen.next_batch = answer["next_batch"]
        return seen

    def now(self) -> str:
        """The token of this moment: a sync from it says only what is new."""
        return self.sync().next_batch

    def sync_until(self, since: str, user: str, status: str | None = None, limit=EVENT_LIMIT) -> Seen:
        """Sync from `since` until `user` was seen (with this status message); all that was seen."""
        everything = Seen()
        everything.next_batch = since
        end = time.monotonic() + limit
        while not everything.has(user, status):
            left = end - time.monotonic()
            if left <= 0:
                raise WaitedTooLong(
                    f"{self.id} waited {limit:g} s for {user} with the status {status!r}; saw {list(everything)}"
                )
            answer = self.sync(everything.next_batch, timeout=left)
            everything.extend(answer)
            everything.next_batch = answer.next_batch
        return everything

    def long_poll(self, since: str, timeout: float = 20.0) -> LongPoll:
        """A /sync that is already waiting in the server when this returns."""
        before = self.server.open_polls()
        poll = LongPoll(self, since, timeout)
        wait_until(
            f"the long-poll of {self.id} to be open",
            lambda: poll.done() or self.server.open_polls() > before,
        )
        return poll

    def create_room(self, alias: str | None = None) -> str:
        body = {"preset": "public_chat"}
        if alias is not None:
            body["room_alias_name"] = alias
        return self.ask("POST", "/createRoom", body=body)["room_id"]

    def join(self, room: str) -> None:
        self.ask("POST", f"/join/{quote(room)}", body={})

    def leave(self, room: str) -> None:
        self.ask("POST", f"/rooms/{quote(room)}/leave", body={})


class LongPoll:
    """One open /sync in a thread of its own."""

    def __init__(self, user: User, since: str, timeout: float):
        self._user = user
        self._answer: Seen | None = None
        self._error: BaseException | None = None
        self.answered_at: float | None = None  # time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(since, timeout), daemon=True)
        self._thread.start()

    def _run(self, since: str, timeout: float) -> None:
        try:
            self._answer = self._user.sync(since, timeout)
        except BaseException as error:  # handed to whoever asks for the answer
            self._error = error
        self.answered_at = time.monotonic()

    def done(self) -> bool:
        return not self._thread.is_alive()

    def answer(self, limit: float = EVENT_LIMIT) -> Seen:
        """What it was answered; WaitedTooLong if it is still open after `limit` seconds."""
        self._thread.join(limit)
        if self._thread.is_alive():
            raise WaitedTooLong(f"the long-poll of {self._user.id} was open for {limit:g} s more")
        if self._error is not None:
            raise self._error
        return self._answer
