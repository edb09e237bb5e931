"""The real inference servers, on the tiny models.

Both run in the folder of the models, so that a model's name is a path and tells nothing of the
machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from upstreams.environments import MODELS, program
from upstreams.processes import Server, listening

TRANSFORMERS_MODEL = "tiny-gpt-oss"
MLX_MODEL = "tiny-llama"


@contextmanager
def transformers() -> Iterator[Server]:
    """`transformers serve`."""
    command: list[str | Path] = [program("servers", "transformers"), "serve", "--device", "cpu"]
    with listening(command, folder=MODELS) as server:
        yield server


@contextmanager
def mlx() -> Iterator[Server]:
    """`mlx_lm.server`."""
    command: list[str | Path] = [program("servers", "mlx_lm.server"), "--model", MLX_MODEL]
    with listening(command, folder=MODELS) as server:
        yield server
