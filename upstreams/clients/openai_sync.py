"""openai-python, the synchronous client; major versions 1 and 3."""

from openai import APIError, OpenAI
from told import API_KEY, BASE_URL, MESSAGES, MODEL, TOOLS, failure, tell

client = OpenAI(base_url=BASE_URL, api_key=API_KEY, max_retries=0)


def ask(scenario, model=MODEL, client=client, **options):
    """Ask both ways, and tell each."""
    options = {"model": model, "messages": MESSAGES, **options}
    try:
        answer = client.chat.completions.create(**options)
        tell(scenario, "whole", answer.model_dump())
    except APIError as error:
        tell(scenario, "whole", failure(error))
    got = []
    try:
        usage = {"include_usage": True}
        stream = client.chat.completions.create(stream=True, stream_options=usage, **options)
        got.extend(chunk.model_dump() for chunk in stream)
    except APIError as error:
        got.append(failure(error))
    tell(scenario, "stream", got)


ask("text")
ask("tools", tools=TOOLS)
ask("n=2", n=2)
ask("error", model="busy")
ask("broken", model="breaks")
ask("retry", model="busy-once", client=client.with_options(max_retries=1))
client.close()
