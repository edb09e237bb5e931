"""curl -N: the bytes themselves."""

import json
import subprocess

from told import API_KEY, BASE_URL, MESSAGES, MODEL, TOOLS, tell


def ask(scenario, model=MODEL, **options):
    for way, streamed in (("whole", {}), ("stream", {"stream": True})):
        body = json.dumps({"model": model, "messages": MESSAGES, **options, **streamed})
        told = "\n%{http_code} %{content_type} %header{retry-after}"
        command = ["curl", "-sN", "--max-time", "30", "-w", told, "-d", "@-", "-H"]
        command += ["Content-Type: application/json", "-H", f"Authorization: Bearer {API_KEY}"]
        command += [f"{BASE_URL}/chat/completions"]
        done = subprocess.run(command, input=body.encode(), capture_output=True, check=False)
        tell(scenario, way, {"exit": done.returncode, "stdout": done.stdout.decode()})


ask("text")
ask("tools", tools=TOOLS)
ask("n=2", n=2)
ask("error", model="busy")
ask("broken", model="breaks")
