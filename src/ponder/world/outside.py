"""Questions from outside the world: the model says what it knows instead of guessing."""

from random import Random

from ponder.world.phrasing import NAMES, THINGS, dressed, phrase
from ponder.world.problem import Problem
from ponder.world.working import Working

ONLY = (
    "I only know numbers and small puzzles: sums, fractions, percentages, linear equations, word problems, time and units, "
    "sorting, letters, sequences, knights and knaves, countdown."
)
_THINGS = (
    "France Japan Brazil Kenya Canada Italy Egypt love music time water gold iron sleep gravity light democracy war peace art god "
    "cancer flu headache fever malaria diabetes insulin aspirin coffee tea bread pasta pizza cheese chess football tennis Python "
    "Java Rust JavaScript Linux Windows bitcoin money inflation taxes climate weather rain snow Mars Venus Jupiter moon sun stars "
    "dinosaurs whales cats dogs horses bees trees roses oceans volcanoes physics chemistry biology philosophy history poetry law "
    "Shakespeare Einstein Newton Darwin Mozart Picasso Napoleon Cleopatra Gandhi Plato Aristotle Kant Rome Paris London Berlin "
    "Tokyo Madrid Moscow Beijing Sydney Chicago Texas Africa Asia Europe atoms electrons DNA cells proteins viruses bacteria "
    "computers robots phones cameras engines bridges castles pyramids ships planes trains bicycles cars"
).split()
_VERBS = "work sleep eat think fly grow exist change matter move happen shine break melt burn dance sing write read".split()
_ADJECTIVES = "good bad old new famous beautiful dangerous healthy expensive cheap fast slow big tall deep cold hot rare".split()
_CHAT = (
    "[hello|hi|hi there|hey|good morning|good evening|how are you|how are you today|what is your name|who are you|who made you|tell me a joke|"
    "thank you|thanks|bye|see you|are you human|do you like me|I am sad|I am bored|I feel lonely today|nice to meet you|what can you do|help|"
    "what's up|do you dream|can you hear me|sing a song|let's talk|I love you|you are stupid|test|ok|yes|no|why|sorry|wow|lol|really]{p}"
)
_KNOWLEDGE = (
    "[What is the capital of {t}?|Who [was|is|were] {t}?|What is {t}?|What are {t}?|Why [do|does] {t} {v}?|How [do|does] {t} {v}?|Where is {t}?|When was {t} [born|built|"
    "invented|discovered|founded]?|Who [invented|discovered|wrote about|painted] {t}?|Tell me about {t}.|Explain {t}.|Explain {t} to a child.|What do you "
    "know about {t}?|Is {t} {a}?|Why is {t} {a}?|How {a} is {t}?|What is the history of {t}?|What is the population of {t}?|What is the difference between {t} "
    "and {u}?|Which is more {a}, {t} or {u}?|Do you prefer {t} or {u}?|What language do they speak in {t}?|How far is it from {t} to {u}?|Who is the president of "
    "{t}?|What is the meaning of {t}?|Give me three facts about {t}.|What happened in {y}?|Who won the {t} [cup|war|prize] in {y}?|What is the chemical formula of {t}?|"
    "What is the weather in {t} [today|tomorrow]?|Should I {v} [before|after|with] {t}?|What color is {t}?|Compare {t} and {u}.|Summarise the theory of {t}.]"
)
_WRITING = (
    '[Write a [poem|story|song|letter|essay|haiku|speech|joke|tweet|review|book] about {t}.|Translate "{t}" into [French|German|Spanish|Chinese|Latin].|Write a [Python|C|Java|'
    "JavaScript|Rust|SQL] [function|program|script|query] [for|about|to draw|that prints] {t}.|Summarise [the book|this article|the film] about {t}.|Draw a picture of {t}.|"
    "Rewrite this sentence: {t} and {u} {v}.|Correct the grammar: {n} {v} {t}.|Write an email to {n} about {t}.|What rhymes with {t}?|Invent a name for a shop that sells "
    "{t}.|Continue the story: {n} saw {t} and began to {v}.|def f(x): return x  # what does it do?|for i in range({k}): print(i)|Fix this bug: {t}.{v}() fails|How do I "
    "install {t}?|Give me a recipe for {t}.|Plan a trip to {t}.|Recommend a [book|film|song] about {t}.|Make a list of {a} {u}.|Paraphrase: {t} {v} at night.]"
)
_ADVICE = (
    "[I have [a headache|a fever|a cough|back pain|a rash]. What should I do?|How do I treat {t}?|Can I take {t} with {u}?|Is it safe to {v} with {t}?|How can I lose weight?|How "
    "can I {v} better?|Should I buy {t}?|Which {t} should I invest in?|How do I become {a}?|My [friend|boss|dog|sister] {n} is angry. What now?|Can I sue {n} for {t}?|How do I cook "
    "{t}?|How do I repair {t}?|Is my {t} broken?|What should I wear [today|tomorrow|to a wedding]?|Where can I buy {t}?|How do I learn {t}?|What time is it[ now| in {t}|]?|What day is it "
    "today?|How old are you?|Where do you live?|What is your favourite {u}?]"
)
_HARD = (
    "[What is the square root of {k}?|√{k}|sqrt({k})|What is the derivative of x^{m}?|Integrate x^{m} dx.|Differentiate {m}x^3 + {k}x.|Solve x^2 + {m}x = {k}.|Solve {m}x² - {k}x + 1 = 0.|"
    "What is {k} to the power of {m}?|{k}^{m}|{m}! = ?|log({k})|sin({k})|What is cos({k}) + tan({m})?|Is {k} a prime number?|Factorise {k}.|What is the {k}th prime?|Prove that there are "
    "infinitely many primes.|What is the limit of 1/x?|Solve x + y = {k}, x - y = {m}.|What is pi to {m} digits?|Find the area of a circle of radius {m}.|What is the probability of {m} heads?|"
    "{big} ÷ {long} = ?|What is {big} divided by {long}?|Divide {big} by {long}.|What is {big} × {big}?|{big} times {big}|Calculate {big} * {big}.|Convert {k} to binary.|What is {k} mod {m}?|"
    "What is the greatest common divisor of {k} and {m}?|What is the volume of a sphere of radius {m}?|What is the mean of {k}, {m} and {long}?|How many ways can {m} people sit?|Plot y = {m}x.]"
)
_NOISE = "abcdefghijklmnopqrstuvwxyz      .,;:!?()#*"


def make(rng: Random, level: int) -> Problem:
    """Chat, knowledge, writing, advice, mathematics beyond the world, and mere noise."""
    grammar = rng.choice(
        (_CHAT, _KNOWLEDGE, _KNOWLEDGE, _KNOWLEDGE, _WRITING, _WRITING, _ADVICE, _HARD, _HARD, "noise")
    )
    if grammar == "noise":
        question = "".join(rng.choice(_NOISE) for _ in range(rng.randint(3, 60))).strip() or "?"
    else:
        t, u = (rng.choice(rng.choice((_THINGS, _THINGS, THINGS))) for _ in range(2))
        question = phrase(
            rng, grammar, t=t, u=u, v=rng.choice(_VERBS), a=rng.choice(_ADJECTIVES), n=rng.choice(NAMES),
            k=rng.randint(13, 999), m=rng.randint(2, 12), y=rng.randint(1000, 2030), p=rng.choice(("", "!", "?", ".")),
            big=rng.randint(10_000, 9_999_999), long=rng.randint(13, 999),
        )  # fmt: skip
        question = dressed(rng, question)

    def solve(w: Working) -> str:
        w.step("This is outside what I know")
        return "unknown"

    return Problem(
        "outside", level, question, "unknown", f"outside {question}", solve, lambda _w, _a: True, ONLY
    )
