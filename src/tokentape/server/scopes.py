"""From a scope, which is any text a client sends, to the tape it is recorded to: no way out."""

import re
import unicodedata
from hashlib import blake2b

from tokentape.formats.tape import SUFFIX

DEFAULT = "default"

_MOST_PART = 120  # bytes of a file's or folder's name; all file systems take 255
_MOST_PARTS = 8
_HARMFUL = re.compile(r'[\x00-\x1f\x7f<>:"|?*\ud800-\udfff]')
# Names that Windows takes for devices, whatever follows a dot.
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")


def tape_name(scope: str | None) -> str:
    """The path of a scope's tape below the folder of tapes, with `/` between its parts.

    `/` and `\\` make folders. What leads out, hides a file or harms on any system is left out or
    becomes `_`; what is long is shortened and told apart by a hash.
    """
    if not scope:
        return DEFAULT + SUFFIX
    parts = [part for part in re.split(r"[/\\]", scope) if part.strip() not in ("", ".", "..")]
    if len(parts) > _MOST_PARTS:
        parts = [*parts[: _MOST_PARTS - 1], "_".join(parts[_MOST_PARTS - 1 :])]
    return "/".join(map(_safe, parts or ["_"])) + SUFFIX


def _safe(part: str) -> str:
    name = _HARMFUL.sub("_", unicodedata.normalize("NFC", part))
    # A folder must not have a tape's name, nor Windows drop what ends it.
    name = name.replace(SUFFIX, SUFFIX.replace(".", "_")).rstrip(". ") or "_"
    if name[0] == "." or _DEVICE.fullmatch(name):
        name = "_" + name.removeprefix(".")
    if len(name.encode()) > _MOST_PART:
        digest = blake2b(part.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        name = name.encode()[: _MOST_PART - 17].decode("utf-8", "ignore") + "-" + digest
    return name
