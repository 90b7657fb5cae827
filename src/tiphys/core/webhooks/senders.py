"""
The senders: how each is told apart, how it proves itself, and who reads what it tells.

The order matters where one sender wears the headers of another: Gitea and Gogs send GitHub's too. The keys of the
secrets are Argo CD's where it has the sender.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

import orjson

from tiphys.core.webhooks import forges, proofs, registries
from tiphys.core.webhooks.news import Answer, Delivery, Forged, Ignored, Malformed, Secrets
from tiphys.core.webhooks.payload import Payload

GITEA = ("x-forgejo-event", "x-gitea-event", "x-gogs-event")
GITEA_SIGNATURES = ("x-forgejo-signature", "x-gitea-signature", "x-gogs-signature")
_FORM = b"payload="


@dataclass(frozen=True)
class Sender:
    """One kind of sender."""

    name: str
    keys: tuple[str, ...]
    """The keys of its secrets, without ``webhook.``; all of them have to be there."""
    sent: Callable[[Delivery], bool]
    """Whether a request says that it comes from it."""
    proof: proofs.Proof
    told: Callable[[Delivery, Payload], Answer]


def _has(*names: str) -> Callable[[Delivery], bool]:
    return lambda delivery: any(name in delivery.headers for name in names)


SENDERS = (
    Sender(
        "Azure DevOps",
        ("azuredevops.username", "azuredevops.password"),
        _has("x-vss-activityid"),
        proofs.login,
        forges.azure,
    ),
    Sender(
        "Gitea",
        ("gogs.secret",),
        _has(*GITEA),
        proofs.signature(*GITEA_SIGNATURES),
        forges.gitea,
    ),
    Sender(
        "GitHub",
        ("github.secret",),
        _has("x-github-event"),
        proofs.signature("x-hub-signature-256", prefix="sha256="),
        forges.github,
    ),
    Sender(
        "GitLab",
        ("gitlab.secret",),
        _has("x-gitlab-event"),
        proofs.word("x-gitlab-token"),
        forges.gitlab,
    ),
    Sender(
        "Bitbucket",
        ("bitbucket.uuid",),
        _has("x-hook-uuid"),
        proofs.word("x-hook-uuid"),
        forges.bitbucket,
    ),
    Sender(
        "Bitbucket Server",
        ("bitbucketserver.secret",),
        _has("x-event-key"),
        proofs.signature("x-hub-signature", prefix="sha256="),
        forges.bitbucket_server,
    ),
    Sender(
        "Docker Hub",
        ("dockerhub.secret",),
        lambda delivery: delivery.query.get("type") == "dockerhub",
        proofs.in_the_address,
        registries.docker_hub,
    ),
    Sender(
        "registry",
        ("registry.secret",),
        lambda delivery: delivery.headers.get("content-type", "").startswith(registries.DISTRIBUTION),
        proofs.word("authorization"),
        registries.distribution,
    ),
    Sender(
        "Harbor",
        ("harbor.secret",),
        # Harbor says nothing of itself; what it carries, no other that is not known by now does.
        lambda delivery: delivery.query.get("type") == "harbor" or "authorization" in delivery.headers,
        proofs.word("authorization"),
        registries.harbor,
    ),
)


def sender_of(delivery: Delivery) -> Sender | None:
    """Who a request says that it comes from."""
    return next((sender for sender in SENDERS if sender.sent(delivery)), None)


def read(delivery: Delivery, secrets: Secrets) -> Answer:
    """What a request tells. Nothing of its body is parsed before its sender is known and has proven itself."""
    sender = sender_of(delivery)
    if sender is None:
        return Malformed(
            "no sender that is known: neither a forge's header, nor a registry's content type, "
            "nor ?type=dockerhub or ?type=harbor"
        )
    if why := _doubt(sender, delivery, secrets):
        return Forged(f"{sender.name}: {why}")
    payload = _payload(delivery)
    if not isinstance(payload, dict):
        return Malformed(f"{sender.name}: the body is no JSON object")
    match sender.told(delivery, payload):
        case Malformed(why):
            return Malformed(f"{sender.name}: {why}")
        case Ignored(why):
            return Ignored(f"{sender.name}: {why[:200]}")
        case answer:
            return answer


def _doubt(sender: Sender, delivery: Delivery, secrets: Secrets) -> str:
    known = tuple(secrets.of(key) for key in sender.keys)
    if all(known):
        return sender.proof(delivery, known)
    if any(known) or secrets.any:
        # Who signs for one sender must not be open to whoever says to be another.
        keys = " and ".join(f"webhook.{key}" for key in sender.keys)
        return f"argocd-secret has no {keys}, and other senders have to prove themselves"
    return ""


def _payload(delivery: Delivery) -> Payload:
    body = delivery.body
    try:
        if body.startswith(_FORM):
            # What GitHub sends unless told otherwise: JSON in a form of one field.
            body = parse_qs(body, max_num_fields=2).get(b"payload", [b""])[0]
        return orjson.loads(body)
    except ValueError:
        return None
