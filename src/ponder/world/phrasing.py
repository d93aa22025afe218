"""How questions are worded: a small grammar of alternatives, numbers in several spellings, people, things."""

import re
from random import Random

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SMALL = ("zero one two three four five six seven eight nine ten eleven twelve").split()

NAMES = (
    "Anna Ben Carla David Emma Finn Grace Hugo Iris Jack Kim Leo Mia Noah Olivia Paul Quinn Rosa Sam Tom Uma "
    "Victor Wendy Xavier Yara Zoe Amir Bella Chen Dina Elias Fatima George Hana Ivan Julia Kofi Lena Maria Nina "
    "Omar Priya Ravi Sofia Tariq Ursula Vera Will Yusuf Alice Bob Clara Daniel Eva Frank Greta Henry Ines Jonas "
    "Kate Lucas Max Nora Oscar Peter Ruth Sara Theo Anne John Mary Liam Ella James Lily Ethan Chloe Aisha Diego"
).split()
THINGS = (
    "apples oranges pears plums cookies marbles pencils books stickers stamps coins cards balloons eggs toys cakes "
    "flowers shells stones buttons beads bottles candies muffins tickets roses bananas lemons peaches cherries "
    "crayons pens notebooks cups plates chairs photos ribbons keys blocks fish sweets nuts tomatoes potatoes carrots "
    "onions magazines postcards badges bricks bulbs candles carpets hats gloves socks shirts scarves kites dolls"
).split()
_BEFORE = (
    "[||||||||||||Please: |Hi! |Hello, |Question: |Quick question: |Hey, |Q: |I need help: |Can you help? |Solve this: "
    "|Exercise: |Here is a question. |Homework: ]"
)
_AFTER = (
    "[||||||||||||| Thanks!| Thank you.| Show your working.| Think step by step.| Please explain.| Give only the answer."
    "| Be careful.| Show all steps.| Answer briefly.| Please help me.| Check your answer.]"
)


def phrase(rng: Random, grammar: str, **slots: object) -> str:
    """One sentence of `grammar`: `[a|b]` is either, nested as wanted, and `{name}` a slot."""
    text = grammar
    while _CHOICE.search(text):
        text = _CHOICE.sub(lambda found: rng.choice(found[1].split("|")), text)
    return text.format(**slots)


def dressed(rng: Random, question: str, *, keep_case: bool = False) -> str:
    """The question as people type: with or without courtesy, now and then in one case, or unpunctuated."""
    text = phrase(rng, _BEFORE) + question + phrase(rng, _AFTER)
    mood = rng.random()
    if mood < 0.08 and not keep_case:
        text = text.lower()
    elif mood < 0.10 and not keep_case:
        text = text.upper()
    elif mood < 0.14:
        text = text.rstrip(".?!")
    return text


def number(rng: Random, value: int) -> str:
    """A whole number as it may be written: in digits, grouped, or a small one as a word."""
    if 0 <= value <= 12 and rng.random() < 0.15:
        return _SMALL[value]
    if value >= 1000 and rng.random() < 0.4:
        return f"{value:,}"
    return str(value)


def people(rng: Random, count: int) -> list[str]:
    """Different first names."""
    return rng.sample(NAMES, count)
