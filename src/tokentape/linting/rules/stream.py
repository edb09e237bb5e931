"""The rules on the event stream itself (SSE)."""


class DoneMissing:
    """The stream ends without `[DONE]`.

    ## What it does
    Looks for the event `data: [DONE]` in a stream that ended by itself. It reports nothing for a
    stream that the client left or the recorder stopped.

    ## Why is this bad?
    `[DONE]` is how a client tells a whole answer from one that was cut on the way: without it a
    lost connection looks like a short answer.

    ## Example
    ```
    data: {"id":"c1",…,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
    ```
    and then the connection closes.

    ## What to do
    Servers: send `data: [DONE]` and a blank line last, after errors too. Clients: rely on
    `finish_reason`, and if it is missing, treat the answer as cut off.

    ## Source
    OpenAI API reference, chat completions, `stream`: "terminated by a data: [DONE] message". Of
    1,858 real streams 2 have none, both after an error.
    """


class DataAfterDone:
    """Something comes after `[DONE]`.

    ## What it does
    Reports any event after `data: [DONE]`, also a second `[DONE]`.

    ## Why is this bad?
    Clients stop reading at `[DONE]`; what comes after it is lost.

    ## Example
    ```
    data: [DONE]

    data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2},…}
    ```

    ## What to do
    Send usage and everything else before `[DONE]`, and send `[DONE]` once.

    ## Source
    OpenAI API reference, chat completions, `stream_options`: the usage chunk comes before `data:
    [DONE]`; openai-python `_streaming.py` ends its loop there.
    """


class ContentTypeWrong:
    """The content type is not that of an event stream.

    ## What it does
    Compares the response's `Content-Type` with `text/event-stream`, if it is known and the body is
    an event stream.

    ## Why is this bad?
    By the standard, a client closes the connection on any other type. Proxies buffer what does not
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
    """An event's data is no JSON, or none that can be read.

    ## What it does
    Decodes the data of each event but `[DONE]` as JSON (RFC 8259: no NaN). JSON that is nested
    deeper, or has greater numbers, than a parser takes can't be read; the message says so.

    ## Why is this bad?
    Clients decode each event; one that is not JSON raises an error in the middle of the stream.

    ## Example
    ```
    data: {"choices":[{"index":0,"delta":{"content":"Ye
    ```

    ## What to do
    Send one whole JSON object per event. If a proxy cuts the data, repair the proxy.

    ## Source
    OpenAI API reference, "The chat completion chunk object"; openai-python calls `json()` on each
    event.
    """


class MultiLineData:
    """The data of an event stands in several `data:` lines.

    ## What it does
    Reports an event whose data contains a line end.

    ## Why is this bad?
    The standard allows it, but many clients of this API read line by line and take each line for a
    JSON document of its own.

    ## Example
    ```
    data: {"choices":
    data: []}
    ```

    ## What to do
    Write the JSON without line ends, in one `data:` line.

    ## Source
    WHATWG HTML, 9.2.6, https://html.spec.whatwg.org/multipage/server-sent-events.html; no stream of
    1,858 real ones does this.
    """


class Truncated:
    """The stream ends within an event.

    ## What it does
    Reports bytes at the end that are not closed by a blank line, and recordings that were opened
    with their blank lines put back. It reports nothing for a stream that the client left or the
    recorder stopped.

    ## Why is this bad?
    A client discards an event that is not closed by a blank line: the last event is lost. If no
    event is followed by a blank line, the whole body is one event, and all of it is discarded.

    ## Example
    ```
    data: {"id":"c1",…}
    data: {"id":"c1",…}
    ```
    and then the end, without a blank line.

    ## What to do
    End each event with a blank line, also the last one. For recordings: check whether the tool that
    saved it dropped the blank lines; `tokentape convert --repair` puts them back.

    ## Source
    WHATWG HTML, 9.2.6, https://html.spec.whatwg.org/multipage/server-sent-events.html: "once the
    end of the file is reached, any pending data must be discarded".
    """


class NotUtf8:
    """The bytes are not UTF-8.

    ## What it does
    Reports the first byte of an event that is not UTF-8.

    ## Why is this bad?
    A client that follows the standard shows U+FFFD instead: text is lost. openai-python raises an
    error.

    ## Example
    `data: {"delta":{"content":"caf\\xe9"}}` where the last byte is E9 alone.

    ## What to do
    Encode as UTF-8, and never cut a character between two tokens: hold its bytes back until it is
    whole.

    ## Source
    WHATWG HTML, 9.2.6, https://html.spec.whatwg.org/multipage/server-sent-events.html: what is not
    UTF-8 is decoded as U+FFFD.
    """


class Bom:
    """The stream begins with a byte order mark.

    ## What it does
    Looks for the bytes EF BB BF at the start of the body.

    ## Why is this bad?
    A client that follows the standard skips it; openai-python does not, and loses the first event.

    ## Example
    `EF BB BF` and then `data: {…}`.

    ## What to do
    Leave it out: UTF-8 does not need it.

    ## Source
    WHATWG HTML, 9.2.5, https://html.spec.whatwg.org/multipage/server-sent-events.html;
    openai-python `_streaming.py`, `SSEDecoder`.
    """


class EmptyEvent:
    """An event has no data.

    ## What it does
    Reports an event whose data is empty, and one that has fields (`event:`, `id:`, `retry:`) but no
    `data:` line at all.

    ## Why is this bad?
    openai-python decodes the data of each event as JSON and raises an error if there is none.

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
    """The stream contains comments.

    ## What it does
    Reports lines that begin with a colon.

    ## Why is this bad?
    A client that takes every line for a `data:` line fails on them. Comments themselves are
    allowed: they keep the connection alive.

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
    Check whether the recorder stored the decoded body but kept the header; if so, remove the
    header.

    ## Source
    RFC 9110, 8.4.
    """
