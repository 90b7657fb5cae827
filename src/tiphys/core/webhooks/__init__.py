"""Webhooks: who sent a request, whether that is so, and what it tells. It is never trusted for content."""

from tiphys.core.webhooks.news import Delivery, Forged, Heard, Ignored, ImagePushed, Malformed, Push, Secrets
from tiphys.core.webhooks.senders import read, sender_of

__all__ = [
    "Delivery",
    "Forged",
    "Heard",
    "Ignored",
    "ImagePushed",
    "Malformed",
    "Push",
    "Secrets",
    "read",
    "sender_of",
]
