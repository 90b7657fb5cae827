"""
Whom a TLS connection trusts, and what it shows of us: the same for all who speak HTTP to repositories.
"""

import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO

from tiphys.model.access import Access
from tiphys.model.errors import SpecError


@dataclass(frozen=True, slots=True)
class Trust:
    """What a connection is made by, so that those who share it may share connections."""

    secret: str = ""
    """The Secret of our own certificate, for messages."""
    authorities: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    insecure: bool = False

    @classmethod
    def of(cls, access: Access) -> "Trust":
        """What connections by an access are made by."""
        secret = access.secret if access.certificate else ""
        return cls(secret, access.authorities, access.certificate, access.certificate_key, access.insecure)

    def context(
        self, environment: Mapping[str, str], file: Callable[[], AbstractContextManager[IO[str]]]
    ) -> ssl.SSLContext:
        """
        Of TLS. ``file`` opens one that nobody else can read, and that is gone when closed.

        Raises ``SpecError`` for certificates that are none.
        """
        # The same authorities as git trusts.
        usual = environment.get("GIT_SSL_CAINFO") or environment.get("SSL_CERT_FILE")
        try:
            context = ssl.create_default_context(
                cafile=None if self.authorities else usual, cadata=self.authorities or None
            )
        except ssl.SSLError as error:
            raise SpecError(
                "the ConfigMap argocd-tls-certs-cm has no certificate (PEM) for this host"
            ) from error
        if self.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.certificate:
            with file() as pair:
                pair.write(f"{self.certificate}\n{self.key}\n")
                pair.flush()
                self._show(context, pair.name)
        return context

    def _show(self, context: ssl.SSLContext, path: str) -> None:
        try:
            # Without a password, ssl would ask for one on the terminal.
            context.load_cert_chain(path, password="")
        except (ssl.SSLError, OSError) as error:
            raise SpecError(
                f"{self.secret}: tlsClientCertData and tlsClientCertKey are no certificate and its key (PEM)"
            ) from error
