"""The rules on when content came (TIM)."""


class FakeStreaming:
    """The whole answer was made first, then cut into chunks.

    ## What it does
    Reports 20 content events or more that came one after the other faster than 2,000 a second, 1 s
    or more after the request was sent, where they are nine tenths of all. All four are thresholds
    that can be set. Text and tool calls are judged with the reasoning, and apart from it: reasoning
    may flow before an answer that was made whole. An event's time is that of the read that
    completed it; needs recorded times.

    ## Why is this bad?
    The user waits as long as without streaming. A proxy on the way may hold the stream back.

    ## Example
    The head after 100 ms, perhaps a first word, nothing for 6 s, then 300 chunks within one read.

    ## What to do
    Find out where the stream is buffered: compression, a proxy without `X-Accel-Buffering: no`, a
    server that parses the whole answer first.

    ## Source
    A heuristic: no model is known to make 2,000 tokens a second for one request after a wait of a
    second.
    """


class Stall:
    """A long pause between two events with content.

    ## What it does
    Reports a pause of more than 10 s, a threshold that can be set, between events with text,
    reasoning or tool calls. Comments that keep the connection alive do not end the pause. The
    recording must have times.

    ## Why is this bad?
    Clients and proxies with a read timeout give up; users do too.

    ## Example
    The first words after 1 s, the next after 45 s.

    ## What to do
    Servers: send comments while there is nothing to send. Clients: set the timeout for silence, not
    for the whole answer.

    ## Source
    A threshold of ours; the WHATWG's standard recommends a comment every 15 seconds or so,
    https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.7.
    """
