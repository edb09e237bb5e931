// The Vercel AI SDK: generateText and streamText over @ai-sdk/openai-compatible.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { API_KEY, BASE_URL, MODEL, QUESTION, failure, tell } from "./told.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;

const provider = createOpenAICompatible({
  name: "scripted",
  baseURL: BASE_URL,
  apiKey: API_KEY,
  includeUsage: true,
});
const weather = tool({
  description: "The weather in a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `${city}: 21 °C`,
});

// Of a part, what does not change from run to run.
function plain({ type, text, delta, toolName, input, output, finishReason, totalUsage, error }) {
  const failed = error === undefined ? undefined : described(error);
  return { type, text, delta, toolName, input, output, finishReason, totalUsage, error: failed };
}

function described(error) {
  return error instanceof Error ? failure(error) : error;
}

async function ask(scenario, model = MODEL, options = {}) {
  const asked = { model: provider(model), prompt: QUESTION, maxRetries: 0, ...options };
  try {
    const { text, finishReason, totalUsage, steps } = await generateText(asked);
    const calls = steps.flatMap((step) => step.content.map(plain));
    tell(scenario, "whole", { text, finishReason, totalUsage, calls });
  } catch (error) {
    tell(scenario, "whole", failure(error));
  }
  const got = [];
  try {
    const { fullStream } = streamText({ ...asked, onError: () => {} });
    for await (const part of fullStream) got.push(plain(part));
  } catch (error) {
    got.push(failure(error));
  }
  tell(scenario, "stream", got);
}

await ask("text");
await ask("tools", MODEL, { tools: { get_weather: weather }, stopWhen: stepCountIs(2) });
await ask("n=2", MODEL, { providerOptions: { scripted: { n: 2 } } });
await ask("error", "busy");
await ask("broken", "breaks");
