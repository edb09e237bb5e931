"""simonw/llm: the command, with a model from extra-openai-models.yaml."""

import json
import os
import tempfile
from pathlib import Path

from click.testing import CliRunner
from told import API_KEY, BASE_URL, MODEL, QUESTION, tell

FUNCTION = '''
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"{city}: 21 °C"
'''
MODELS = [
    {"model_id": name, "model_name": name, "api_base": BASE_URL, "supports_tools": True}
    for name in (MODEL, "busy", "breaks")
]


def ask(scenario, model=MODEL, *options):
    # The command's own entry point, in this process: starting it anew takes seconds.
    from llm.cli import cli

    for way, whole in (("whole", ["--no-stream"]), ("stream", [])):
        command = ["prompt", "-m", model, "--key", API_KEY, "--no-log", *whole, *options, QUESTION]
        done = CliRunner().invoke(cli, command)
        tell(scenario, way, {"exit": done.exit_code, "output": done.output})


with tempfile.TemporaryDirectory() as folder:
    os.environ["LLM_USER_PATH"] = folder
    # JSON is YAML.
    Path(folder, "extra-openai-models.yaml").write_text(json.dumps(MODELS))
    ask("text")
    ask("tools", MODEL, "--functions", FUNCTION)
    ask("error", "busy")
    ask("broken", "breaks")
