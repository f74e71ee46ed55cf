"""The Rust engine. Threads may share a `Core`; every method raises `RuntimeError` if the engine fails."""

from typing import Any, Final, Iterable, Literal, Sequence

from .awaitable import Finished

__version__: Final[str]

class PolicyError(Exception):
    """A policy that does not load. Its text is the whole report: every problem, its place, its help."""

def check(policy: str | None, inline: Sequence[tuple[str, str]]) -> None:
    """Loads a policy as `Core` does, and drops it. Starts no thread.

    The homeserver's name is not known yet, so names without a server are completed with a stand-in.

    Raises:
        PolicyError: it does not load.
    """

def wrong_user_id(text: str) -> str | None:
    """What is wrong with a user ID (its server may be left out), as the end of a sentence; None if it is one."""

def one_of_each_server(users_for_states: dict[str, set[Any]]) -> dict[str, set[Any]]:
    """Of each server that is told anything one user, with what any user of it is told. The sets are new ones."""

class Core:
    """One policy that is answered from, with the facts it is asked about.

    Args:
        policy: a policy file or folder.
        inline: more policy texts, each with the name it has in reports.
        server_name: the homeserver's own, which completes names without a server.

    Raises:
        PolicyError: the policy does not load.
    """

    def __new__(
        cls, policy: str | None, inline: Sequence[tuple[str, str]] = (), server_name: str | None = None
    ) -> Core: ...
    @property
    def generation(self) -> int:
        """The number of the policy in force. It grows with each one loaded."""
    @property
    def rule_count(self) -> int:
        """How many rules the policy in force has."""
    def warnings(self) -> tuple[int, int, str]:
        """Generation, number and report of the warnings about the policy in force."""

    # Facts in. Identifiers that are not well-formed are passed over.

    def add_users(self, users: Iterable[str]) -> int:
        """Makes users known. Returns how many were not. O(1) each."""
    def remove_users(self, users: Iterable[str]) -> int:
        """Forgets users whom `add_users` or an update made known. Returns how many."""
    def set_room_members(self, room: str, members: Iterable[str]) -> None:
        """Says who is joined to a room. O(members)."""
    def change_room_members(self, room: str, came: Iterable[str], went: Iterable[str]) -> None:
        """Says who joined and left a room. O(1) each."""
    def set_alias(self, alias: str, room: str | None) -> None:
        """Says which room an alias stands for, None for no room."""

    # Facts wanted.

    def rooms(self) -> tuple[int, tuple[str, ...]]:
        """Generation of the policy in force, and the rooms it names whose members matter.

        An alias is among them as the room that `set_alias` gave. The same object until something changed.
        """
    def members_are_known(self, generation: int) -> None:
        """Says that the members of all `rooms` of this policy are right, until they are said to have changed.

        An alias set anew takes it back, as another policy does.
        """
    def members_changed(self) -> None:
        """Says that the members of a room may have changed."""
    def aliases(self) -> tuple[str, ...]:
        """The aliases that the policy in force names."""

    # Answers.

    def route(
        self, states: Sequence[Any], generation: int | None = None
    ) -> tuple[dict[str, set[Any]], list[tuple[list[str], list[Any]]]] | None:
        """Who receives which of these states by the policy.

        States are anything hashable with a `user_id`; others are passed over. Senders become known.

        Returns the recipients with their states (one set for all recipients who get the same; every
        user answered "ALL" is there), and for the users answered "ALL" what is withheld from whom.
        None if `generation` is given and no longer in force. Costs follow the answer.
        """
    def route_now(
        self, states: list[Any], senders: list[Any] | None = None
    ) -> dict[str, set[Any]] | tuple[dict[str, set[Any]], list[tuple[list[str], list[Any]]]] | None:
        """As `route`, if nothing has to be asked for first; else None. The dict alone if nothing is withheld.

        `senders` are the states' `user_id`s. With them a batch of senders with the same recipients costs
        little more than hashing the states. The answer is the caller's, to change as they like.
        """
    def route_only_for(self, states: list[Any], senders: list[Any], user: str) -> tuple[set[Any], list[Any]] | None:
        """What a user who receives everyone gets of these states, and what the policy withholds from them.

        `senders` are the states' `user_id`s. None if something has to be asked for first, if the user is not
        known or does not receive everyone, or if not all are states of users: `route` then tells. Costs copying
        the set of the states, which is made once for a batch that comes again and again.
        """
    def interested(self, user: object, generation: int | None = None) -> set[str] | Literal["ALL"] | None:
        """Whose presence this user receives by the policy: "ALL", or a set.

        The user becomes known. None if `generation` is given and no longer in force. The set is the caller's,
        to change as they like.
        """
    def interested_now(
        self, user: object, only_reads: bool
    ) -> Finished[set[str] | str] | set[str] | Literal["ALL"] | None:
        """As `interested`, if nothing has to be asked for first; else None.

        If the caller `only_reads` a set and lets go of it, it is one that others are given too, as the result
        of an awaitable. So is "ALL", but for the first time a user is answered that.
        """

    # Reload.

    def reload(self) -> tuple[bool, int, int, int, str] | None:
        """Reads the policy again. None if nothing changed, else as `next_reload`."""
    def watch(self) -> None:
        """Reloads from now on whenever a file of the policy changes, in a thread of the engine."""
    def next_reload(self, timeout: float | None = None) -> tuple[bool, int, int, int, str] | None:
        """Waits, without holding up other threads, for a reload by `watch`. None after `timeout` or `close`.

        Loaded or refused, generation in force, its rules, its warnings, the report (of the errors if refused).
        """
    @property
    def watch_status(self) -> Literal["live", "degraded", "stopped"]:
        """How `watch` notices changes: by events, by looking every second or so, not at all."""
    def close(self) -> None:
        """Stops what `watch` started, and waits for it. Answers go on."""
