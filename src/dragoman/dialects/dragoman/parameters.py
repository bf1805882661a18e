"""What holds for the query of every request."""

import re
from collections import Counter

from fastapi import Request

from dragoman.domain.errors import Invalid, Problem

LISTS = frozenset({"unique"})
"""Parameters that may be there more than once."""

_KNOWN = re.compile("[a-z_]{1,40}")


def each_once(request: Request) -> None:
    """Refuse a parameter that is there twice: of two values, two readers may take either.

    A name that cannot be one of ours is refused, without repeating it, where the others are read.
    """
    counts = Counter(name for name, _ in request.query_params.multi_items())
    repeated = sorted(
        name
        for name, count in counts.items()
        if count > 1 and name not in LISTS and _KNOWN.fullmatch(name)
    )
    if repeated:
        raise Invalid(
            *(Problem((name,), "is there twice; send it once", "duplicate") for name in repeated)
        )
