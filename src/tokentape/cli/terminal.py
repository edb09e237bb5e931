"""rich's console for commands whose reader may leave (`| head`)."""

import rich.console


class Console(rich.console.Console):
    """A pipe that breaks is an error like any other; what to do about it is `main`'s."""

    def on_broken_pipe(self) -> None:
        # rich would end the process with 1, our code for findings, and take stdout away.
        raise
