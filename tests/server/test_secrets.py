"""Where the webhook's secrets come from."""

import base64
from dataclasses import dataclass, field

import pytest

from tiphys.model.errors import SpecError
from tiphys.model.objects import Body, Key, Live
from tiphys.wiring.webhooks import KeptSecrets


@dataclass
class Reader:
    """Secrets of a namespace, and how often one was asked for."""

    secrets: dict[str, Body] = field(default_factory=dict)
    asked: int = 0
    now: float = 0.0

    def has(self, name: str, labels: dict[str, str] | None = None, **data: str) -> None:
        encoded = {
            key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()
        }
        self.secrets[name] = {"metadata": {"name": name, "labels": labels or {}}, "data": encoded}

    async def read(self, key: Key) -> Live | None:
        self.asked += 1
        assert (key.kind, key.namespace) == ("Secret", "argocd")
        body = self.secrets.get(key.name)
        return Live(key, body) if body else None

    def kept(self) -> KeptSecrets:
        return KeptSecrets(self.read, "argocd", lambda: self.now)


async def test_a_secret_is_asked_for_once_in_a_while_and_a_change_is_seen():
    reader = Reader()
    reader.has("argocd-secret", webhook_github_secret="one\n", admin_password="not ours")
    kept = reader.kept()
    assert (await kept()).of("github.secret") == "one"
    assert (await kept()).values == {"webhook.github.secret": "one\n"}
    assert reader.asked == 1
    reader.has("argocd-secret", webhook_github_secret="two")
    reader.now = 11
    assert (await kept()).of("github.secret") == "two"


async def test_no_secret_is_no_error():
    assert not (await Reader().kept()()).any


async def test_a_value_may_name_another_secret_as_in_argo_cd():
    reader = Reader()
    reader.has("argocd-secret", webhook_github_secret="$hooks:word")
    reader.has("hooks", {"app.kubernetes.io/part-of": "argocd"}, word="there")
    assert (await reader.kept()()).of("github.secret") == "there"


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/part-of": "another"}])
async def test_a_secret_that_is_not_meant_for_us_is_not_read_from(labels: dict[str, str]):
    reader = Reader()
    reader.has("argocd-secret", webhook_github_secret="$hooks:word")
    reader.has("hooks", labels, word="private")
    with pytest.raises(SpecError, match=r"names \$hooks:word: there has to be a Secret hooks") as error:
        await reader.kept()()
    assert "private" not in str(error.value)


async def test_a_dollar_alone_is_part_of_the_word():
    reader = Reader()
    reader.has("argocd-secret", webhook_github_secret="$ecret")
    assert (await reader.kept()()).of("github.secret") == "$ecret"
