"""Roles: deterministic, told while the model writes, each with its rule; English and Chinese."""

import random
from itertools import pairwise
from math import exp, log, log1p

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponder.core.events import Step, Token
from ponder.reason.cues import cues, seen_in, weights
from ponder.reason.label import (
    EPISODE_OF,
    SCALE,
    Context,
    Label,
    Labeller,
    _added,
    forward,
    label,
    sentences,
)

SOLUTION = (
    ("Okay, so I need to find how many apples Ann has after buying 12 more.", "restate"),
    ("Let me start by writing down what each of them has.", "plan"),
    ("I remember that the formula for the total is always a + b.", "recall"),
    ("7 + 12 = 19.", "compute"),
    ("So 19 times 2 is 38.", "compute"),
    ("Hmm.", "doubt"),
    ("Alternatively, maybe she gave some of them away?", "branch"),
    ("Wait, no, that is wrong.", "backtrack"),
    ("Let me double-check that.", "check"),
    ("Yes, that is correct and it matches.", "check"),
    ("So the answer is B.", "answer"),
    ("**Final Answer** \\boxed{38}", "answer"),
)


def test_roles_of_a_solution() -> None:
    labeller = Labeller()
    assert [(text, labeller.sentence(text).role) for text, _ in SOLUTION] == list(SOLUTION)


CHINESE = (
    ("题目要求我们求小明一共有多少个苹果。", "restate"),
    ("7 + 12 = 19。", "compute"),
    ("也许还有另一种方法？", "branch"),
    ("等等，不对，我算错了。", "backtrack"),
    ("让我再验证一下。", "check"),
    ("没错，结果正确。", "check"),
)


CHINESE_FIRST = (
    ("好的，我现在需要解决这个问题：一个长方形的周长是36厘米，长是宽的两倍，求面积。", "restate"),
    ("题目告诉我们小明有12个苹果，小红的苹果是他的三倍。", "restate"),
    ("已知三角形的两边分别是3和4，夹角是90度。", "restate"),
    ("嗯，让我想想。", "doubt"),
    ("首先，我需要设宽为x厘米。", "plan"),
    ("我们先来求长方形的宽。", "plan"),
    ("接下来，我应该把这两个方程联立起来。", "plan"),
    ("长方形的周长公式是长加宽的和乘以2。", "recall"),
    ("我记得勾股定理是a² + b² = c²。", "recall"),
    ("根据公式，圆的面积等于πr²。", "recall"),
    ("2 × (x + 2x) = 36，6x = 36，x = 6。", "compute"),
    ("代入得到 3 × 4 = 12。", "compute"),
    ("计算一下，72 ÷ 6 = 12。", "compute"),
    ("所以宽是6厘米，长是12厘米。", "consolidate"),
    ("因此，这两个三角形是相似的。", "consolidate"),
    ("这说明x一定是偶数。", "consolidate"),
    ("等等，我是不是看错题了？", "doubt"),
    ("我不太确定这样对不对。", "doubt"),
    ("不对，这里算错了。", "backtrack"),
    ("等一下，上面的结果有问题，应该重新算。", "backtrack"),
    ("或者，我们可以换一种方法来考虑。", "branch"),
    ("另一种思路是用向量来做。", "branch"),
    ("如果x等于5会怎么样？", "branch"),
    ("假设小红有y个苹果呢？", "branch"),
    ("让我检查一下计算过程。", "check"),
    ("验证一下：6 + 12 = 18，18 × 2 = 36，符合题意。", "check"),
    ("代回原方程，两边相等，没有问题。", "check"),
    ("再核对一遍，结果是正确的。", "check"),
    ("所以答案是72平方厘米。", "answer"),
    ("综上所述，最终答案是 \\boxed{72}。", "answer"),
    ("因此正确选项是B。", "answer"),
    ("总之，面积为72平方厘米。", "consolidate"),
)
"""Sentences of the kind that reasoning in Chinese has, labelled by us; cues were mended by these."""

CHINESE_SECOND = (
    ("好，现在我要算出这批货物的总重量。", "restate"),
    ("题目给出了甲、乙两个仓库的存粮。", "restate"),
    ("问题是乙仓库还剩多少吨。", "restate"),
    ("我需要先把单位统一成千克。", "plan"),
    ("第一步，列出方程。", "plan"),
    ("一般来说，等差数列的求和公式是首项加末项乘以项数再除以二。", "recall"),
    ("由三角形内角和定理可知，三个角的和是180度。", "recall"),
    ("250 × 4 = 1000。", "compute"),
    ("把x = 3代入，得到y = 7。", "compute"),
    ("1000减去360等于640。", "compute"),
    ("因此乙仓库比甲仓库多。", "consolidate"),
    ("这意味着余数只能是0或1。", "consolidate"),
    ("嗯，这有点奇怪。", "doubt"),
    ("哦，等等。", "doubt"),
    ("等等，我刚才算错了，应该是减法。", "backtrack"),
    ("不对，这个假设不成立。", "backtrack"),
    ("换个角度，也许可以从反面考虑。", "branch"),
    ("或者用列表法试试？", "branch"),
    ("再检查一遍每一步。", "check"),
    ("验算：640 + 360 = 1000，正确。", "check"),
    ("对的，和前面的结果一致。", "check"),
    ("答案是640吨。", "answer"),
    ("最终答案：B", "answer"),
    ("所以选C。", "answer"),
)
"""A second set by the same author, who had read the cues; no cue was changed by these."""


@pytest.mark.parametrize(("rows", "least"), [(CHINESE_FIRST, 24), (CHINESE_SECOND, 21)])
def test_most_chinese_sentences_have_the_role_that_we_gave_them(
    rows: tuple[tuple[str, str], ...], least: int
) -> None:
    labeller = Labeller()
    assert sum(labeller.sentence(text).role == role for text, role in rows) >= least


def test_what_only_looks_like_a_mark_in_chinese_is_none() -> None:
    assert "number" not in seen_in("这两个三角形相似。")
    assert "bad" not in seen_in("我不太确定这样对不对。")
    assert "problem" not in seen_in("两边相等，没有问题。")
    assert "bad" not in seen_in("是不是这样？")


def test_thinking_aloud_is_a_plan_until_it_hesitates() -> None:
    assert Labeller().sentence("Okay, let me think about this step by step.").role == "plan"
    assert Labeller().sentence("Hmm, wait, let me think.").role == "doubt"


FINAL_STATE = (-3360, -3064, -3534, -4046, -3830, 0, -3034)
"""After all of these; changes only with cues, features and weights, never with the machine."""


def test_roles_of_a_chinese_solution() -> None:
    labeller = Labeller()
    assert [(text, labeller.sentence(text).role) for text, _ in CHINESE] == list(CHINESE)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Let me double-check that.", 'check: "double-check"'),
        ("Alternatively, we take the other road.", 'other way: "Alternatively"'),
        ("I remember the theorem of the sum.", 'recall: "remember"'),
    ],
)
def test_the_rule_names_a_cue_and_its_words(text: str, rule: str) -> None:
    labeller = Labeller()
    labeller.sentence("There are two roads from here to the town.")
    assert labeller.sentence(text).rule == rule


def test_the_question_tells_what_is_restated() -> None:
    question = "A train leaves Berlin at noon and travels 300 kilometres to Munich."
    features = Context(question).features("The train travels 300 kilometres to Munich.")
    assert "said before" in features
    assert "said before" not in Context().features("The train travels 300 kilometres to Munich.")


def test_a_step_has_the_role_of_most_of_its_text() -> None:
    found = Labeller().step("Wait. 12 + 30 = 42, and 42 * 2 = 84, and 84 - 4 = 80.")
    assert found.role == "compute"
    assert Labeller().step(" \n ") == Label("other", "")


def test_steps_of_an_output_whose_indices_do_not_start_at_0() -> None:
    texts = ["7 + 12 = 19, and 19 + 1 = 20.", " Let me double-check", " that."]
    tokens = [Token(i, 1, t.encode(), "reasoning", "model", None, 0.0) for i, t in enumerate(texts, 5)]
    steps = (Step(0, 5, 6, "reasoning"), Step(1, 6, 8, "reasoning"))
    found = label(tokens, steps)
    assert [step.role for step in found] == ["compute", "check"]
    assert [(step.index, step.start, step.stop) for step in found] == [(0, 5, 6), (1, 6, 8)]
    assert all(step.rule for step in found)
    assert label([], ()) == ()


@given(st.lists(st.text(max_size=80), max_size=8))
def test_any_text_has_a_known_role_and_always_the_same(texts: list[str]) -> None:
    first, second = Labeller("Q"), Labeller("Q")
    found = [first.step(text) for text in texts]
    assert found == [second.step(text) for text in texts]
    assert all(item.role in EPISODE_OF for item in found)


def test_a_role_does_not_depend_on_what_follows() -> None:
    texts = [text for text, _ in SOLUTION]
    whole = Labeller()
    all_labels = [whole.sentence(text) for text in texts]
    for stop in range(len(texts)):
        part = Labeller()
        assert [part.sentence(text) for text in texts[:stop]] == all_labels[:stop]


def test_the_forward_pass_sums_over_every_path() -> None:
    source = random.Random(3)
    moves = [[source.randint(-900, 900) for _ in range(3)] for _ in range(3)]
    votes = [[source.randint(-1500, 1500) for _ in range(3)] for _ in range(3)]
    state: tuple[int, ...] = ()
    for vote in votes:
        state = forward(state, vote, moves)
    totals = [0.0, 0.0, 0.0]
    for path in ((a, b, c) for a in range(3) for b in range(3) for c in range(3)):
        score = sum(votes[i][state_] for i, state_ in enumerate(path))
        score += sum(moves[a][b] for a, b in pairwise(path))
        totals[path[-1]] += exp(score / SCALE)
    assert max(state) == 0
    expected = [SCALE * log(total / max(totals)) for total in totals]
    assert [float(value) for value in state] == pytest.approx(expected, abs=5)


def test_integers_do_not_hang_on_the_last_bit_of_a_logarithm() -> None:
    """Another machine's `exp` may differ in its last bits: no table entry is near a tie of rounding."""
    for apart, value in enumerate(_added()):
        exact = SCALE * log1p(exp(-apart / SCALE))
        assert abs(exact - value) < 0.5 - 1e-9


def test_the_weights_fit_the_cues() -> None:
    table = weights()
    assert set(table.episodes) == set(EPISODE_OF.values())
    assert all(len(row) == len(table.episodes) for row in [*table.features.values(), *table.transitions])
    shapes = {name for name in table.features if name not in cues()}
    shapes -= {name for name in shapes if name.startswith(("word ", "begins "))}
    assert shapes <= {
        *("any", "first", "said before", "answered", "checking"),
        *("mostly math", "short with a number", "no text"),
        *("words<=3", "words<=7", "words<=15", "words<=25", "words>25"),
        *("exploring 2", "exploring 4", "computing 2", "computing 4"),
    }
    numbers = [*table.features.values(), *table.transitions]
    assert all(type(value) is int for row in numbers for value in row)


def test_sentences() -> None:
    assert sentences("One is 3.5. Two.\nThree: yes! 四。五") == [
        "One is 3.5.",
        "Two.",
        "Three: yes!",
        "四。",
        "五",
    ]
    assert sentences(" ") == []


def test_every_cue_can_be_found() -> None:
    for name, pattern in cues().items():
        assert "\n" not in pattern.pattern, name
        assert not pattern.search(""), name
