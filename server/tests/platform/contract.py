"""The reference's OpenAPI document, and what it leaves out."""

import pathlib

import yaml

from kit import ROOT

REFERENCE = ROOT.parent / "shared/reference"
DOCUMENT = REFERENCE / "000_d4612ab632f74390.txt"

METHODS = ("get", "post", "put", "delete", "patch")

# Members of a body that name an agent.
AGENT_MEMBERS = {"agent_id", "agent_code"}


def document():
    return yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))


def operations(spec):
    """(label, operation) of all operations."""
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


def _body_members(operation):
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return set(schema.get("properties", {}))


def complete(spec):
    """Adds the answers that the document describes, but lists at some operations only. Gives what was added.

    Its components hold `ValidationError` ("Body failed schema validation"), which no operation names, `Unauthorized`
    and `NotFound`; its prose asks for the `api-secret` with every request. So: 401 wherever the document's `security`
    holds, 400 where there is a body or a typed query, 404 where an agent is named.
    """
    added = []
    for label, operation in operations(spec):
        wanted = {}
        if label != "POST /v1/validate":
            wanted["401"] = "Unauthorized"
        queries = [p for p in operation.get("parameters", []) if p["in"] == "query"]
        if "requestBody" in operation or queries:
            wanted["400"] = "ValidationError"
        # An agent's new id is no agent yet.
        named = _body_members(operation) & AGENT_MEMBERS if not label.endswith("/agent/generate") else ()
        if named or "{" in label:
            wanted["404"] = "NotFound"
        for status, name in wanted.items():
            if status not in operation["responses"]:
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
                added.append(f"{label} {status}")
    return added


def admit_null(spec):
    """Lets members of bodies that need not be there be null: clients write what they don't set as null."""
    for _, operation in operations(spec):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            for schema in [content["schema"], *content["schema"].get("oneOf", [])]:
                for name, member in schema.get("properties", {}).items():
                    if name not in schema.get("required", []) and isinstance(member.get("type"), str):
                        member["type"] = [member["type"], "null"]
                        if "enum" in member:
                            member["enum"] = [*member["enum"], None]


def snippets():
    """The reference's other pages, in their order."""
    return [pathlib.Path(path) for path in sorted(REFERENCE.glob("00[123]_*.txt"))]
