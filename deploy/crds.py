"""
Writes the CustomResourceDefinitions of the chart, from the types in ``tiphys.model.api``: `make crds`.
"""

from pathlib import Path

import yaml

from tiphys.model.api.schema import definitions

CRDS = Path(__file__).parent / "chart" / "crds"
HEADER = "# Made from src/tiphys/model/api by `make crds`; change the types, not this file.\n"


class _Plain(yaml.SafeDumper):
    """Repeats what is repeated: kubectl would read anchors, people would not."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def files() -> dict[str, str]:
    """The text of each file, by its name."""
    return {
        f"{name}.yaml": HEADER + yaml.dump(document, Dumper=_Plain, sort_keys=False, width=110)
        for name, document in definitions().items()
    }


if __name__ == "__main__":
    for name, text in files().items():
        (CRDS / name).write_text(text)
        print(f"{name}: {len(text):,} bytes")
