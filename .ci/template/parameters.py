"""Whether whoever deploys finds every parameter, and what the program reads can be set. Each rule yields its complaints."""

import functools
import pathlib
import re

# The template sets these itself, or they are for the command line and tests.
NOT_OFFERED = {
    *("HF_API_TOKEN", "RUNPOD_API_KEY", "TRANSCRIBER_RUNPOD_API_KEY", "API_TOKEN"),
    *("HF_TOKEN", "HF_TOKEN_PATH", "AWS_BEARER_TOKEN_BEDROCK"),
    *("STORE_DIR", "AWS_ENDPOINT_URL_S3", "AWS_REGION"),
}


def every_parameter_has_one_group(stack):
    grouped = [name for group in stack.groups for name in group["Parameters"]]
    for name in sorted(set(grouped) | set(stack.specifications)):
        if grouped.count(name) != 1 or name not in stack.specifications:
            yield f"{name}: is a parameter in {grouped.count(name)} groups"


def every_parameter_has_a_default(stack):
    """So that `sam deploy` asks nothing, and a first deployment works."""
    for name, specification in stack.specifications.items():
        # The code of a release has no default.
        if "Default" not in specification and not name.startswith("CodeS3"):
            yield f"{name}: has no default"
    questions = re.search(r"^confirm_changeset = (\w+)$", pathlib.Path("samconfig.toml").read_text(encoding="utf-8"), re.MULTILINE)
    if questions is None or questions.group(1) != "false":
        yield "samconfig.toml: sam deploy waits for an answer"


def every_variable_can_be_set(_):
    yield from missing()


@functools.cache
def missing():
    """It is the same with all parameters."""
    known = set()
    for source in pathlib.Path("src").rglob("*.rs"):
        known |= set(re.findall(r'Variable::new\(\s*"([A-Z0-9_]+)"', source.read_text(encoding="utf-8")))
    text = pathlib.Path("template.yaml").read_text(encoding="utf-8")
    return [f"{name}: no parameter sets it" for name in sorted(known - NOT_OFFERED) if f" {name}: " not in text]


RULES = [every_parameter_has_one_group, every_parameter_has_a_default, every_variable_can_be_set]
