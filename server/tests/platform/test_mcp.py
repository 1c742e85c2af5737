"""`bithuman mcp` by the protocol's own client."""

import asyncio
import json
import os
import subprocess
import sys

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from kit import PROGRAM, Platform, Site, face

TOOLS = {
    "list_agents", "create_agent", "get_agent", "delete_agent", "update_agent", "speak", "add_context", "create_video",
    "get_video", "text_to_speech", "list_voices", "create_dynamics", "get_dynamics", "upload_file",
}  # fmt: skip


def text(result):
    assert not result.is_error, result
    return json.loads(result.content[0].text)


async def talk(platform, site, folder):
    environment = {**os.environ, "BITHUMAN_API_URL": platform.url, "BITHUMAN_API_SECRET": platform.key}
    command = StdioServerParameters(command=PROGRAM, args=["mcp"], env=environment, cwd=str(folder))
    async with stdio_client(command, errlog=sys.__stderr__) as streams, ClientSession(*streams) as session:
        about = await session.initialize()
        assert about.server_info.name == "bithuman"
        tools = (await session.list_tools()).tools
        assert {tool.name for tool in tools} == TOOLS
        assert all(tool.description and tool.input_schema["type"] == "object" for tool in tools)
        call = session.call_tool
        made = text(await call("create_agent", {"prompt": "You are Ada.", "image": f"{site.url}/face.jpg", "wait": True, "model": "expression-2"}))
        code = made["agent_id"]
        assert made["status"] in ("ready", "success"), made
        assert text(await call("get_agent", {"code": code}))["system_prompt"] == "You are Ada."
        assert text(await call("update_agent", {"code": code, "system_prompt": "You are Bo."}))["updated"]
        assert code in [agent["code"] for agent in text(await call("list_agents", {}))["data"]]
        (folder / "face.jpg").write_bytes(face())
        assert text(await call("upload_file", {"path": "face.jpg"}))["file_type"] == "image"
        assert {voice["id"] for voice in text(await call("list_voices", {}))["voices"]} >= {"M1", "F5"}
        said = text(await call("text_to_speech", {"text": "Hello.", "output": "said.wav"}))
        assert (folder / "said.wav").read_bytes()[:4] == b"RIFF" and said["bytes"] > 44
        video = text(await call("create_video", {"agent_code": code, "text": "Hello.", "wait": True}))
        assert video["status"] == "completed" and video["video_url"], video
        assert text(await call("get_video", {"job_id": video["job_id"]}))["status"] == "completed"
        assert text(await call("create_dynamics", {"agent_id": code}))["status"] == "processing"
        assert "gestures" in text(await call("get_dynamics", {"agent_id": code}))
        # What the server refuses is an answer that says why, and the connection goes on.
        nobody = await call("speak", {"code": code, "message": "Hello."})
        assert nobody.is_error and "404" in nobody.content[0].text
        assert (await call("get_agent", {"code": "../../v1/me"})).is_error
        assert (await call("get_agent", {})).is_error
        assert text(await call("delete_agent", {"code": code}))["deleted"]
        assert (await call("get_agent", {"code": code})).is_error
        await session.send_ping()


def test_tools(tmp_path):
    with Site({"face.jpg": face()}) as site, Platform() as platform:
        asyncio.run(asyncio.wait_for(talk(platform, site, tmp_path), 180))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "null",
        '{"jsonrpc":"2.0","id":1,"method":"nothing"}',
        '{"jsonrpc":"2.0","id":2,"method":"tools/call"}',
        '{"jsonrpc":"2.0","method":"notifications/unknown"}',
        "x" * (5 << 20),
    ],
)
def test_lines_that_are_none(line):
    """Whatever comes, the next request is answered."""
    ping = '{"jsonrpc":"2.0","id":99,"method":"ping"}'
    done = subprocess.run([PROGRAM, "mcp"], input=f"{line}\n{ping}\n", capture_output=True, text=True, timeout=30)
    answers = [json.loads(answer) for answer in done.stdout.splitlines()]
    assert answers[-1] == {"jsonrpc": "2.0", "id": 99, "result": {}}, done
    assert all("error" in answer for answer in answers[:-1])
