"""The load for many plain calls: wrk, which takes less of a core than callers in Python do."""

import json
import shutil
import subprocess
from pathlib import Path
from string import Template

from benchmarks.conversation import ANSWER_TEXT, Call
from benchmarks.load import Answers
from benchmarks.machine import running_on
from benchmarks.program import DidNotRunError

_TIMEOUT = "30s"
"""How long an answer may take before it counts as missing."""

_SCRIPT = Template("""\
wrk.method = "POST"
wrk.path = [==[$path]==]
wrk.body = [==[$body]==]
$headers
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(arguments) wrong = 0; request = wrk.format(); end
local find = string.find
function response(status, headers, body)
  if status ~= 200 or not find(body, [==[$answer]==], 1, true) then wrong = wrong + 1 end
end
function done(summary, latency, requests)
  local wrong = 0
  for _, thread in ipairs(threads) do wrong = wrong + thread:get("wrong") end
  local errors = summary.errors
  io.write(string.format(
    '\\n{"answers": %d, "wrong": %d, "broken": %d, "elapsed_us": %d}\\n', summary.requests, wrong,
    errors.connect + errors.read + errors.write + errors.timeout, summary.duration))
end
""")


def wrk_program() -> str | None:
    """Find wrk."""
    return shutil.which("wrk")


def repeat(
    call: Call, *, connections: int, seconds: float, cores: frozenset[int], folder: Path
) -> Answers:
    """Ask again and again on so many connections, for at least a second.

    Every answer has to be a 200 with the right text in it.
    """
    headers = [f"wrk.headers['{name}'] = [==[{value}]==]" for name, value in call.headers.items()]
    script = folder / "wrk.lua"
    script.write_text(
        _SCRIPT.substitute(
            path=call.path,
            body=call.body.decode(),
            headers="\n".join(headers),
            answer=ANSWER_TEXT,
        )
    )
    whole_seconds = max(1, round(seconds))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{whole_seconds}s", "--timeout", _TIMEOUT]
    command += ["-s", str(script), call.url]
    with running_on(cores):
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise DidNotRunError(f"wrk: {ended.stdout} {ended.stderr}")
    said = json.loads(ended.stdout.splitlines()[-1])
    wrong = said["wrong"] + said["broken"]
    return Answers(said["answers"] - said["wrong"], wrong, said["elapsed_us"] / 1e6, [], [])
