"""What registries tell of a pushed image or chart. What is missing is left out, and nothing raises."""

from tiphys.core.webhooks.news import Answer, Delivery, Heard, Ignored, ImagePushed, Malformed
from tiphys.core.webhooks.payload import Payload, items, text

HUB = "docker.io"
DISTRIBUTION = "application/vnd.docker.distribution.events.v"
"""How the content type of the distribution registry's notifications begins; their version follows."""


def docker_hub(_: Delivery, payload: Payload) -> Answer:
    """Docker Hub: every request is about a pushed tag."""
    name = text(payload, "repository", "repo_name")
    if not name and text(payload, "repository", "name"):
        name = f"{text(payload, 'repository', 'namespace')}/{text(payload, 'repository', 'name')}".lstrip("/")
    path = name if "/" in name or not name else f"library/{name}"
    return image(HUB, path, text(payload, "push_data", "tag"))


def harbor(_: Delivery, payload: Payload) -> Answer:
    """Harbor: ``PUSH_ARTIFACT``. Its host stands in the address of each resource alone."""
    if (event := text(payload, "type")) != "PUSH_ARTIFACT":
        return Ignored(f"the event {event}")
    path = text(payload, "event_data", "repository", "repo_full_name")
    resources = items(payload, "event_data", "resources")
    return _each([(_host(text(each, "resource_url")), path, text(each, "tag")) for each in resources])


def distribution(_: Delivery, payload: Payload) -> Answer:
    """The notifications of the distribution registry, and of what is built on it: Zot, Nexus, GitLab's own."""
    pushed = [each for each in items(payload, "events") if text(each, "action") == "push"]
    told = [
        (
            text(each, "request", "host") or _host(text(each, "target", "url")),
            text(each, "target", "repository"),
            text(each, "target", "tag"),
        )
        for each in pushed
    ]
    return _each(told)


def image(host: str, path: str, tag: str) -> Answer:
    """A pushed tag, if all three are told."""
    if not host or not path.strip("/"):
        return Malformed("the payload names no repository of a registry")
    # Registries tell of what has no tag as well: nobody follows that.
    return (ImagePushed(f"{host}/{path}", tag),) if tag else Ignored("an image without a tag")


def _each(told: list[tuple[str, str, str]]) -> Answer:
    answers = [image(*each) for each in told]
    found: tuple[Heard, ...] = tuple(
        heard for answer in answers if isinstance(answer, tuple) for heard in answer
    )
    malformed = next((answer for answer in answers if isinstance(answer, Malformed)), None)
    return found or malformed or Ignored("nothing that was pushed has a tag")


def _host(url: str) -> str:
    """The host of an address, with or without a scheme in front."""
    rest = url.partition("://")[2] or url
    host, slash, _ = rest.partition("/")
    return host if slash else ""
