"""Policy files that say who receives whose presence, as a module for the Synapse homeserver.

In ``homeserver.yaml``::

    modules:
      - module: synapse_presence_router.PresenceRouter
        config:
          policy: /etc/matrix-synapse/policies     # a file or a folder

The answers come from ``_core``, the Rust engine that the ``presence-router`` command uses too.
"""

from ._core import PolicyError, __version__
from .router import PresenceRouter

__all__ = ["PolicyError", "PresenceRouter", "__version__"]
