"""The rules on the event stream itself (SSE)."""


class DoneMissing:
    """The stream ends without `[DONE]`.

    ## What it does
    Looks for the event `data: [DONE]` in a stream that ended by itself. Streams that the client
    left or the recorder stopped are not blamed.

    ## Why is this bad?
    `[DONE]` is how a client tells a whole answer from one that was cut on the way: without it a
    lost connection looks like a short answer.

    ## Example
    ```
    data: {"id":"c1",…,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
    ```
    and then the connection closes.

    ## What to do
    Servers: send `data: [DONE]` and a blank line last, after errors too. Clients: trust
    `finish_reason`, and take its absence for a cut.

    ## Source
    OpenAI API reference, chat completions, `stream`: "terminated by a data: [DONE] message". Of
    1,858 real streams 2 have none, both after an error.
    """


class DataAfterDone:
    """Something comes after `[DONE]`.

    ## What it does
    Reports any event behind `data: [DONE]`, a second `[DONE]` too.

    ## Why is this bad?
    Clients stop reading at `[DONE]`; what comes behind it is lost.

    ## Example
    ```
    data: [DONE]

    data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2},…}
    ```

    ## What to do
    Send usage and all else before `[DONE]`, and `[DONE]` once.

    ## Source
    OpenAI API reference, chat completions, `stream_options`: the usage chunk comes before
    `data: [DONE]`; openai-python `_streaming.py` ends its loop there.
    """


class ContentTypeWrong:
    """An event stream under another content type.

    ## What it does
    Compares the response's `Content-Type` with `text/event-stream`, where it is known and the body
    is an event stream.

    ## Why is this bad?
    The standard has a client fail the connection on any other type; proxies buffer what does not
    look like a stream.

    ## Example
    `Content-Type: application/json` over a body of `data:` lines.

    ## What to do
    Send `Content-Type: text/event-stream`.

    ## Source
    WHATWG HTML, 9.2.3, https://html.spec.whatwg.org/multipage/server-sent-events.html: any other
    type fails the connection.
    """


class NotJson:
    """An event's data is no JSON.

    ## What it does
    Decodes the data of each event but `[DONE]` as JSON (RFC 8259: no NaN, and no nesting beyond
    what a parser takes).

    ## Why is this bad?
    Clients decode each event; one that is no JSON raises in the midst of the stream.

    ## Example
    ```
    data: {"choices":[{"index":0,"delta":{"content":"Ye
    ```

    ## What to do
    Send one whole JSON object an event. Where a proxy cuts the data, mend the proxy.

    ## Source
    OpenAI API reference, "The chat completion chunk object"; openai-python calls `json()` on each
    event.
    """


class MultiLineData:
    """The data of an event stands in several `data:` lines.

    ## What it does
    Reports an event whose data holds a line end.

    ## Why is this bad?
    The standard allows it, but many clients of this API read line by line and take each line for
    a JSON document of its own.

    ## Example
    ```
    data: {"choices":
    data: []}
    ```

    ## What to do
    Write the JSON without line ends, in one `data:` line.

    ## Source
    WHATWG HTML, 9.2.6, https://html.spec.whatwg.org/multipage/server-sent-events.html; no stream
    of 1,858 real ones does so.
    """


class Truncated:
    """The stream ends within an event.

    ## What it does
    Reports bytes at the end that no blank line closes, and recordings that were opened with the
    blank lines put back. Streams that the client left or the recorder stopped are not blamed.

    ## Why is this bad?
    A client discards what no blank line closed: the last event is lost. Lines with one line end
    between them make one event of the whole body, which is then discarded whole.

    ## Example
    ```
    data: {"id":"c1",…}
    data: {"id":"c1",…}
    ```
    without a blank line, and the end.

    ## What to do
    End each event with a blank line, the last one too. In recordings: see whether the tool that
    saved it dropped the blank lines; `tokentape convert --repair` puts them back.

    ## Source
    WHATWG HTML, 9.2.6, https://html.spec.whatwg.org/multipage/server-sent-events.html: "once the
    end of the file is reached, any pending data must be discarded".
    """


class NotUtf8:
    """The bytes are no UTF-8.

    ## What it does
    Reports the first byte of an event that is no UTF-8.

    ## Why is this bad?
    A client by the standard shows U+FFFD in its place: text is lost. openai-python raises.

    ## Example
    `data: {"delta":{"content":"caf\\xe9"}}` with the one byte E9.

    ## What to do
    Encode as UTF-8, and never cut a character between two tokens: hold its bytes back until it is
    whole.

    ## Source
    WHATWG HTML, 9.2.6, https://html.spec.whatwg.org/multipage/server-sent-events.html: what is no
    UTF-8 is decoded as U+FFFD.
    """


class Bom:
    """The stream begins with a byte order mark.

    ## What it does
    Looks for the bytes EF BB BF at the very beginning.

    ## Why is this bad?
    The standard strips one; openai-python does not, and loses the first event with it.

    ## Example
    `EF BB BF` and then `data: {…}`.

    ## What to do
    Leave it out: UTF-8 needs none.

    ## Source
    WHATWG HTML, 9.2.5, https://html.spec.whatwg.org/multipage/server-sent-events.html;
    openai-python `_streaming.py`, `SSEDecoder`.
    """


class EmptyEvent:
    """An event without data.

    ## What it does
    Reports an event whose data is empty, and one that has fields (`event:`, `id:`, `retry:`) but
    no `data:` line at all.

    ## Why is this bad?
    openai-python decodes the data of each and raises on nothing.

    ## Example
    ```
    event: ping

    data: {…}
    ```

    ## What to do
    Keep a connection alive with a comment (`: ping`), which every client skips.

    ## Source
    WHATWG HTML, 9.2.6, https://html.spec.whatwg.org/multipage/server-sent-events.html (such an
    event is not dispatched); openai-python `_streaming.py` dispatches it.
    """


class Comment:
    """The stream holds comments.

    ## What it does
    Reports lines that begin with a colon.

    ## Why is this bad?
    It is not: a comment keeps the connection alive. But a client that takes every line for a
    `data:` line falls over it.

    ## Example
    `: OPENROUTER PROCESSING`

    ## What to do
    Clients: skip lines that begin with a colon.

    ## Source
    WHATWG HTML, 9.2.7, https://html.spec.whatwg.org/multipage/server-sent-events.html, recommends
    them every 15 seconds or so. 45 of 45 real streams of OpenRouter begin with one.
    """


class CodingBroken:
    """The body can't be decoded from its content coding.

    ## What it does
    Undoes the response's `Content-Encoding` before it looks at events.

    ## Why is this bad?
    No client can read such a body.

    ## Example
    `Content-Encoding: gzip` over a body that is not compressed, or that breaks off.

    ## What to do
    See whether the recorder kept the header but stored the body decoded; take the header out then.

    ## Source
    RFC 9110, 8.4.
    """
