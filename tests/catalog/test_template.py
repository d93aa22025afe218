"""The look at chat templates: sound ones pass, the others are told what they do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponder.catalog.template import MAX_TEMPLATE_LENGTH, template_fault
from tests.tiny import PLAIN, PREFILLING

SOUND = [
    "",
    "no code at all {not even this}",
    PLAIN,
    PREFILLING,
    "{{- bos_token -}}{%- for m in messages %}{{ m['content'] | trim }}{%- endfor %}",
    "{{ {'a': {'b': {}}} }}{{ [1, (2)] }}",
    "{% if a %}properties:{ {{- f(x['}}']) -}} },{% endif %}",
    "{# a comment about __class__ and import {{ #}text",
    "{%- raw -%}{{ __class__ {% endraw %}{{ x }}",
    "{{ 'You may import os, or eval(exec).' }}",
    r"{{ 'it\'s {{ quoted' }}",
    "{% set important = 'x' %}{{ important }}{{ messages|length - 1 }}",
    "import __class__ as plain text",
]

FAULTY = {
    "{{ messages.__class__ }}": "reaches for __class__",
    "{{ messages['__globals__'] }}": "reaches for __globals__",
    "{{ messages | attr('x') }}": "reaches for | attr",
    "{% import 'x' as y %}": "uses import",
    "{% include 'x' %}": "uses include",
    "{% extends 'x' %}": "uses extends",
    "{% from 'x' import y %}": "uses import",
    "{{ subprocess.run() }}": "uses subprocess",
    "{{ open": "opens {{ at character 0",
    "text {% if x": "opens {% at character 5",
    "{# never": "opens {# at character 0",
    "{% raw %}{{ x }}": "opens {% raw %} at character 0",
    "{{ 'unclosed }}": "opens {{",
    "{{ x %}": "opens {{",
    "{{ {'a': 1 }}": "opens {{",
    "{# {% raw %} #}{{ x.__class__ }}{# {% endraw %} #}": "reaches for __class__",
    "x" * (MAX_TEMPLATE_LENGTH + 1): "is 524,289 characters long",
}


@pytest.mark.parametrize("text", SOUND)
def test_sound_templates_pass(text: str) -> None:
    assert not template_fault(text)


@pytest.mark.parametrize(("text", "what"), FAULTY.items(), ids=range(len(FAULTY)))
def test_faults_are_named(text: str, what: str) -> None:
    assert what in template_fault(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="{}%#'\"[]()\\ raw_endx", max_size=200))
def test_any_text_gets_a_verdict(text: str) -> None:
    assert isinstance(template_fault(text), str)


@pytest.mark.parametrize(
    "piece", ["{% raw %}", "{{", "{#", "{{ '", "{{ (", "{{ x }}", "{% -", "__a", "{{ '' }}"]
)
def test_long_templates_take_linear_time(piece: str) -> None:
    template_fault(piece * (MAX_TEMPLATE_LENGTH // len(piece)))
