"""REQ: what the request itself shows; the rest of the group stands where the answer is read."""

import re
from urllib.parse import urlsplit

from tokentape.linting.state import Stream

_DOUBLED = re.compile(r"/(v\d+)/\1(?=/|$)")


def check_request(stream: Stream) -> None:
    """The URL."""
    try:
        path = urlsplit(stream.asked.url).path
    except ValueError:
        return
    doubled = _DOUBLED.search(path)
    if doubled is not None:
        stream.report_stream("REQ801", f"the path has {doubled.group()[:80]}")
