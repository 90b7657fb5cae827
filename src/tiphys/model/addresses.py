"""
Addresses of repositories and charts: how they may be told, and which ones nobody may be sent to.

What answers at an address is the adapters' to find out.
"""

import hashlib
import re
from ipaddress import ip_address
from urllib.parse import urlsplit

METADATA = frozenset({"fd00:ec2::254", "100.100.100.200"})
"""Cloud metadata services that do not live on a link-local address (AWS over IPv6, Alibaba Cloud)."""
_UNFINISHED = re.compile(r"^[^@\[]*:(?!\d*$)[^@]*$")
"""A user and the beginning of a password, where a host and a port should be."""


def shown(url: str) -> str:
    """The URL as messages and logs may tell it: without user, password, query or fragment."""
    scheme, divider, rest = url.partition("://")
    if not divider:
        return url
    authority, slash, path = rest.partition("/")
    if _UNFINISHED.search(authority):
        # A slash that nobody escaped, in the middle of a password.
        authority, slash, path = rest.rpartition("@")[2].partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}".partition("?")[0].partition("#")[0]


def folder_of(url: str) -> str:
    """
    A name for a folder of what comes from a URL: a hash that tells URLs apart, and something people recognise.

    The hash covers credentials: whoever lacks them must not come by what was fetched with them.
    """
    tail = re.sub(r"[^A-Za-z0-9]+", "-", shown(url).partition("://")[2]).strip("-")[-40:].strip("-")
    return f"{hashlib.sha256(url.encode()).hexdigest()[:16]}-{tail or 'unnamed'}"


def off_limits(host: str) -> bool:
    """
    Whether a host is the address of a link-local or metadata service, which gives away machine credentials.

    Names are not looked up: ask again with the address that a name resolved to.
    """
    try:
        address = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_link_local or str(mapped) in METADATA


def host_of(url: str) -> str:
    """The host of a URL without its port, ``""`` where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def on_loopback(host: str) -> bool:
    """Whether a host, written without a port, is this very machine, so that nobody listens on the way."""
    name = host.strip("[]").lower()
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
