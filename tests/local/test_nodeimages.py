"""An image made without a builder: what containerd's import and any registry expect of it."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from tiphys.local.nodeimages import Image, write


def test_an_image_is_one_program_under_each_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "hello").write_bytes(b"a program")
    write(
        Image(["example.com/hello:1", "example.com/hello:2"], tmp_path / "hello", ["there"]),
        tmp_path / "x.tar",
    )
    with tarfile.open(tmp_path / "x.tar") as tar:
        files = {entry.name: taken.read() for entry in tar if (taken := tar.extractfile(entry))}
    manifests = json.loads(files["index.json"])["manifests"]
    names = [each["annotations"]["io.containerd.image.name"] for each in manifests]
    assert names == ["example.com/hello:1", "example.com/hello:2"]
    manifest = json.loads(blob(files, manifests[0]))
    assert json.loads(blob(files, manifest["config"]))["config"]["Entrypoint"] == ["/hello", "there"]
    with tarfile.open(fileobj=io.BytesIO(blob(files, manifest["layers"][0]))) as layer:
        assert [(entry.name, entry.mode) for entry in layer] == [("hello", 0o755)]


def blob(files: dict[str, bytes], described: dict[str, str]) -> bytes:
    """What a descriptor names, which has to be what its digest says."""
    algorithm, _, digest = described["digest"].partition(":")
    content = files[f"blobs/{algorithm}/{digest}"]
    assert hashlib.sha256(content).hexdigest() == digest
    assert len(content) == described["size"]
    return content
