"""Schemathesis on the reference's OpenAPI document and on the server's own."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

import contract
from kit import Platform, Site, face

# Checks of an answer. Left out: that whatever fits a schema is taken, since any string fits that of an address.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
]

# Cases for each operation and phase: a few in CI, `cargo xtask serve-test contract` takes many.
EXAMPLES = os.environ.get("SERVE_TEST_EXAMPLES", "2")

ALL = "examples,coverage,fuzzing,stateful"

# It answers 200 without a key and with a wrong one, as the document says.
EXEMPT = {"IgnoredAuth": {"POST /v1/validate"}, "MissingHeaderNotRejected": {"POST /v1/validate"}}


def schemathesis(platform, spec, folder, phases):
    """Runs it; its report."""
    (folder / "spec.json").write_text(json.dumps(spec))
    command = [
        pathlib.Path(sys.executable).with_name("schemathesis"),
        *("run", folder / "spec.json", "--url", platform.url, "--header", f"api-secret: {platform.key}"),
        *("--checks", ",".join(CHECKS), "--phases", phases),
        *("--max-examples", EXAMPLES, "--seed", os.environ.get("SERVE_TEST_SEED", "1"), "--continue-on-failure"),
        *("--suppress-health-check", "all", "--warnings", "off", "--no-color", "--no-shrink"),
        *("--report", "json", "--report-json-path", folder / "report.json", "--request-timeout", "60"),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    report = folder / "report.json"
    assert report.is_file(), done.stdout + done.stderr
    return json.loads(report.read_text()), done.stdout


def holds(platform, spec, folder, name, phases=ALL):
    report, said = schemathesis(platform, spec, folder, phases)
    cases = report["test_cases"]
    print(f"{name}: {report['operations']['tested']} operations, {cases['generated']} cases", flush=True)
    failures = [f for f in report["failures"] if set(f["operations"]) - EXEMPT.get(f["type"], set())]
    counts = [f"{f['title']} ({f['count']}): {', '.join(f['operations'])}" for f in failures]
    assert report["complete"] and not failures and not report["errors"], "\n".join([*counts, said[-30000:]])
    return cases["generated"]


@pytest.fixture(scope="module")
def platform():
    with Platform("--metered", "100000000") as platform:
        with Site({"face.jpg": face()}) as site:
            # So that lists and links have something in them.
            platform.agent(image=f"{site.url}/face.jpg", prompt="You are Ada.", model="expression-2")
        yield platform


@pytest.mark.skipif(not contract.DOCUMENT.is_file(), reason="the reference is not beside the repository")
def test_reference(platform, tmp_path):
    spec = contract.document()
    for added in contract.complete(spec):
        print("taken as documented:", added)
    contract.admit_null(spec)
    cases = holds(platform, spec, tmp_path, "reference")
    least = int(os.environ.get("SERVE_TEST_LEAST", "0"))
    assert cases >= least, f"{cases} cases are fewer than {least}"


def test_own(platform, tmp_path):
    # In CI the reference's coverage of all that can be wrong does for both.
    phases = ALL if "SERVE_TEST_EXAMPLES" in os.environ else "examples,fuzzing"
    holds(platform, platform.get("/openapi.json"), tmp_path, "own", phases)


@pytest.mark.skipif(not contract.DOCUMENT.is_file(), reason="the reference is not beside the repository")
def test_every_operation_of_the_reference_is_in_our_own(platform):
    own = dict(contract.operations(platform.get("/openapi.json")))

    def shape(label):
        return "/".join("{}" if part.startswith("{") else part for part in label.split("/"))

    known = {shape(label) for label in own}
    missing = [label for label, _ in contract.operations(contract.document()) if shape(label) not in known]
    assert not missing, missing
