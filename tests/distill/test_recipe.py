"""Recipes: what cannot be is refused in one sentence before anything is begun."""

from pathlib import Path

import pytest

from ponder.distill.recipe import find_recipe, read_recipe, shipped
from ponder.errors import PonderError

GOOD = """
name = "good"

[stages.dataset]
examples = ["worked"]
vocabulary = "words"

[stages.words]
kind = "vocabulary"
examples = ["worked"]

[stages.worked]
prompts = "prompts"

[stages.prompts]
sources = [{ task = "world:lamp", count = 10 }]

[stages.student]
kind = "train"
dataset = "dataset"
settings = { shape = { width = 32, layers = 1, heads = 2, feed = 64 }, steps = 5 }
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_stages_are_put_in_an_order_in_which_they_can_run(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, GOOD))
    assert [stage.name for stage in recipe.stages] == ["prompts", "worked", "words", "dataset", "student"]
    assert recipe.stage("worked").settings.slip_rate == 0.12
    assert recipe.stage("student").needs == ("dataset",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[stages.words]\n", "[stages.words]\nsise = 5\n"), "no setting 'sise': did you mean size"),
        (('kind = "vocabulary"', 'kind = "vocabulry"'), "kind 'vocabulry'.*did you mean vocabulary"),
        (('prompts = "prompts"', 'prompts = "prompt"'), "needs a stage 'prompt'.*did you mean prompts"),
        (('vocabulary = "words"', 'vocabulary = "worked"'), "of the kind worked: it must be of vocabulary"),
        (('prompts = "prompts"', "prompts = 5"), "stages.worked.prompts cannot be 5"),
        (('prompts = "prompts"', ""), "stages.worked lacks the field 'prompts'"),
        ((", count = 10", ""), "has no end: say how many"),
        (("world:lamp", "world:lmp"), "the world has no task 'lmp'"),
        (("heads = 2", "heads = 3"), "32 cannot be shared by 3 heads"),
        (("feed = 64", "feed = 60"), "multiples of 32"),
        (("width = 32", "wide = 32"), "the trainer lean.shape has no field 'wide'"),
        (('dataset = "dataset"', 'dataset = "dataset"\ntrainer = "leen"'), "no trainer 'leen': try lean"),
        (('dataset = "dataset"', 'dataset = "dataset"\nstart = "student"'), "in a circle: student"),
        (('name = "good"', 'name = "go/od"'), "name 'go/od' must be"),
        (('name = "good"', 'title = "good"'), "has 'title', which is none of"),
        (('name = "good"', "name = good"), "is no TOML"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert change[0] in GOOD
    with pytest.raises(PonderError, match=said) as error:
        read_recipe(written(tmp_path, GOOD.replace(*change)))
    assert "\n" not in str(error.value)


def test_shipped_recipes_are_right(tmp_path: Path) -> None:
    assert "tiny" in shipped()
    for name in shipped():
        assert find_recipe(name).about
    with pytest.raises(PonderError, match=r"no recipe 'nothing'.*tiny"):
        find_recipe("nothing")
