"""What bumble (0.0.236) does without need at every packet and every connection.

It writes every packet out, with colours, before it asks whether its log is switched on; with
`logging.getLogger("bumble").setLevel(logging.DEBUG)` it goes on doing so. And it compares each UUID that it
reads with every one that it knows.
"""

from __future__ import annotations

import logging
import sys
from functools import cache, wraps
from typing import Any

_PACKETS = ("HCI_", "ATT_", "L2CAP_")
_LOGGER = logging.getLogger("bumble")


@cache
def spare_traces() -> None:
    """Replaces, once a process, what bumble writes packets out with; its modules are loaded by now."""
    for module in [module for name, module in sys.modules.items() if name.startswith("bumble.")]:
        if "color" in vars(module):
            vars(module)["color"] = _when_traced(vars(module)["color"], lambda text, *_, **__: text)
        for kind in list(vars(module).values()):
            if (
                isinstance(kind, type)
                and kind.__module__ == module.__name__
                and kind.__name__.startswith(_PACKETS)
                and "__str__" in vars(kind)
            ):
                kind.__str__ = _when_traced(kind.__str__, object.__repr__)  # type: ignore[method-assign]


@cache
def spare_searches() -> None:
    """Lets bumble find the UUIDs that it knows by a key; once a process."""
    from bumble.core import UUID

    known = {uuid.uuid_128_bytes: uuid for uuid in reversed(UUID.UUIDS)}

    def register(uuid: UUID) -> UUID:
        first = known.setdefault(uuid.uuid_128_bytes, uuid)
        if first is not uuid and first.name is None:
            first.name = uuid.name
        return first

    UUID.register = register  # type: ignore[assignment, method-assign]


def _when_traced(written: Any, otherwise: Any) -> Any:
    @wraps(written)
    def text(*arguments: Any, **options: Any) -> Any:
        chosen = written if _LOGGER.isEnabledFor(logging.DEBUG) else otherwise
        return chosen(*arguments, **options)

    return text
