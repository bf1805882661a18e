"""Fuzzing guided by coverage: `python -m tests.fuzz.answers SECONDS`, which `scripts/fuzz` runs.

atheris watches the branches that our part and h11 take, and keeps what leads to new ones. What
breaks a law is shown as a line for `found.py`, where it becomes a test.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["dragoman.upstream", "h11"]):
    from tests.fuzz.laws import holds

from tests.fuzz.found import FOUND
from tests.fuzz.wire import Wire
from tests.upstream.responses import BROKEN, WHOLE

LONGEST = 1000
CUTS = 8
"""How many bytes of an input say how it is cut; the rest is what comes over the wire."""

DICTIONARY = Path(__file__).with_name("http.dict")


def check(data: bytes) -> None:
    """Check one input."""
    found = Wire(data[CUTS:], data[:CUTS])
    try:
        holds(*found)
    except Exception:
        sys.stderr.write(f"\nFOUND: {found!r}\n")
        raise


def main(seconds: int) -> None:
    """Begin with the answers that the tests know, and go on for so long."""
    known = [whole.wire for whole in WHOLE] + list(BROKEN.values())
    known += [found.wire for found in FOUND.values()]
    with tempfile.TemporaryDirectory() as corpus:
        for number, wire in enumerate(known):
            if len(wire) <= LONGEST:
                Path(corpus, str(number)).write_bytes(bytes(range(CUTS)) + wire)
        options = {
            "max_total_time": seconds,
            "max_len": LONGEST + CUTS,
            "dict": DICTIONARY,
            "artifact_prefix": f"{corpus}/",
            "verbosity": 0,
            "print_final_stats": 1,
        }
        atheris.Setup([__name__, corpus, *(f"-{k}={v}" for k, v in options.items())], check)
        atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]))
