"""openai-python, the asynchronous client; its requests are in flight at the same time."""

import asyncio

from openai import APIError, AsyncOpenAI
from told import API_KEY, BASE_URL, MESSAGES, MODEL, TOOLS, failure, tell


async def whole(client, options):
    try:
        return (await client.chat.completions.create(**options)).model_dump()
    except APIError as error:
        return failure(error)


async def stream(client, options):
    got = []
    try:
        usage = {"include_usage": True}
        chunks = await client.chat.completions.create(stream=True, stream_options=usage, **options)
        async for chunk in chunks:
            got.append(chunk.model_dump())  # noqa: PERF401 - keeps what came before an error
    except APIError as error:
        got.append(failure(error))
    return got


async def main():
    scenarios = {
        "text": {},
        "tools": {"tools": TOOLS},
        "n=2": {"n": 2},
        "error": {"model": "busy"},
        "broken": {"model": "breaks"},
    }
    ways = {"whole": whole, "stream": stream}
    async with AsyncOpenAI(base_url=BASE_URL, api_key=API_KEY, max_retries=0) as client:
        asked = [
            (scenario, way, ask(client, {"model": MODEL, "messages": MESSAGES, **options}))
            for scenario, options in scenarios.items()
            for way, ask in ways.items()
        ]
        answers = await asyncio.gather(*(answer for _, _, answer in asked))
    for (scenario, way, _), got in zip(asked, answers, strict=True):
        tell(scenario, way, got)


asyncio.run(main())
