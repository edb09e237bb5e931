-- Sends the requests of a file in turn: a line each, method, path and (for POST) body.
-- Prints one line of JSON at the end.

local requests = {}
local sent = 0

function init(arguments)
  local headers = { ["Content-Type"] = "application/json" }
  for line in io.lines(arguments[1]) do
    local method, path, body = line:match("^(%S+) (%S+) ?(.*)$")
    requests[#requests + 1] =
      method == "POST" and wrk.format(method, path, headers, body) or wrk.format(method, path)
  end
end

function request()
  sent = sent % #requests + 1
  return requests[sent]
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "bytes": %.0f, "p50_us": %.0f, "p99_us": %.0f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50), latency:percentile(99),
    failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
