"""
The way to a repository: what the Secrets and the two ConfigMaps of Argo CD say of a URL, put together.

As with Argo CD, a ``repository`` Secret that has nothing to prove who we are takes that of the ``repo-creds`` that fit;
one that is for a project counts for that project's applications alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tiphys.core.repositories.credentials import GIT, HELM, LABEL, READING, Credential, best
from tiphys.model.access import Access
from tiphys.model.addresses import host_of


@dataclass(frozen=True)
class Keyring:
    """What is known of all repositories at a moment."""

    namespace: str = "argocd"
    credentials: Sequence[Credential] = ()
    known_hosts: str = ""
    authorities: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Certificates (PEM) by host."""
    trouble: str = ""
    """Why the Secrets are not known."""

    def git(self, url: str, project: str) -> Access:
        """The way to a Git repository."""
        return self._access(url, self._chosen(url, project, helm=False), GIT)

    def charts(self, url: str, project: str) -> Access:
        """The way to a chart repository."""
        return self._access(url, self._chosen(url, project, helm=True), HELM)

    def _chosen(self, url: str, project: str, *, helm: bool) -> Credential | None:
        fitting = [
            one
            for one in self.credentials
            if one.project in ("", project) and (one.kind == HELM) is helm and one.kind in (GIT, HELM)
        ]
        found = best(fitting, url)
        if not found or found.proves:
            return found
        template = best([one for one in fitting if one.proves and not one.exact], url)
        return _completed(found, template) if template else found

    def _access(self, url: str, found: Credential | None, kind: str) -> Access:
        host = host_of(url)
        known = Access(known_hosts=self.known_hosts, authorities=self.authorities.get(host, ""))
        if not found:
            return replace(known, remedy=self._lacking(url, kind))
        name = f"Secret {self.namespace}/{found.secret}"
        return replace(
            known,
            secret=name,
            project=found.project,
            username=found.username,
            password=found.password,
            bearer_token=found.bearer_token,
            ssh_private_key=found.ssh_private_key,
            certificate=found.certificate,
            certificate_key=found.certificate_key,
            insecure=found.insecure,
            unasked=found.unasked,
            proxy=found.proxy,
            no_proxy=found.no_proxy,
            problem=f"the {name} for it cannot be used: {found.problem}" if found.problem else "",
            remedy=f"{name} was used: correct what it holds, or let its user read there"
            if found.proves
            else f"{name} is for it and has no credentials: add {_needed(url)}",
        )

    def _lacking(self, url: str, kind: str) -> str:
        """What to do where nothing fits."""
        if self.trouble:
            return f"the Secrets of namespace {self.namespace} could not be read: {self.trouble}"
        return (
            f"no Secret in namespace {self.namespace} is for it: if it is private, make one with the label "
            f"{LABEL}={READING[0]}, with type: {kind}, its url, and {_needed(url)}"
        )


def _needed(url: str) -> str:
    return "username and password" if url.lower().startswith(("http://", "https://")) else "sshPrivateKey"


def _completed(found: Credential, template: Credential) -> Credential:
    """A repository without credentials, with those of a template; its own word counts for all else."""
    return replace(
        found,
        secret=template.secret,
        username=template.username or found.username,
        password=template.password,
        bearer_token=template.bearer_token,
        ssh_private_key=template.ssh_private_key,
        certificate=template.certificate,
        certificate_key=template.certificate_key,
        # What a project's own credentials open is that project's alone.
        project=found.project or template.project,
        unasked=template.unasked or found.unasked,
        insecure=found.insecure or template.insecure,
        proxy=found.proxy or template.proxy,
        no_proxy=found.no_proxy if found.proxy else template.no_proxy,
        problem=template.problem,
    )
