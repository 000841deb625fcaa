"""Results that stay the same until their version is raised."""

import hashlib
import json
from typing import Any


def digest(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def rounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: round(v, 2) + 0.0 if isinstance(v, float) else v for k, v in row.items()} for row in rows]


def check(what: str, now: int, found: Any, stored: tuple[int, Any]) -> None:
    of, expected = stored
    assert (now, found) == (of, expected), (
        f"{what} are {found!r} in version {now}, but {expected!r} of version {of} are stored here. If the change is "
        "meant, raise the number and store the new one with it; if only the number changed, store that."
    )
