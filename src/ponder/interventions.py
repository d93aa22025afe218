"""What a person changes in one run, read into this engine's tokens.

The correction of a branch, markers that are favoured or forbidden, a soft budget, an end that is put off:
the spine asks here what to write and what to bias.
"""

import math

from ponder.core.request import Correction, Request
from ponder.engine.protocol import Ability, Engine, Served, Written, require
from ponder.errors import AbilityError, InputError
from ponder.steer.correct import extension, inserted
from ponder.steer.push import Push

Bias = tuple[tuple[int, float], ...]


class Interventions:
    """Those of `request`, which `engine` carries out; `before` is the end of the text that a branch keeps,
    `close_id` the token that ends the reasoning, None where it is not a single one.

    Raises AbilityError for what the engine or the vocabulary cannot do, InputError for a marker that is
    many tokens.
    """

    def __init__(
        self, engine: Engine, served: Served, request: Request, before: str, close_id: int | None
    ) -> None:
        self._engine = engine
        self._served = served
        self._close_id = close_id
        self.correction = request.correction or Correction(0)
        text = inserted(self.correction, before)
        self.written = engine.tokenize(text, control=False) if text else ()
        steering = request.steering
        markers = [pair for marker, bias in steering.favour for pair in self._marker(marker, bias)]
        self.extensions = steering.extend
        if steering.soft_budget is not None or steering.extend:
            self._require_end_tag()
        if markers or steering.soft_budget is not None or self.correction.banned is not None:
            require(served, Ability.LOGIT_BIAS, "Favouring or forbidding tokens", "leave it out")
        self._push = Push(steering, close_id, markers)

    def piece(self, fed: int, left: int, reasoning_tokens: int | None) -> tuple[int, Bias]:
        """How many of `left` tokens the next piece may have, and its biases, after `fed` tokens of output.

        `reasoning_tokens` is None where the model does not reason.
        """
        banned = self.correction.banned
        if banned is not None and fed == self.correction.index:
            return 1, ((banned, -math.inf),)
        if reasoning_tokens is None or not self._push.active:
            return left, ()
        return min(left, self._push.limit(reasoning_tokens) or left), self._push.bias(reasoning_tokens)

    def ends(self, token_id: int | None) -> bool:
        """Whether this token of a reasoning would end it, and the end is to be put off."""
        return bool(self.extensions) and token_id is not None and token_id == self._close_id

    @property
    def can_extend(self) -> bool:
        """Whether the end of the reasoning can be put off: its tag is one token, and the engine goes on."""
        return self._close_id is not None and Ability.TOKEN_PREFIX in self._served.abilities

    def think_more(self) -> None:
        """Put off one more end; raises AbilityError where that cannot be done."""
        self._require_end_tag()
        self.extensions += 1

    def extension(self, before: str) -> tuple[Written, ...]:
        """What stands instead of the end, after `before`; one end less is put off from now on."""
        self.extensions -= 1
        return self._engine.tokenize(extension(before), control=False)

    def _marker(self, text: str, bias: float) -> list[tuple[int, float]]:
        """The tokens of a marker, with and without a space before it, each with its bias."""
        require(self._served, Ability.TOKEN_PREFIX, "Favouring a marker", "leave it out")
        found = [self._engine.tokenize(gap + text.strip(), control=False) for gap in ("", " ")]
        firsts = [tokens[0][0] for tokens in found if len(tokens) == 1]
        single = dict.fromkeys(token for token in firsts if token is not None)
        if not single:
            raise InputError(f"the marker {text!r} is several tokens of this model: take a shorter word.")
        return [(token, bias) for token in single]

    def _require_end_tag(self) -> None:
        require(self._served, Ability.TOKEN_PREFIX, "Putting off the end of the reasoning", "leave it out")
        if self._close_id is None:
            raise AbilityError(
                "putting off the end of the reasoning, or drawing it near, needs a model whose end tag is "
                "one token, and this one spells it in several: take a reasoning model, or use --budget."
            )
