"""Letters: how often one stands in a word, how long a word is, and a word spelled backwards."""

from random import Random

from ponder.world.phrasing import NAMES, THINGS, dressed, phrase
from ponder.world.problem import Problem
from ponder.world.working import Working

WORDS = (
    "strawberry banana mississippi bookkeeper committee occurrence necessary parallel accommodate assessment balloon "
    "blueberry raspberry cranberry pepper coffee butter letter pattern summer winter spring autumn mountain river island "
    "forest garden kitchen window ceiling carpet library hospital university teacher student doctor engineer painter "
    "musician computer keyboard internet software program language grammar sentence paragraph chapter dictionary "
    "elephant giraffe crocodile hippopotamus butterfly dragonfly penguin kangaroo squirrel rabbit hamster tortoise "
    "chocolate vanilla cinnamon ginger pineapple coconut avocado broccoli cucumber mushroom spinach cabbage pumpkin "
    "yesterday tomorrow morning evening midnight holiday birthday christmas january february september wednesday "
    "saturday thousand million hundred seventeen eleven science physics chemistry biology mathematics geometry algebra "
    "history geography philosophy psychology economics literature orchestra trumpet violin guitar piano football tennis "
    "basketball swimming running jumping climbing cycling adventure treasure mystery detective kingdom princess dragon "
    "wizard castle bridge tunnel railway airplane helicopter submarine bicycle motorcycle ambulance restaurant "
    "breakfast dinner supper sandwich hamburger spaghetti lasagna umbrella raincoat sweater trousers necklace bracelet "
    "telephone television newspaper magazine photograph calendar envelope address password question answer problem "
    "solution reason wonder silence thunder lightning rainbow snowflake hurricane volcano earthquake glacier desert "
    "ocean continent country village neighbour grandmother grandfather daughter brother sister cousin uncle friend "
    "apple orange lemon peach cherry grape melon tomato potato carrot onion garlic book table chair pencil paper house"
).split()
_STARTS = "b c d f g h j k l m n p r s t v w z br cr dr fl gr pl pr sh sl st th tr ch".split()
_VOWELS = "a e i o u a e i o ea ee oo ai ou".split()
_ENDS = "  b d ck l ll m n ng p r rt s ss st t tt x".split(" ")

_COUNT = (
    "[How many [times does the letter |]{q}{l}{q}[ appear in| occur in| are in| are there in| are there in the word] {w}?|"
    "How many {l}'s are [there |]in [the word |]{w}?|Count the [letter |]{q}{l}{q} in [the word |]{w}.|"
    "How often does {q}{l}{q} [occur|appear] in {w}?|Count the {l}s in {w}.|In the word {w}, how many letters {q}{l}{q} are there?|"
    "Number of {l} in {w}?|How many {l} in {w}?]"
)
_LENGTH = (
    "[How many letters [does [the word |]{w} have|are in [the word |]{w}|has [the word |]{w}]?|Count the letters [in|of] {w}.|"
    "How long is the word {w}?|What is the number of letters in {w}?]"
)
_REVERSE = (
    "[Spell {w} backwards.|Reverse [the word |]{w}.|Write {w} backwards.|What is {w} [backwards|spelled backwards|reversed]?|"
    "Turn the word {w} around, letter by letter.]"
)
_VOWEL = "[How many vowels [are in|are there in|does] {w}[ have|]?|Count the vowels in {w}.|Number of vowels in {w}?]"


def _word(rng: Random, level: int) -> str:
    if rng.random() < 0.5:
        word = rng.choice(
            (rng.choice(WORDS), rng.choice(WORDS), rng.choice(THINGS), rng.choice(NAMES).lower())
        )
    else:
        count = rng.randint(1 + (level > 1), level + 1)
        word = "".join(
            rng.choice(_STARTS) + rng.choice(_VOWELS) + (rng.choice(_ENDS) if rng.random() < 0.5 else "")
            for _ in range(count)
        )
    return word if len(word) >= 3 else word + "er"


def make(rng: Random, level: int) -> Problem:
    """Real and made-up words, longer at higher levels."""
    kind = rng.choice(("count", "count", "count", "length", "reverse", "vowels"))
    word = _word(rng, level)
    if kind == "count":
        letter = rng.choice(word) if rng.random() < 0.8 else rng.choice("abcdefghijklmnopqrstuvwxyz")
        quote = rng.choice(("", "'", '"', ""))
        grammar = _COUNT
    else:
        letter, quote = "", ""
        grammar = {"length": _LENGTH, "reverse": _REVERSE, "vowels": _VOWEL}[kind]
    shown = rng.choice((word, word, word, f'"{word}"', f"'{word}'", word.capitalize(), word.upper()))
    question = dressed(rng, phrase(rng, grammar, w=shown, l=letter, q=quote), keep_case=True)
    answer = {
        "count": str(word.count(letter)) if letter else "",
        "length": str(len(word)),
        "reverse": word[::-1],
        "vowels": str(sum(each in "aeiou" for each in word)),
    }[kind]
    wanted = {"count": letter, "vowels": "aeiou"}.get(kind)

    def solve(w: Working) -> str:
        if kind == "reverse":
            w.step(" ".join(word))
            w.step(" ".join(word[::-1]))
            return word[::-1]
        return str(_counted(w, word, wanted))

    def check(w: Working, found: str) -> bool:
        if kind == "reverse":
            w.step("Check: " + " ".join(found[::-1]))
            return w.verdict(found == answer)
        w.expect(found)
        return w.verdict(_counted(w, word[::-1], wanted) == int(found))

    return Problem("letters", level, question, answer, f"letters {kind} {letter} {word}", solve, check)


def _counted(w: Working, word: str, wanted: str | None) -> int:
    """The word spelled out with a running count behind each letter that counts."""
    count = 0
    w.step()
    for at, letter in enumerate(word):
        w.write((("\n" if wanted is None else " ") if at else "") + letter)
        if wanted is None or letter in wanted:
            w.write(" ")
            count = int(w.chosen(str(count + 1), str(count + 2 if count % 2 == 0 else count)))
    w.line(f"{count}")
    return count
