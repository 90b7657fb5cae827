"""YAML as people write it, at random: every value knows where its characters are."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

ENDS = ("\n", "\r\n")
NASTY = (
    "1000660000",
    "1.10",
    "0755",
    "on",
    "2026-01-01",
    "12e3",
    "0x1F",
    "~",
    "null",
    "y",
    "1_0",
    "1:30",
    ".inf",
    "",
)
KEYS = st.sampled_from(["image", "tag", "a", "b.c", "on", "😀", "naïve key", "x-y", "0", "tag\\d"])
TEXTS = st.one_of(
    st.sampled_from(
        [*NASTY, "1.0.0", "ghcr.io/example/web:1.0", "it's", 'say "hi"', "a # b", "a: b", "😀", "- x"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=8),
)
COMMENTS = st.sampled_from(["", "", " # set by CI", "\t# tab: '😀' \"", "   "])


@dataclass
class Written:
    """A text that grows, and where its values are."""

    text: str = ""
    values: dict[tuple[str | int, ...], tuple[int, int]] = field(default_factory=dict)

    def add(self, text: str) -> None:
        self.text += text

    def value(self, path: tuple[str | int, ...], text: str) -> None:
        self.values[path] = (len(self.text), len(self.text) + len(text))
        self.text += text


@st.composite
def files(draw: st.DrawFn) -> Written:
    """A mapping with mappings, lists, flow mappings, comments, tags, anchors, several line ends."""
    written = Written()
    end = draw(st.sampled_from(ENDS))
    if draw(st.booleans()):
        written.add(f"# a file{end}{draw(st.sampled_from(['', '---' + end]))}")
    _mapping(draw, written, (), "", end, depth=0)
    if draw(st.booleans()):
        written.add(f"---{end}second: document{end}")
    return written


def _mapping(draw: st.DrawFn, written: Written, path, indent: str, end: str, *, depth: int) -> None:
    for key in draw(st.lists(KEYS, min_size=1, max_size=4, unique=True)):
        written.add(f"{indent}{_key(draw, key)}:")
        _below(draw, written, (*path, key), indent, end, depth=depth)
        if draw(st.integers(0, 4)) == 0:
            written.add(draw(st.sampled_from(["", f"{indent}# between", "   ", f"{indent} # deeper"])) + end)


def _below(draw: st.DrawFn, written: Written, path, indent: str, end: str, *, depth: int) -> None:
    deeper = indent + draw(st.sampled_from(["  ", "    "]))
    match draw(
        st.sampled_from(["scalar", "scalar", "mapping", "list", "flow", "block"] if depth < 3 else ["scalar"])
    ):
        case "mapping":
            written.add(end)
            _mapping(draw, written, path, deeper, end, depth=depth + 1)
        case "list":
            written.add(draw(COMMENTS) + end)
            for at in range(draw(st.integers(1, 3))):
                written.add(f"{deeper}-{draw(st.sampled_from([' ', '   ']))}")
                written.value((*path, at), _scalar(draw))
                written.add(draw(COMMENTS) + end)
        case "flow":
            written.add(" {")
            written.add(draw(st.sampled_from(["", " "])) + "tag: ")
            written.value((*path, "tag"), _quoted(draw))
            written.add(" , b: [ x, ")
            written.value((*path, "b", 1), _quoted(draw))
            written.add("]}" + draw(COMMENTS) + end)
        case "block":
            written.add(f" |{end}{deeper}text: of several{end}{deeper}lines{end}")
        case _:
            written.add(draw(st.sampled_from([" ", "\t", "   ", " !!str ", f" &a{len(written.values)} "])))
            written.value(path, _scalar(draw))
            written.add(draw(COMMENTS) + end)


def _key(draw: st.DrawFn, key: str) -> str:
    quoted = '"' + key.replace("\\", "\\\\") + '"'
    return draw(st.sampled_from([quoted, f"'{key}'", *([] if key.startswith("-") else [key])]))


def _scalar(draw: st.DrawFn) -> str:
    plain = st.sampled_from(["1.0.0", "1.10", "0755", "on", "v2", "😀", "two words", "ghcr.io/a/b:1.0", "~"])
    return draw(st.one_of(plain, _quotes()))


def _quoted(draw: st.DrawFn) -> str:
    return draw(_quotes())


def _quotes() -> st.SearchStrategy[str]:
    double = TEXTS.map(lambda t: '"' + t.replace("\\", "\\\\").replace('"', '\\"') + '"')
    return st.one_of(double, TEXTS.map(lambda t: "'" + t.replace("'", "''") + "'"))
