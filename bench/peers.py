"""Which peers can be measured here, and why the others can't."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench import install
from bench.install import NotRun

T = TypeVar("T")


@dataclass
class Peers:
    """Paths of what is there; `missing` says by name why something is not."""

    wrk: str | None = None
    nginx: str | None = None
    aimock: Path | None = None
    vcrpy: bool = False
    litellm: Path | None = None
    missing: dict[str, str] = field(default_factory=dict)

    def need_wrk(self) -> str:
        """wrk, without which no request is sent. Raises NotRun."""
        if self.wrk is None:
            raise NotRun(self.missing["wrk"])
        return self.wrk

    def attempt(self, name: str, get: Callable[[], T]) -> T | None:
        """What `get` gives, or None and the reason kept."""
        try:
            return get()
        except NotRun as why:
            self.missing[name] = str(why)
            return None


def find(work: Path, *, recording: bool) -> Peers:
    """Look for every peer and install what is missing; `work` takes what needs no root.

    LiteLLM is large, and only there where `recording` is measured.
    """

    def vcrpy() -> bool:
        install.vcrpy(work / "python")
        return True

    peers = Peers()
    peers.wrk = peers.attempt("wrk", lambda: install.debian("wrk", "wrk"))
    peers.nginx = peers.attempt("nginx", lambda: install.debian("nginx", "nginx-light"))
    peers.aimock = peers.attempt("aimock", lambda: install.aimock(work / "aimock"))
    peers.vcrpy = peers.attempt("vcrpy", vcrpy) or False
    if recording:
        peers.litellm = peers.attempt("LiteLLM", lambda: install.litellm(work / "litellm"))
    return peers


def aimock_version(peers: Peers) -> str:
    """The version that was installed, or that it was not run."""
    if peers.aimock is None:
        return "not run"
    version: str = json.loads((peers.aimock / "package.json").read_text())["version"]
    return version


def litellm_version(peers: Peers) -> str:
    """The version that was installed, or that it was not run."""
    if peers.litellm is None:
        return "not run"
    folders = (peers.litellm.parents[1] / "lib").glob("python*/site-packages/litellm-*.dist-info")
    names = [folder.name.removesuffix(".dist-info") for folder in folders]
    return names[0].removeprefix("litellm-") if names else "unknown"
