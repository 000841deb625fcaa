"""Puts reports together: one HTML file each, with all that it needs in it."""

import base64
import json
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from jobs.results.wording import bar_segments, shares_in_words, timecode
from jobs.web.colours import colour_sheet
from pipeline.palette import EMOTION_COLOURS
from pipeline.schema import EMOTIONS

POLICY: Final = "; ".join(
    ["default-src 'none'", "img-src 'self' data:", "style-src 'unsafe-inline'", "script-src 'unsafe-inline'"]
)
"""Content security policy of a file that has everything in it: nothing may be fetched, but for pictures beside it."""


def render(template: str, **content: Any) -> str:
    """Return a page from one of our templates."""
    return _environment().get_template(f"report/{template}").render(**content)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("jobs.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(
        timecode=timecode, bar_segments=bar_segments, in_words=shares_in_words, embedded=embedded, data_url=data_url
    )
    environment.globals.update(
        EMOTIONS=EMOTIONS,
        palette=EMOTION_COLOURS,
        policy=POLICY,
        styles=Markup("\n".join([colour_sheet(), _file("jobs.web", "base.css"), _file("jobs.report", "report.css")])),
        theme=Markup(_file("jobs.web", "theme.js")),
        script=Markup(_file("jobs.report", "report.js")),
        sorting=Markup(_file("jobs.report", "index.js")),
        icon=data_url(_file("jobs.web", "icon.svg").encode(), "image/svg+xml"),
    )
    return environment


def _file(package: str, name: str) -> str:
    return (resources.files(package) / "static" / name).read_text()


def embedded(content: Any) -> Markup:
    """Return JSON that may stand inside of a script element, whatever text it holds."""
    text = json.dumps(content, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def data_url(content: bytes, kind: str = "image/jpeg") -> str:
    """Return a URL that holds ``content`` itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
