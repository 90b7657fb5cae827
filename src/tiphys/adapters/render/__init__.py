"""
Rendering: Helm, YAML, jq and version ranges by their canonical libraries, in a child process.

Speaks the child's frames and hands out our nouns. What to render, and when, others decide.
"""

from tiphys.adapters.render.charts import render_chart
from tiphys.adapters.render.engines import Engines
from tiphys.adapters.render.limits import Limits
from tiphys.adapters.render.queries import jq, jq_paths
from tiphys.adapters.render.toolbox import Toolbox
from tiphys.adapters.render.versions import best_version, engine_versions
from tiphys.adapters.render.yaml import Document, decode_files, decode_yaml

__all__ = [
    "Document",
    "Engines",
    "Limits",
    "Toolbox",
    "best_version",
    "decode_files",
    "decode_yaml",
    "engine_versions",
    "jq",
    "jq_paths",
    "render_chart",
]
