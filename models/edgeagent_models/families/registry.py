"""Which family a model is spoken to as: by the name in its GGUF, then by its architecture, else the generic one. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from edgeagent_models.families.evocua import EVOCUA_S1, EVOCUA_S2
from edgeagent_models.families.family import Family
from edgeagent_models.families.fara import FARA7B, FARA15
from edgeagent_models.families.generic import GENERIC
from edgeagent_models.families.gta1 import GTA1
from edgeagent_models.families.guiowl import GUIOWL
from edgeagent_models.families.holo import HOLO, HOLO_TOOLS
from edgeagent_models.families.opencua import OPENCUA
from edgeagent_models.families.qwen3vl import QWEN3VL
from edgeagent_models.families.qwen35 import QWEN35
from edgeagent_models.families.smolvlm2 import SMOLVLM2
from edgeagent_models.families.tiny import TINY
from edgeagent_models.families.tools import TOOLS
from edgeagent_models.families.uitars import UITARS, UITARS15

FAMILIES: tuple[Family, ...] = (
    TINY, GENERIC, HOLO, HOLO_TOOLS, UITARS15, UITARS, FARA15, FARA7B, GUIOWL, EVOCUA_S1, EVOCUA_S2, OPENCUA, GTA1, SMOLVLM2,
    QWEN3VL, QWEN35, TOOLS,
)  # fmt: skip
"""In the order in which names are tried: what is more particular comes first."""


class NoSuchFamily(ValueError):
    """There is no family of that name. The message names the nearest."""


def by_name(name: str) -> Family:
    """The family called ``name``; raises `NoSuchFamily`."""
    wanted = plain(name)
    for family in FAMILIES:
        if family.name == wanted:
            return family
    known = [family.name for family in FAMILIES]
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.0)
    raise NoSuchFamily(f"there is no model family {name!r}; the nearest is {near[0]!r} (all: {', '.join(sorted(known))})")


def recognised(architecture: str, names: Iterable[str]) -> Family:
    """The family of a GGUF of ``architecture`` that calls itself ``names`` (its name, its base name, its file)."""
    for name in filter(None, map(plain, names)):
        for family in FAMILIES:
            if any(re.search(pattern, name) for pattern in family.names):
                return family
    return next((family for family in FAMILIES if architecture in family.architectures), GENERIC)


def plain(name: str) -> str:
    """``name`` in lower case, its words joined by ``-``."""
    return re.sub(r"[\s_/]+", "-", name.strip().lower())
