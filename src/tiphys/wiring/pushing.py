"""What all who push to a charts repository need: how git may go about it, and who signs."""

from collections.abc import Mapping

from tiphys.adapters.git import Settings, allowed_environment
from tiphys.adapters.git.signatures import Signer, signer
from tiphys.adapters.git.signing_in import PLAIN


def settings_of(environment: Mapping[str, str]) -> Settings:
    """Git's, for a push."""
    plain = environment.get(PLAIN, "").lower() in ("1", "true", "yes")
    return Settings(environment=allowed_environment(environment), plain_tokens=plain)


async def signer_of(environment: Mapping[str, str], *, wanted: bool) -> Signer | None:
    """Who signs commits, if that is wanted. Raises ``SpecError`` if there is no key."""
    return await signer(environment) if wanted else None
