"""What is installed where: a virtual environment for each set of packages that go together."""

from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / ".envs"
MODELS = FOLDER / "models"

# Each step is one call of pip. torch goes first and alone: left to the resolver, the packages that
# need it would bring a build with gigabytes for graphics cards.
PYTHON: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "servers": (
        ("torch==2.13.0",),
        ("transformers[serving]>=5.23,<6", "mlx-lm[cpu]>=0.32,<0.33"),
    ),
    "clients": (("openai>=3,<4", "langchain-openai", "pydantic-ai-slim[openai]", "llm"),),
    "openai-1": (("openai>=1,<2",),),
    # LiteLLM pins its openai; beside openai 3 pip would go back to a LiteLLM that did not.
    # LiteLLM imports mcp as soon as a request has tools, but does not ask for it.
    "litellm": (("litellm>=1.100", "mcp"),),
}
NODE = ("openai", "ai", "@ai-sdk/openai-compatible", "zod")


def program(environment: str, name: str) -> Path:
    """A program of a Python environment."""
    return FOLDER / environment / "bin" / name


def missing(*environments: str) -> str:
    """Why these environments can't be used, "" where all are installed."""
    absent = [name for name in environments if not (FOLDER / name / ".ready").is_file()]
    if not absent:
        return ""
    return f"not installed: {', '.join(absent)}; `make test-upstreams` installs them"
