"""Texts of packets only where somebody reads them.

Bumble (0.0.236) writes every packet out, with colours, before it asks whether its log is switched on. With
`logging.getLogger("bumble").setLevel(logging.DEBUG)` it goes on doing so.
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


def _when_traced(written: Any, otherwise: Any) -> Any:
    @wraps(written)
    def text(*arguments: Any, **options: Any) -> Any:
        chosen = written if _LOGGER.isEnabledFor(logging.DEBUG) else otherwise
        return chosen(*arguments, **options)

    return text
