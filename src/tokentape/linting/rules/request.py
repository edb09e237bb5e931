"""The rules that compare the answer with the request (REQ)."""


class PathDoubled:
    """The path contains the version twice.

    ## What it does
    Looks for `/v1/v1` and the like in the request's URL. Checked only if the recording holds the
    URL that went over the wire.

    ## Why is this bad?
    The client's `base_url` contains a version, and the path adds it again. Most servers answer 404;
    some answer anyway, and their logs count it as another path.

    ## Example
    `https://api.example.com/v1/v1/chat/completions`

    ## What to do
    Remove the version from the `base_url`, or from the path.

    ## Source
    OpenAI API reference: one `/v1`.
    """


class NNotGiven:
    """Fewer choices came than were asked for.

    ## What it does
    Compares the request's `n`, where it is above 1, with how many choices came, in an answer
    without an error that ended by itself. Not where choices came under an index that can't be one:
    how many they are is not known.

    ## Why is this bad?
    Clients that vote over n answers, or look them up by index, silently get a wrong result.

    ## Example
    `"n": 2` asked, only choice 0 answered.

    ## What to do
    Servers: refuse what you do not support, with HTTP status 400. Clients: ask several times.

    ## Source
    OpenAI API reference, `n`: "How many chat completion choices to generate".
    """


class UsageAboveLimit:
    """There are more completion tokens than the request allows.

    ## What it does
    Compares `completion_tokens` with the smaller of `max_tokens` and `max_completion_tokens`,
    multiplied by `n`.

    ## Why is this bad?
    The limit exists to keep the cost of an answer down.

    ## Example
    `"max_tokens": 16` asked, `"completion_tokens": 18` answered.

    ## What to do
    Servers: count reasoning within the limit. Check whether a gateway made up the numbers.

    ## Source
    OpenAI API reference, `max_completion_tokens`: "An upper bound for the number of tokens that can
    be generated for a completion, including visible output tokens and reasoning tokens".
    """


class ModelDiffers:
    """The answer names another model than the request.

    ## What it does
    Compares the request's `model` with the first one that the answer names.

    ## Why is this bad?
    A gateway may have sent the request to another model. Mostly it is harmless: the request names
    an alias, and the answer the dated model behind it.

    ## Example
    `gpt-4o-mini` asked, `gpt-4o-mini-2024-07-18` answered.

    ## What to do
    Record the name in the answer; request the dated name if the model must not change.

    ## Source
    OpenAI's models: "aliases". 1,499 of 1,858 real streams.
    """


class StreamNotHonoured:
    """A stream was asked for and none came, or the other way round.

    ## What it does
    Compares the request's `stream` with what came, if the answer is not an error. Checked only if
    the recording holds the provider's own bytes.

    ## Why is this bad?
    The client reads the answer as the wrong kind, and fails.

    ## Example
    `"stream": true` asked, `Content-Type: application/json` answered.

    ## What to do
    Servers: honour `stream`; if it is absent, it is false. Check whether a proxy holds the stream
    back.

    ## Source
    OpenAI API reference, `stream`.
    """
