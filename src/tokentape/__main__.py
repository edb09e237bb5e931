"""The program, `tokentape` or `python -m tokentape`: small, so that Ctrl-C ends it at any time."""

import sys


def main() -> None:
    """Run the command line; 130 where it is interrupted before it has begun."""
    try:
        from tokentape.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
