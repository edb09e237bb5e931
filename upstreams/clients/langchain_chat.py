"""langchain-openai: ChatOpenAI."""

from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from openai import APIError
from told import API_KEY, BASE_URL, MODEL, QUESTION, TOOLS, failure, tell


def chat(model=MODEL, **options):
    return ChatOpenAI(
        model=model, base_url=BASE_URL, api_key=API_KEY, max_retries=0, stream_usage=True, **options
    )


def plain(message):
    """A message without the run ids that langchain invents."""
    dumped = message.model_dump()
    dumped.pop("id")
    return dumped


def ask(scenario, model):
    try:
        tell(scenario, "whole", plain(model.invoke(QUESTION)))
    except APIError as error:
        tell(scenario, "whole", failure(error))
    got = []
    try:
        got.extend(plain(chunk) for chunk in model.stream(QUESTION))
    except APIError as error:
        got.append(failure(error))
    tell(scenario, "stream", got)


ask("text", chat())
ask("tools", chat().bind_tools(TOOLS))
choices = chat(n=2).generate([[HumanMessage(QUESTION)]]).generations[0]
tell("n=2", "whole", [plain(choice.message) for choice in choices])
ask("error", chat("busy"))
ask("broken", chat("breaks"))
