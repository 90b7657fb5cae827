"""
What to try on the example platform: commands to copy, each a line or a block that works as it stands.

Words for people; what the commands do is done by others.
"""

import shlex
import shutil
import sys
from pathlib import Path
from textwrap import dedent

from tiphys.local import controlplane
from tiphys.local.demo import root_command
from tiphys.local.place import NAMESPACE, Place, named


def own_command(place: Place) -> tuple[str, str]:
    """How this program is called here, and with the flag that names the place where that is not the usual one."""
    return "tiphys" if on_path() else shlex.quote(str(_called())), where(place)


def on_path() -> bool:
    """Whether a shell that is told ``tiphys`` finds this program."""
    found = shutil.which("tiphys")
    return bool(found and Path(found).resolve() == _called().resolve())


def where(place: Place) -> str:
    """The flag that names a place, with a space before it; empty for the usual one."""
    usual = named("local").folder
    if place.folder == usual:
        return ""
    if place.folder.parent == usual.parent:
        return f" --name {shlex.quote(place.folder.name)}"
    return f" --state-dir {shlex.quote(str(place.folder))}"


def _called() -> Path:
    return Path(sys.argv[0]).absolute()


def recipes(place: Place) -> list[tuple[str, str]]:
    """What one may try, and the commands for it, for a shell that begins with what ``begin`` says."""
    local = f"tiphys local{where(place)}"
    root = shlex.join(root_command("charts/tiphys"))
    return [
        (
            "bump the image tag of homepage, as its CI does",
            """
            sed -i 's/tag: "[^"]*"/tag: "1.0.1"/' charts/homepage/values.yaml
            git commit -qam "homepage 1.0.1" && git push -q
            """,
        ),
        (
            "add an application: one more entry in the list, and an upgrade of the root",
            f"""
            cat >> charts/tiphys/values.yaml <<'END'

              - name: api-preview
                namespace: api-preview
                path: charts/api
                releaseName: api-preview
            END
            git commit -qam "Preview of the api" && git push -q
            {local} helm {root}
            """,
        ),
        (
            "drift something by hand, and see it healed",
            f"{local} kubectl -n api scale deployment api --replicas 5",
        ),
        (
            "look around with kubectl, or with any tool by the kubeconfig",
            f"""
            {local} kubectl get applications -n {NAMESPACE}
            export KUBECONFIG=$({local} kubeconfig) && tiphys app list
            """,
        ),
        *_of_a_real_node(place),
        (
            "stop everything, and start it again without losing anything",
            f"{local} stop\ntiphys up{where(place)}{' --node real' if _of_a_real_node(place) else ''}",
        ),
    ]


def _of_a_real_node(place: Place) -> list[tuple[str, str]]:
    control = controlplane.status(place)
    if not control or not control.realNode:
        return []
    return [
        (
            "ask the page, which a real container answers with",
            f"curl --resolve homepage.example.com:80:{control.realNode} http://homepage.example.com/",
        )
    ]


def begin(place: Place) -> str:
    """What makes a shell find this program and the checkout of the charts repository."""
    path = [] if on_path() else [f"export PATH={shlex.quote(str(_called().parent))}:$PATH"]
    return "\n".join([*path, f"cd {shlex.quote(str(place.work / 'charts'))}"])


def text(place: Place) -> str:
    """All recipes as they are printed."""
    blocks = [f"# {title}\n{dedent(commands).strip()}" for title, commands in recipes(place)]
    # Not indented: a here-document that is copied must end at the beginning of a line.
    loop = "# play the whole loop, from a push of code to its image: docs/how-to/play-the-loop.md"
    return "\n\n".join([begin(place), *blocks, loop])
