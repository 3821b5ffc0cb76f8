"""The protocol's side: a server of the official SDK whose tools are the operations. It opens no connection itself."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from msgspec import json

from queuemgr import __version__
from queuemgr.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    import mcp_types as types
    from mcp.server import Server, ServerRequestContext

    from queuemgr.service.desk import Visitor

    from .answering import Answer, Answering
    from .tools import Tool

    Context = ServerRequestContext[Any, Any]

GUIDE = "queuemgr://how-to-read-this-queue"
INSTRUCTIONS = (
    "Looks at a job queue and, where that is allowed, changes it. Begin with `overview`; a job's state is explained by "
    f"`jobs_show`. Whatever changes something is shown first and done when it is confirmed. More: {GUIDE}"
)


def require_sdk() -> None:
    """Raises ConfigError."""
    try:
        import mcp_types  # noqa: F401 - what version 2 of the SDK brings
        from mcp.server import Server  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "agents are served by the MCP SDK, version 2, which is not installed: pip install 'queuemgr[mcp]'"
        ) from error


def make_server(answering: Answering, visitor_of: Callable[[Context], Visitor]) -> Server[Any]:
    """`visitor_of` says who asks. Raises ConfigError where the SDK is not installed."""
    require_sdk()
    import mcp_types as types
    from mcp.server import Server

    async def list_tools(context: Context, _: Any) -> types.ListToolsResult:
        tools = answering.tools(visitor_of(context)).values()
        return types.ListToolsResult(tools=[_tool(tool) for tool in tools], cache_scope="private")

    async def call_tool(context: Context, asked: types.CallToolRequestParams) -> types.CallToolResult:
        return _told(await answering.call(asked.name, asked.arguments or {}, visitor_of(context)))

    async def list_resources(_: Context, __: Any) -> types.ListResourcesResult:
        guide = types.Resource(
            name="how to read this queue",
            uri=GUIDE,
            description="states, usual questions and the tools that answer them",
            mime_type="text/markdown",
        )
        return types.ListResourcesResult(resources=[guide])

    async def read_resource(_: Context, asked: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        if asked.uri != GUIDE:
            raise _unknown(asked.uri)
        text = types.TextResourceContents(uri=GUIDE, mime_type="text/markdown", text=guide_text())
        return types.ReadResourceResult(contents=[text])

    return Server(
        "queuemgr",
        version=__version__,
        title="Job queue",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
        # The tools take no arguments by HTTP headers, so nobody need list them for each call.
        get_tool_input_schema=lambda _: None,
    )


def guide_text() -> str:
    return files(__package__).joinpath("guide.md").read_text(encoding="utf-8")


def _tool(tool: Tool) -> Any:
    import mcp_types as types

    hints = types.ToolAnnotations(
        read_only_hint=not tool.operation.changes,
        destructive_hint=tool.destructive,
        idempotent_hint=tool.idempotent,
        open_world_hint=False,
    )
    return types.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.schema,
        output_schema=tool.output,
        annotations=hints,
    )


def _told(answer: Answer) -> types.CallToolResult:
    """As text and as values that fit the tool's output schema; a failure, which does not, as text alone."""
    import mcp_types as types

    content: list[types.ContentBlock] = [types.TextContent(text=answer.text)]
    if answer.failed:
        return types.CallToolResult(content=content, is_error=True)
    return types.CallToolResult(content=content, structured_content=json.decode(answer.text))


def _unknown(uri: str) -> Exception:
    import mcp_types as types
    from mcp import MCPError

    return MCPError(types.INVALID_PARAMS, f"there is no resource {uri!r}: read {GUIDE}")
