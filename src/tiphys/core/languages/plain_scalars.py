"""
What a YAML scalar without quotes is: text, or something else to one of those who read it.

Kubernetes' tools read YAML 1.1 as Go's YAML has it, others YAML 1.2: what any of them takes for a number, a
boolean, a date or nothing is no text here.
"""

import re

_NO_TEXT = re.compile(
    r"""
      (?: ~ | null | true | false | yes | no | on | off | y | n )?
    | [-+]? 0 (?: [xX][0-9a-fA-F]+ | [oO]?[0-7]+ | [bB][01]+ )
    | [-+]? (?: [0-9]+ (?: \.[0-9]* )? | \.[0-9]+ ) (?: [eE][-+]?[0-9]+ )?
    | [-+]? [0-9]+ (?: :[0-5]?[0-9] )+ (?: \.[0-9]* )?
    | [-+]? \.inf | \.nan
    | \d{4}-\d\d?-\d\d? (?: (?: [Tt] | [ \t]+ ) \d.* )?
    | << | =
    """,
    re.VERBOSE | re.IGNORECASE,
)


def reads_as_text(scalar: str) -> bool:
    """Whether a scalar without quotes is text to every reader: ``1.10``, ``0755``, ``12e3`` and ``on`` are not."""
    # Go's YAML drops underscores before it looks for a number, wherever they are.
    return not _NO_TEXT.fullmatch(scalar) and not _NO_TEXT.fullmatch(scalar.replace("_", ""))
