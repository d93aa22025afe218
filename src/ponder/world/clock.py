"""Time, dates and units: clocks, weekdays, days of the year, and one unit turned into another."""

from random import Random

from ponder.world.phrasing import dressed, number, people, phrase
from ponder.world.problem import Problem
from ponder.world.working import Working

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
UNITS = (
    ("kilometres", "metres", 1000), ("km", "m", 1000), ("kilograms", "grams", 1000), ("kg", "g", 1000),
    ("metres", "centimetres", 100), ("m", "cm", 100), ("centimetres", "millimetres", 10), ("cm", "mm", 10),
    ("litres", "millilitres", 1000), ("tonnes", "kilograms", 1000), ("hours", "minutes", 60),
    ("minutes", "seconds", 60), ("days", "hours", 24), ("weeks", "days", 7), ("years", "months", 12),
    ("feet", "inches", 12), ("yards", "feet", 3), ("dozen", "pieces", 12), ("euros", "cents", 100),
    ("dollars", "cents", 100),
)  # fmt: skip


def make(rng: Random, level: int) -> Problem:
    """The level sets how far the clock or the calendar is turned."""
    return rng.choice((_later, _between, _weekday, _date, _unit, _unit, _back))(rng, level)


def _clock(hour: int, minute: int) -> str:
    return f"{hour}:{minute:02d}"


def _later(rng: Random, level: int) -> Problem:
    hour, minute = rng.randint(1, 18), rng.randint(0, 59) if level > 1 else rng.choice(range(0, 60, 5))
    hours = rng.randint(0, level)
    minutes = rng.randint(1, 59) if level > 1 else rng.choice(range(5, 60, 5))
    span = phrase(
        rng,
        "[{h} hours and {m} minutes|{h} h {m} min]" if hours > 1 else "[{h} hour and {m} minutes|{h} h {m} min]" if hours else "[{m} minutes|{m} min]",
        h=number(rng, hours), m=minutes,
    )  # fmt: skip
    grammar = (
        "[A [film|lesson|game|show|meeting] [begins|starts] at {c} and [lasts|takes] {s}. When does it end?|What time is it {s} after {c}?|"
        "{w} leaves at {c} and [drives|walks|travels] for {s}. When does {w} arrive?|It is {c}. What time is it in {s}?|{c} plus {s} is what time?]"
    )
    (who,) = people(rng, 1)
    question = dressed(rng, phrase(rng, grammar, c=_clock(hour, minute), s=span, w=who))
    total = minute + minutes
    end = (hour + hours + total // 60, total % 60)

    def solve(w: Working) -> str:
        w.step(f"Plan: {_clock(hour, minute)}, +{hours} h, +{minutes} min")
        there = w.add(hour, hours) if hours else hour
        after = w.add(minute, minutes)
        if after >= 60:
            after = w.sub(after, 60)
            there = w.add(there, 1)
        return _clock(there, after)

    def check(w: Working, answer: str) -> bool:
        w.expect(_clock(hour, minute))
        there, after = map(int, answer.split(":"))
        if after < minutes:
            after = w.add(after, 60)
            there = w.sub(there, 1)
        after = w.sub(after, minutes)
        there = w.sub(there, hours) if hours and there >= hours else there
        w.line(_clock(there, after))
        return w.verdict((there, after) == (hour, minute))

    key = f"clock {hour}:{minute}+{hours}:{minutes}"
    return Problem("clock", level, question, _clock(*end), key, solve, check)


def _between(rng: Random, level: int) -> Problem:
    hour, minute = rng.randint(1, 14), rng.randint(0, 59) if level > 1 else rng.choice(range(0, 60, 5))
    span = rng.randint(10, 100 * level)
    last, late = divmod(hour * 60 + minute + span, 60)
    grammar = (
        "[How many minutes are there [between|from] {c} [and|to] {d}?|A [film|lesson|game|show] starts at {c} and ends at {d}. How many minutes "
        "does it last?|How long is it from {c} to {d} in minutes?|{w} left at {c} and arrived at {d}. How many minutes did it take?]"
    )
    (who,) = people(rng, 1)
    question = dressed(rng, phrase(rng, grammar, c=_clock(hour, minute), d=_clock(last, late), w=who))

    def solve(w: Working) -> str:
        w.step(f"Plan: {_clock(hour, minute)} to {_clock(last, late)}")
        hours, minutes = last, late
        if late < minute:
            minutes = w.add(late, 60)
            hours = w.sub(last, 1)
        rest = w.sub(minutes, minute)
        apart = w.sub(hours, hour) if hours >= hour else 0
        more = w.mul(apart, 60) if apart else 0
        return str(w.add(more, rest) if more else rest)

    def check(w: Working, answer: str) -> bool:
        w.expect(_clock(last, late))
        minutes, hours = w.add(minute, int(answer)), hour
        while minutes >= 60:
            minutes = w.sub(minutes, 60)
            hours = w.add(hours, 1)
        w.line(_clock(hours, minutes))
        return w.verdict((hours, minutes) == (last, late))

    key = f"clock {hour}:{minute} to {last}:{late}"
    return Problem("clock", level, question, str(span), key, solve, check)


def _weekday(rng: Random, level: int) -> Problem:
    day, count = rng.randrange(7), rng.randint(2, (20, 100, 400)[level - 1])
    grammar = (
        "[Today is {d}. [What|Which] day [of the week |]is it in {n} days?|[What|Which] day is it {n} days after {d}?|"
        "If it is {d} today, what day of the week will it be in {n} days?|{w} has a party {n} days after this {d}. Which weekday is that?]"
    )
    (who,) = people(rng, 1)
    question = dressed(rng, phrase(rng, grammar, d=DAYS[day], n=number(rng, count), w=who))

    def solve(w: Working) -> str:
        rest = count
        if count >= 7:
            weeks, rest = w.divided(count, 7)
            if weeks * 7 + rest == count:
                w.line(f"{count}=7×{weeks}+{rest}")
        w.step(" ".join([DAYS[day], *(f"{n} {DAYS[(day + n) % 7]}" for n in range(1, rest + 1))]))
        return DAYS[(day + rest) % 7]

    def check(w: Working, answer: str) -> bool:
        w.expect(DAYS[day])
        rest, weeks = (DAYS.index(answer) - day) % 7, count // 7
        w.step(" ".join([answer, *(f"{n} {DAYS[(DAYS.index(answer) - n) % 7]}" for n in range(1, rest + 1))]))
        if not weeks:
            return w.verdict(rest == count)
        w.expect(count)
        return w.verdict(w.add(w.mul(weeks, 7), rest) == count if rest else w.mul(weeks, 7) == count)

    return Problem(
        "clock", level, question, DAYS[(day + count) % 7], f"clock {day}+{count} days", solve, check
    )


def _date(rng: Random, level: int) -> Problem:
    month = rng.randrange(11)
    day, count = rng.randint(1, LENGTHS[month]), rng.randint(2, (20, 30, 60)[level - 1])
    at, there = month, day + count
    while there > LENGTHS[at]:
        there -= LENGTHS[at]
        at = (at + 1) % 12
    if at < month:
        return _date(rng, level)
    grammar = (
        "[[What|Which] date is {n} days after {m} {d}[ in a common year|]?|Today is {m} {d}. What is the date in {n} days?|"
        "{w} starts on {m} {d} and stays {n} days. On which date does {w} leave?|Add {n} days to {m} {d}.]"
    )
    if month < 2:
        grammar += " [February has 28 days.|It is not a leap year.]"
    (who,) = people(rng, 1)
    question = dressed(rng, phrase(rng, grammar, d=day, n=number(rng, count), m=MONTHS[month], w=who))

    def solve(w: Working) -> str:
        w.step(f"Plan: {MONTHS[month]} {day}, +{count}")
        at, there = month, w.add(day, count)
        while there > LENGTHS[at]:
            w.line(f"{MONTHS[at]}: {LENGTHS[at]}")
            there = w.sub(there, LENGTHS[at])
            at = (at + 1) % 12
        return f"{MONTHS[at]} {there}"

    def check(w: Working, answer: str) -> bool:
        name, there = answer.split()
        w.expect(f"{MONTHS[month]} {day}")
        at, back = MONTHS.index(name), int(there)
        while back <= count and at > month:
            at -= 1
            w.step(f"{MONTHS[at]}: {LENGTHS[at]}")
            back = w.add(back, LENGTHS[at])
        back = w.sub(back, count) if back >= count else 0
        w.line(f"{MONTHS[at]} {back}")
        return w.verdict((at, back) == (month, day))

    return Problem(
        "clock", level, question, f"{MONTHS[at]} {there}", f"clock {month}/{day}+{count}", solve, check
    )


_CONVERT = (
    "[How many {v} are {n} {u}?|Convert {n} {u} to {v}.|{n} {u} in {v}[?|]|What is {n} {u} in {v}?|How many {v} are there in {n} {u}?|"
    "Express {n} {u} in {v}.|{n} {u} = ? {v}|Turn {n} {u} into {v}.]"
)


def _unit(rng: Random, level: int) -> Problem:
    big, small, factor = rng.choice(UNITS)
    count = rng.randint(2, (12, 40, 99)[level - 1])
    question = dressed(rng, phrase(rng, _CONVERT, n=number(rng, count), u=big, v=small))

    def solve(w: Working) -> str:
        w.step(f"{big} to {small}: ×{factor}")
        return str(w.mul(count, factor))

    def check(w: Working, answer: str) -> bool:
        value = int(answer)
        if factor in (24, 60) and value > 120:
            return w.nines(count, factor, value)
        w.expect(count)
        return w.verdict(value % factor == 0 and w.div(value, factor) == count)

    return Problem(
        "clock", level, question, str(count * factor), f"clock {count} {big}", solve, check,
        f"The answer is {count * factor} {small}.",
    )  # fmt: skip


def _back(rng: Random, level: int) -> Problem:
    big, small, factor = rng.choice([unit for unit in UNITS if unit[2] <= 12 or unit[2] in (100, 1000)])
    count = rng.randint(2, (12, 40, 99)[level - 1])
    total = count * factor
    question = dressed(rng, phrase(rng, _CONVERT, n=number(rng, total), u=small, v=big))

    def solve(w: Working) -> str:
        w.step(f"{small} to {big}: ÷{factor}")
        return str(w.div(total, factor))

    def check(w: Working, answer: str) -> bool:
        w.expect(total)
        return w.verdict(w.mul(int(answer), factor) == total)

    return Problem(
        "clock",
        level,
        question,
        str(count),
        f"clock {total} {small}",
        solve,
        check,
        f"The answer is {count} {big}.",
    )
