"""The five captures the project starts from, by number."""

from pathlib import Path

SEEDS = {path.name[:3]: path for path in sorted(Path(__file__).parent.glob("0*.txt"))}
assert len(SEEDS) == 5, f"expected the five captures beside {__file__}, found {sorted(SEEDS)}"
