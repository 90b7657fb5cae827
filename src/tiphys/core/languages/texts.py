"""Texts that others wrote, of whatever length, where there is room for so much only."""


def shortened(text: str, most: int) -> str:
    """The text, or as much of its beginning and end as fit into ``most`` characters."""
    if len(text) <= most:
        return text
    kept = (most - len(_GAP)) // 2
    return f"{text[:kept]}{_GAP}{text[len(text) - kept :]}"


_GAP = " [...] "
