"""
What to try on the example platform: commands to copy, each a line or a block that works as it stands.

Words for people; what the commands do is done by others.
"""

import shlex
import shutil
import sys
from pathlib import Path
from textwrap import dedent

from tiphys.local.demo import root_command
from tiphys.local.place import NAMESPACE, Place, named


def own_command(place: Place) -> tuple[str, str]:
    """How this program is called here, and with the flag that names the place where that is not the usual one."""
    called = Path(sys.argv[0])
    found = shutil.which("tiphys")
    same = found and Path(found).resolve() == called.resolve()
    tiphys = "tiphys" if same else shlex.quote(str(called.absolute()))
    if place == named("local"):
        return tiphys, ""
    return tiphys, f" --state-dir {shlex.quote(str(place.folder))}"


def recipes(place: Place) -> list[tuple[str, str]]:
    """What one may try, and the commands for it. They are run in the checkout of the charts repository."""
    tiphys, where = own_command(place)
    local = f"{tiphys} local{where}"
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
            export KUBECONFIG=$({local} kubeconfig) && {tiphys} app list
            """,
        ),
        ("stop everything, and start it again without losing anything", f"{local} stop\n{tiphys} up{where}"),
    ]


def text(place: Place) -> str:
    """All recipes as they are printed."""
    checkout = shlex.quote(str(place.work / "charts"))
    blocks = [f"# {title}\n{dedent(commands).strip()}" for title, commands in recipes(place)]
    # Not indented: a here-document that is copied must end at the beginning of a line.
    return "\n\n".join(["Try it, in another terminal:", f"cd {checkout}", *blocks])
