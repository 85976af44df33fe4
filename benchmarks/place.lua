-- For wrk: sends the pre-orders of a file, one a line (session token, tab, JSON body), each once, and writes down every
-- answer: the id of what was acknowledged, or "! " and what was said instead. Arguments: the file, where to write.

local lines, answers
local over = false

function init(arguments)
  lines = io.lines(arguments[1])
  answers = io.open(arguments[2], "w")
  answers:setvbuf("line")
end

function request()
  local line = lines and lines()
  if not line then
    lines, over = nil, true
    wrk.thread:stop()
    return "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
  end
  local token, body = line:match("^([^\t]*)\t(.*)$")
  return table.concat({
    "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept-Language: zh-CN\r\n",
    "X-Muster-Brand: qilan\r\nAuthorization: Bearer ", token, "\r\nContent-Length: ", #body, "\r\n\r\n", body,
  })
end

function response(status, headers, body)
  local id = status == 200 and body:match('^{"data":{"placePreOrder":{"id":"([^"]+)"')
  if id then
    answers:write(id, "\n")
  elseif not (over and body:match('^{"status"')) then
    answers:write("! ", status, " ", body:sub(1, 300), "\n")
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nMEASURED {"seconds": %f, "requests": %d, "p50_ms": %f, "p99_ms": %f, "max_ms": %f, "broken": %d}\n',
    summary.duration / 1e6, summary.requests, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, errors.connect + errors.read + errors.write + errors.timeout))
end
