"""A push is told by a webhook, where polls are too far apart to help."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from journeys.conftest import Platform, until
from tiphys.local.place import NAMESPACE

SECRET = "between us"
LISTENING = re.compile(r"listening +url=(\S+)")


@dataclass
class Forge:
    """What a forge does after a push."""

    platform: Platform

    @property
    def engine(self) -> str:
        """Where the engine listens, since its last start."""
        return LISTENING.findall(self.platform.place.log("engine").read_text())[-1]

    def tell(self, before: str, after: str, *files: str, secret: str = SECRET) -> int:
        """Send GitHub's push event; answers with the code."""
        repo = self.platform.app("api")["spec"]["source"]["repoURL"]
        commits = [{"id": after, "added": [], "modified": list(files), "removed": []}]
        payload = {"ref": "refs/heads/main", "before": before, "after": after, "commits": commits}
        body = json.dumps({**payload, "repository": {"clone_url": repo}}).encode()
        proof = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={proof}"}
        return self._ask("POST", "/api/webhook", body, headers)[0]

    def metrics(self) -> str:
        return self._ask("GET", "/metrics", b"", {})[1]

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        engine = HTTPConnection(urlsplit(self.engine).netloc, timeout=30)
        engine.request(method, path, body, headers)
        answer = engine.getresponse()
        text = answer.read().decode()
        engine.close()
        return answer.status, text


@pytest.fixture
def forge(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    """A forge that knows the engine's secret; polls are an hour apart."""
    word = f"--from-literal=webhook.github.secret={SECRET}"
    platform.kubectl("-n", NAMESPACE, "create", "secret", "generic", "argocd-secret", word)
    monkeypatch.setenv("TIPHYS_POLL", "1h")
    try:
        restarted(platform)
        yield Forge(platform)
    finally:
        monkeypatch.undo()
        platform.kubectl("-n", NAMESPACE, "delete", "secret", "argocd-secret")
        restarted(platform)


def restarted(platform: Platform) -> None:
    starts = len(LISTENING.findall(platform.place.log("engine").read_text()))
    platform.kill_engine()
    platform.start_engine()
    log = platform.place.log("engine")
    until(lambda: len(LISTENING.findall(log.read_text())) > starts, 30, "the engine listens")
    until(lambda: re.findall(r"\] (starting|ready) ", log.read_text())[-1] == "ready", 30, "it is ready")
    until(platform.all_well, 60, "everything is as it was")


def test_a_signed_push_is_live_at_once_and_looks_at_whom_it_concerns(platform: Platform, forge: Forge):
    before = platform._git("rev-parse", "HEAD").strip()
    untouched = platform.app("api")["status"]["sync"]["revision"]
    commit = platform.bump("homepage", "7.0.0")
    assert forge.tell(before, commit, "charts/homepage/values.yaml", secret="guessed") == 401
    assert forge.tell(before, commit, "charts/homepage/values.yaml") == 202
    until(lambda: platform.image("homepage").endswith(":7.0.0"), 10, "the new image is in the Deployment")
    until(lambda: platform.live_at("homepage", commit), 30, "homepage is synced and healthy")
    # Whoever reads nothing of what was pushed is looked at in a quiet moment.
    assert platform.app("api")["status"]["sync"]["revision"] == untouched
    figures = forge.metrics()
    assert 'tiphys_webhooks_total{code="202",sender="GitHub"} 1.0' in figures
    assert 'tiphys_webhooks_total{code="401",sender="GitHub"} 1.0' in figures
    assert re.search(r'argocd_app_sync_total\{[^}]*name="homepage"[^}]*phase="Succeeded"[^}]*\} 1.0', figures)
