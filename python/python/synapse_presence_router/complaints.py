"""Log records for what goes wrong in a callback: each kind once, then seldom.

A callback runs for every update of every user, so a fault in one repeats at that rate. The log must
say it, and must not drown in it.
"""

from __future__ import annotations

import logging
import time
from typing import Callable

logger = logging.getLogger("synapse_presence_router")

QUIET_SECONDS = 600.0
"""How long after a record the next one of the same kind is held back."""

MAX_KINDS = 1000
"""Kinds remembered. Beyond it all are forgotten, so that junk cannot fill the memory."""


class Complaints:
    """Remembers what was said when, and how often it was held back since."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._said: dict[str, tuple[float, int]] = {}

    def say(
        self,
        kind: str,
        message: str,
        *args: object,
        level: int = logging.ERROR,
        error: BaseException | None = None,
    ) -> None:
        """Logs one record, unless one of this kind was logged within `QUIET_SECONDS`.

        Never raises.
        """
        try:
            now = self._now()
            last, held_back = self._said.get(kind, (None, 0))
            if last is not None and now - last < QUIET_SECONDS:
                self._said[kind] = (last, held_back + 1)
                return
            if len(self._said) >= MAX_KINDS:
                self._said.clear()
            self._said[kind] = (now, 0)
            if held_back:
                message += " (%d more like it since the last record)"
                args += (held_back,)
            logger.log(level, message, *args, exc_info=error)
        except Exception:  # a broken log handler is not worth a failed sync
            pass
