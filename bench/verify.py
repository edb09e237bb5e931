"""Makes sure that a server answers what it should, so that nobody wins by answering less."""

from bench import material
from bench.http import Answer, ask, request_bytes

SEVERAL = (0, 1, 41, 500, material.REQUESTS - 1)


class WrongAnswer(Exception):
    """A server answered something else than it was given to answer."""


def _expect(name: str, number: int, what: str, expected: object, got: object) -> None:
    if expected != got:
        raise WrongAnswer(f"{name}, request {number}: expected {what} {expected}, got {got}")


def _check(name: str, number: int, answered_by: int, answer: Answer) -> None:
    expected = material.events(answered_by)
    _expect(name, number, "status", 200, answer.status)
    _expect(name, number, "events", len(expected), answer.body.count(b"\n\n"))
    _expect(name, number, "bytes", sum(map(len, expected)), len(answer.body))
    if answer.body != b"".join(expected):
        raise WrongAnswer(f"{name}, request {number}: the body is not the one expected")


def posts(
    name: str, port: int, *, chunks: bool, single: bool = False, path: str = material.PATH
) -> None:
    """Check several answers of a server, asked as a client does.

    `chunks`: each event must be an HTTP chunk of its own. `single`: one answer for all requests.
    """
    for number in SEVERAL:
        body = material.request_body(number)
        answer = ask(port, request_bytes("POST", path, body))
        answered_by = 0 if single else number
        _check(name, number, answered_by, answer)
        if chunks and answer.chunks != material.events(answered_by):
            raise WrongAnswer(
                f"{name}, request {number}: expected {material.EVENTS} chunks, one for each "
                f"event, got {len(answer.chunks)}"
            )


def static(name: str, port: int) -> None:
    """Check several static files."""
    for number in SEVERAL:
        answer = ask(port, request_bytes("GET", material.static_path(number), None))
        _check(name, number, number, answer)
