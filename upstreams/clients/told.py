"""What the client scripts share: what they ask, and how they tell what they got.

A script talks to OPENAI_BASE_URL and prints one JSON object a line: a scenario and what the client
made of the answer. What differs from run to run (times, ports) stays out.
"""

import json
import os
from typing import Any

BASE_URL = os.environ["OPENAI_BASE_URL"]
API_KEY = os.environ["OPENAI_API_KEY"]
MODEL = "scripted"
QUESTION = "What is the weather in Zürich?"
MESSAGES: list[Any] = [{"role": "user", "content": QUESTION}]
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
TOOLS: list[Any] = [{"type": "function", "function": WEATHER}]


def tell(scenario: str, way: str, got: Any) -> None:
    """Print what a scenario gave. `way` is `stream` or `whole`."""
    print(
        json.dumps({"scenario": scenario, "way": way, "got": got}, ensure_ascii=False), flush=True
    )


def failure(error: Exception) -> dict[str, Any]:
    """What a client's exception tells of the provider's error."""
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or {}
    return {
        "raised": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "retry_after": headers.get("retry-after"),
        "body": getattr(error, "body", None),
        "message": str(error),
    }
