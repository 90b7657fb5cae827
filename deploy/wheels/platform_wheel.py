"""
Puts a program that was built before into the wheel, and names the wheel for the program's machine.

The program's path is this hook's setting ``binary``. Building it is left to whoever builds the wheel; an
editable install needs none.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MACHINES = {62: "x86_64", 183: "aarch64", 40: "armv7l"}
"""The machine of an ELF header, as wheels name it."""

ERAS = ("manylinux2014", "manylinux_2_17", "musllinux_1_1")
"""The program is static, so it runs with any C library and none."""


class BinaryWheel(BuildHookInterface[Any]):
    """Hatchling's hook around the building of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the program, unless the install is an editable one."""
        if version == "editable":
            return
        relative = Path(self.config["binary"])
        binary = Path(self.root) / relative
        if not binary.is_file():
            raise FileNotFoundError(f"{binary} is missing; build it first, for the wheel's machine")
        build_data["pure_python"] = False
        build_data["tag"] = wheel_tag(binary)
        build_data["force_include"][str(binary)] = str(relative.relative_to("src"))


def wheel_tag(binary: Path) -> str:
    """The wheel's tag for the machine in the ELF header of ``binary``."""
    with binary.open("rb") as file:
        header = file.read(20)
    machine = MACHINES.get(int.from_bytes(header[18:20], "little"))
    if header[:4] != b"\x7fELF" or machine is None:
        raise ValueError(f"{binary} is no Linux program for {', '.join(MACHINES.values())}")
    return "py3-none-" + ".".join(f"{era}_{machine}" for era in ERAS)
