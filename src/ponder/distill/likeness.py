"""Near-duplicates among many texts: MinHash (Broder, 1997), looked up in bands, about 1 kB a text.

A text is the set of its runs of three words. Two texts are near-duplicates where an estimate of the share of
common runs (Jaccard's) is at least `LIKE`.
"""

import random
from collections.abc import Sequence

from ponder.distill.contamination import stamp, words

LIKE = 0.8
HASHES, BANDS = 32, 8
_MERSENNE = (1 << 61) - 1
_DICE = random.Random("likeness")
_FACTORS = [(_DICE.randrange(1, _MERSENNE), _DICE.randrange(_MERSENNE)) for _ in range(HASHES)]


class Likeness:
    """The texts that were seen so far."""

    def __init__(self) -> None:
        self._bands: dict[tuple[int, Sequence[int]], int] = {}
        self._signatures: list[tuple[int, ...]] = []

    def seen(self, text: str) -> bool:
        """Whether a text like this one came before; if not, it is kept for the next."""
        signature = _signature(words(text))
        rows = HASHES // BANDS
        bands = [(band, signature[band * rows : (band + 1) * rows]) for band in range(BANDS)]
        for other in {self._bands[band] for band in bands if band in self._bands}:
            same = sum(a == b for a, b in zip(signature, self._signatures[other], strict=True))
            if same >= LIKE * HASHES:
                return True
        for band in bands:
            self._bands.setdefault(band, len(self._signatures))
        self._signatures.append(signature)
        return False


def _signature(found: list[str]) -> tuple[int, ...]:
    runs = {stamp(found[at : at + 3]) & _MERSENNE for at in range(max(1, len(found) - 2))}
    return tuple(min((a * run + b) % _MERSENNE for run in runs) for a, b in _FACTORS)
