import subprocess
import sys


def test_pytest_may_import_the_package_at_collection():
    modules = (
        "harness.report, harness.report.terminal, harness.report.html, harness.report.curves, harness.report.compare"
    )
    heavy = "{'rich', 'jinja2', 'matplotlib', 'torch', 'scipy', 'PIL', 'markdown_it', 'pytest'}"
    code = f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
