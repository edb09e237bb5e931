// What the Node scripts share; the same questions as in told.py.

export const BASE_URL = process.env.OPENAI_BASE_URL;
export const API_KEY = process.env.OPENAI_API_KEY;
export const MODEL = "scripted";
export const QUESTION = "What is the weather in Zürich?";

// One line a scenario; `way` is `stream` or `whole`.
export function tell(scenario, way, got) {
  console.log(JSON.stringify({ scenario, way, got }));
}

export function failure(error) {
  const headers = error.headers ?? error.responseHeaders;
  return {
    raised: error.constructor.name,
    status: error.status ?? error.statusCode ?? null,
    retry_after: headers?.get?.("retry-after") ?? headers?.["retry-after"] ?? null,
    message: String(error.message),
  };
}
