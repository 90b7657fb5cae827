"""Refusals as people want to read them."""

import pytest

from tiphys.adapters.cluster.wording import ADVICE, readable

LONG = '{"Env":[{"Name":"A","Value":"' + '}x\\\\\\"[' * 40 + '"}],"Spec":{"Volumes":null}}'


def test_a_template_that_is_quoted_whole_is_left_out():
    message = f'Job.batch "j" is invalid: spec.template: Invalid value: {LONG}: field is immutable'
    assert readable(message) == (
        f'Job.batch "j" is invalid: spec.template: Invalid value: {{…}}: field is immutable{ADVICE}'
    )


def test_of_several_errors_each_is_told():
    message = f"[a: Invalid value: {LONG}: no, b: Duplicate value: {LONG}, c: Required value]"
    assert readable(message) == "[a: Invalid value: {…}: no, b: Duplicate value: {…}, c: Required value]"


@pytest.mark.parametrize(
    "message",
    [
        "",
        'namespaces "web" not found',
        "a: Invalid value: {}: no, b: Invalid value: [1]: neither",
        "expected string, got &value.valueUnstructured{Value:1}",
        "(e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
        "it ends in the middle, value: {",
    ],
)
def test_what_is_short_stays_as_it_is(message: str):
    assert readable(message) == message
