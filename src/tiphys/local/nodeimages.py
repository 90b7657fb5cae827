"""
Images made of one static program each, without a builder: a layer, a configuration, a manifest, in a tar.

https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md. The names of images in it are where
containerd's import looks for them. Which images there are is for others to say.
"""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOBODY = "65534"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}
KIND = "application/vnd.oci.image"


@dataclass(frozen=True, slots=True)
class Image:
    """A program that becomes ``/<its name>`` of an image with some names; ``arguments`` begin its command line."""

    names: Sequence[str]
    program: Path
    arguments: Sequence[str] = ()


def write(image: Image, tar: Path) -> None:
    """Write the image where nobody sees half of it."""
    layer = _layer(image.program)
    config = _json(
        {
            "architecture": MACHINES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Entrypoint": [f"/{image.program.name}", *image.arguments], "User": NOBODY},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{KIND}.manifest.v1+json",
            "config": _described("config.v1+json", config),
            "layers": [_described("layer.v1.tar", layer)],
        }
    )
    index = _json({"schemaVersion": 2, "manifests": [_named(manifest, name) for name in image.names]})
    files = {"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": index}
    files |= {f"blobs/sha256/{_digest(blob)[7:]}": blob for blob in (config, manifest, layer)}
    tar.parent.mkdir(parents=True, exist_ok=True)
    new = tar.with_suffix(".new")
    new.write_bytes(_tar(files))
    new.replace(tar)


def _layer(program: Path) -> bytes:
    return _tar({program.name: program.read_bytes()}, mode=0o755)


def _tar(files: dict[str, bytes], mode: int = 0o644) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _described(kind: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": f"{KIND}.{kind}", "digest": _digest(blob), "size": len(blob)}


def _named(manifest: bytes, name: str) -> dict[str, Any]:
    names = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
    return {**_described("manifest.v1+json", manifest), "annotations": names}
