"""Renders reports: one HTML file each, with everything it needs inside."""

import base64
import json
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, PackageLoader
from markupsafe import Markup

from jobs.web.colours import colour_sheet
from jobs.web.templating import equip

POLICY: Final = "; ".join(
    ["default-src 'none'", "img-src 'self' data:", "style-src 'unsafe-inline'", "script-src 'unsafe-inline'"]
)
"""Content security policy of a file with everything inside: nothing may be fetched but the pictures beside it."""


def render(template: str, **content: Any) -> str:
    """Return a page from one of our templates."""
    return _environment().get_template(f"report/{template}").render(**content)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    loader = ChoiceLoader([PackageLoader("jobs.report"), PackageLoader("jobs.web")])
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True)
    equip(environment)
    environment.filters.update(embedded=embedded, data_url=data_url)
    environment.globals.update(
        policy=POLICY,
        styles=Markup("\n".join([colour_sheet(), _file("jobs.web", "base.css"), _file("jobs.report", "report.css")])),
        theme=Markup(_file("jobs.web", "theme.js")),
        script=Markup(_file("jobs.report", "report.js")),
        sorting=Markup(_file("jobs.report", "index.js")),
        icon=data_url(_file("jobs.web", "icon.svg").encode(), "image/svg+xml"),
    )
    return environment


def _file(package: str, name: str) -> str:
    return (resources.files(package) / "static" / name).read_text(encoding="utf-8")


def embedded(content: Any) -> Markup:
    """Return JSON that is safe inside a script element, whatever text it holds."""
    text = json.dumps(content, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def data_url(content: bytes, kind: str = "image/jpeg") -> str:
    """Return a URL that holds ``content`` itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
