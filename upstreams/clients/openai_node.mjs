// npm openai.

import OpenAI from "openai";
import { API_KEY, BASE_URL, MODEL, QUESTION, failure, tell } from "./told.mjs";

const client = new OpenAI({ baseURL: BASE_URL, apiKey: API_KEY, maxRetries: 0 });
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather in a city.",
      parameters: {
        type: "object",
        properties: { city: { type: "string" } },
        required: ["city"],
        additionalProperties: false,
      },
    },
  },
];

async function ask(scenario, options = {}) {
  const asked = { model: MODEL, messages: [{ role: "user", content: QUESTION }], ...options };
  try {
    tell(scenario, "whole", await client.chat.completions.create(asked));
  } catch (error) {
    tell(scenario, "whole", failure(error));
  }
  const got = [];
  try {
    const streamed = { ...asked, stream: true, stream_options: { include_usage: true } };
    for await (const chunk of await client.chat.completions.create(streamed)) got.push(chunk);
  } catch (error) {
    got.push(failure(error));
  }
  tell(scenario, "stream", got);
}

await ask("text");
await ask("tools", { tools });
await ask("n=2", { n: 2 });
await ask("error", { model: "busy" });
await ask("broken", { model: "breaks" });
