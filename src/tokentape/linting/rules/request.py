"""The rules that compare the answer with the request (REQ)."""


class PathDoubled:
    """The path has its version twice.

    ## What it does
    Looks for `/v1/v1` and its like in the request's URL. Only where the URL is the one that went
    over the wire.

    ## Why is this bad?
    The client's `base_url` has a version that the path adds again: most servers answer 404, some
    answer and their logs split.

    ## Example
    `https://api.example.com/v1/v1/chat/completions`

    ## What to do
    Take the version out of the `base_url`, or out of the path.

    ## Source
    OpenAI API reference: one `/v1`.
    """


class NNotGiven:
    """Fewer choices than were asked for.

    ## What it does
    Compares the request's `n` with how many choices came, in an answer without an error that ended
    by itself.

    ## Why is this bad?
    Clients that vote over n answers, or index them, go wrong in silence.

    ## Example
    `"n": 2` asked, only choice 0 answered.

    ## What to do
    Servers: refuse what you do not do, with HTTP status 400. Clients: ask several times.

    ## Source
    OpenAI API reference, `n`: "How many chat completion choices to generate".
    """


class UsageAboveLimit:
    """More completion tokens than the limit that was asked for.

    ## What it does
    Compares `completion_tokens` with the smaller of `max_tokens` and `max_completion_tokens`, times
    `n`.

    ## Why is this bad?
    The limit is what keeps an answer affordable.

    ## Example
    `"max_tokens": 16` asked, `"completion_tokens": 18` answered.

    ## What to do
    Servers: count reasoning within the limit. See whether a gateway made the numbers up.

    ## Source
    OpenAI API reference, `max_completion_tokens`: "An upper bound for the number of tokens that can
    be generated for a completion, including visible output tokens and reasoning tokens".
    """


class ModelDiffers:
    """Another model's name answers.

    ## What it does
    Compares the request's `model` with the first that the answer names.

    ## Why is this bad?
    It is not: an alias answers with the dated name behind it. A gateway may have sent the request
    elsewhere.

    ## Example
    `gpt-4o-mini` asked, `gpt-4o-mini-2024-07-18` answered.

    ## What to do
    Keep the answer's name in your books; ask by the dated name where answers must not change.

    ## Source
    OpenAI's models: "aliases". 1,499 of 1,858 real streams.
    """


class StreamNotHonoured:
    """A stream was asked for and none came, or the other way.

    ## What it does
    Compares the request's `stream` with what came, where the answer was no error. Only where the
    recording holds the provider's own bytes.

    ## Why is this bad?
    A client reads an answer of the one kind with the reader of the other.

    ## Example
    `"stream": true` asked, `Content-Type: application/json` answered.

    ## What to do
    Servers: honour `stream`, absent is false. See whether a proxy holds the stream back.

    ## Source
    OpenAI API reference, `stream`.
    """
