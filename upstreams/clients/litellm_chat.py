"""LiteLLM: completion()."""

import litellm
from told import API_KEY, BASE_URL, MESSAGES, MODEL, TOOLS, failure, tell

litellm.telemetry = False
litellm.suppress_debug_info = True


def plain(answer):
    """An answer without the time: in a stream LiteLLM puts its own in place of the provider's."""
    return answer.model_dump(exclude={"created"})


def ask(scenario, model=MODEL, **options):
    options = {
        "model": f"openai/{model}",
        "messages": MESSAGES,
        "api_base": BASE_URL,
        "api_key": API_KEY,
        "max_retries": 0,
        **options,
    }
    try:
        tell(scenario, "whole", plain(litellm.completion(**options)))
    except Exception as error:
        tell(scenario, "whole", failure(error))
    got = []
    try:
        usage = {"include_usage": True}
        stream = litellm.completion(stream=True, stream_options=usage, **options)
        got.extend(plain(chunk) for chunk in stream)
    except Exception as error:
        got.append(failure(error))
    tell(scenario, "stream", got)


ask("text")
ask("tools", tools=TOOLS)
ask("n=2", n=2)
ask("error", model="busy")
ask("broken", model="breaks")
