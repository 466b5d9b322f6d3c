"""The reference page of the API, made from its OpenAPI document.

``python -m staging_embed.reference`` prints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from .openapi import document
from .routes import GROUPS


def page(told: Mapping[str, Any]) -> str:
    """The page of a document, as Markdown."""
    head = files("staging_embed").joinpath("static", "reference.md")
    lines = [head.read_text("utf-8")]
    for tag in told["tags"]:
        lines.append(f"## {tag['name'].capitalize()}\n\n{tag['description']}\n")
        for path, operations in told["paths"].items():
            for method, operation in operations.items():
                if tag["name"] in operation["tags"]:
                    lines += _operation(method.upper(), path, operation, told)
    lines.append("## Types\n")
    for name, schema in told["components"]["schemas"].items():
        lines += _type(name, schema)
    return "\n".join(lines)


def _operation(
    method: str, path: str, operation: Mapping[str, Any], told: Mapping[str, Any]
) -> Iterable[str]:
    yield f"### {method} {path}\n"
    yield f"{operation['summary']}. {operation.get('description', '')}".strip() + "\n"
    yield f"`{operation['operationId']}`, for {_who(operation['x-access'])}.\n"
    asked = [*_parameters(operation), *_body(operation)]
    if asked:
        yield "\n".join(["| Asked | Where | Type | Meaning |", "|---|---|---|---|", *asked]) + "\n"
    yield "\n".join(["| Answer | Body |", "|---|---|", *_answers(operation)]) + "\n"


def _who(access: Mapping[str, str]) -> str:
    words = {
        "anyone": "anyone",
        "member": "members of an account",
        "admin": "admins of an account",
        "operator": "operators of the installation",
    }
    scope = f", with the scope `{access['scope']}`" if "scope" in access else ""
    return words[access["who"]] + scope


def _parameters(operation: Mapping[str, Any]) -> Iterable[str]:
    for each in operation.get("parameters", ()):
        needed = "" if each.get("required") else ", optional"
        meaning = _in_cell(each.get("description", ""))
        yield f"| `{each['name']}` | {each['in']}{needed} | {_kind(each['schema'])} | {meaning} |"


def _body(operation: Mapping[str, Any]) -> Iterable[str]:
    body = operation.get("requestBody")
    if body is None:
        return
    needed = "" if body["required"] else ", optional"
    for media, content in body["content"].items():
        kind = _kind(content["schema"]) if content.get("schema") else "bytes"
        yield f"| the body | `{media}`{needed} | {kind} | |"


def _answers(operation: Mapping[str, Any]) -> Iterable[str]:
    for status, answer in operation["responses"].items():
        kinds = [
            _kind(content["schema"]) if content.get("schema") else f"`{media}`"
            for media, content in answer.get("content", {}).items()
        ]
        if status == "default" or kinds == [_kind({"$ref": "#/components/schemas/Problem"})]:
            continue
        yield f"| {status} | {', '.join(kinds) or 'none'} |"
    refused = [
        f"{status} {answer['description'].partition(': ')[2].rstrip('.')}"
        for status, answer in operation["responses"].items()
        if status.isdecimal() and int(status) >= 400 and ": " in answer["description"]
    ]
    if refused:
        yield f"| refused | {'; '.join(refused)} |"


def _type(name: str, schema: Mapping[str, Any]) -> Iterable[str]:
    yield f"### {name}\n"
    if "description" in schema:
        yield schema["description"] + "\n"
    fields = [
        f"| `{field}`{'' if field in schema.get('required', ()) else ' (optional)'} "
        f"| {_kind(shape)} |"
        for field, shape in schema.get("properties", {}).items()
    ]
    if fields:
        yield "\n".join(["| Field | Type |", "|---|---|", *fields]) + "\n"


def _kind(schema: Mapping[str, Any]) -> str:
    """A type in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return kind + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    low = schema.get("minimum", schema.get("minLength"))
    high = schema.get("maximum", schema.get("maxLength"))
    if low is None and high is None:
        return ""
    unit = " characters" if schema.get("type") == "string" else ""
    if high is None:
        return f", at least {low}{unit}"
    return f", {'up to' if low is None else f'{low} to'} {high}{unit}"


def _in_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Print the page of all routes there are."""
    routes = [route for routes in GROUPS.values() for route in routes.all]
    print(page(document(routes)), end="")


if __name__ == "__main__":
    main()
