"""pydantic-ai: an agent that calls a tool and answers with what it gave."""

import asyncio

from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from told import API_KEY, BASE_URL, MODEL, QUESTION, failure, tell


async def ask(scenario, client, model=MODEL, settings=None, tools=()):
    provider = OpenAIProvider(openai_client=client)
    chat = OpenAIChatModel(model, provider=provider)
    agent = Agent(chat, tools=tools, model_settings=settings, retries=0)
    try:
        result = await agent.run(QUESTION)
        tell(scenario, "whole", said(result))
    except Exception as error:
        tell(scenario, "whole", failure(error))
    got = []
    try:
        async with agent.run_stream(QUESTION) as result:
            async for text in result.stream_text(delta=True, debounce_by=None):
                got.append(text)  # noqa: PERF401 - keeps what came before an error
            got.append(said(result))
    except Exception as error:
        got.append(failure(error))
    tell(scenario, "stream", got)


def said(result):
    usage = result.usage
    kept = ("part_kind", "content", "args")
    parts = [
        {name: str(getattr(part, name)) for name in kept if hasattr(part, name)}
        for message in result.all_messages()
        for part in message.parts
    ]
    return {"parts": parts, "usage": [usage.input_tokens, usage.output_tokens, usage.requests]}


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"{city}: 21 °C"


async def main():
    async with AsyncOpenAI(base_url=BASE_URL, api_key=API_KEY, max_retries=0) as client:
        await ask("text", client)
        await ask("tools", client, tools=[get_weather])
        await ask("n=2", client, settings={"extra_body": {"n": 2}})
        await ask("error", client, model="busy")
        await ask("broken", client, model="breaks")


asyncio.run(main())
