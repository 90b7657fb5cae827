"""
Writes ``install.yaml`` beside this file, the chart as one file for kubectl: `make install-yaml`.

With the name of an image as argument it prints the file for that image instead.
"""

import re
import subprocess
import sys
from pathlib import Path

import tiphys_localkube

HERE = Path(__file__).parent
NAMESPACE = "argocd"
IMAGE = "ghcr.io/example/tiphys"
"""Stands where yours goes."""

HEADER = f"""\
# Made from deploy/chart by `make install-yaml`; change the chart, not this file.
# {IMAGE} stands where the name of your image goes: see docs/how-to/install.md.
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
"""
OF_HELM = re.compile(
    r"^(# Source: .*|\s+(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*)\n", re.MULTILINE
)


def text(image: str = IMAGE) -> str:
    """The file: namespace, definitions, and what the chart makes of its default values."""
    chart = [HERE / "chart", "--namespace", NAMESPACE, "--include-crds", "--set", f"image.repository={image}"]
    command = [tiphys_localkube.binary(), "helm", "template", "tiphys", *chart]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    documents = re.split(r"^---\n", OF_HELM.sub("", made), flags=re.MULTILINE)
    return HEADER + "".join(f"---\n{document.strip()}\n" for document in documents if document.strip())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(text(sys.argv[1]), end="")
    else:
        (HERE / "install.yaml").write_text(text())
        print(f"install.yaml: {len(text()):,} bytes")
