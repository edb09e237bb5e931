"""The pages on the rules: one for each group, and the counts of real streams."""

import re
from pathlib import Path

import pytest
from docs import lint_counts, lint_pages

from tokentape.linting import RULES, Rule
from tokentape.model import Exchange, Request

DOCS = Path(lint_pages.__file__).parent


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives headings: lower case, `-` for spaces, punctuation gone."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_each_group_has_its_page_and_no_page_is_left_over() -> None:
    pages = {page.name for page in (DOCS / "rules").glob("*.md")}
    assert pages == {f"{group.lower()}.md" for group in lint_pages.groups()}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_table_leads_to_the_text_of_each_rule(rule: Rule) -> None:
    page, _, anchor = lint_pages.anchor(rule).partition("#")
    assert anchor in _anchors(DOCS / page)
    assert f"]({page}#{anchor})" in (DOCS / "lint.md").read_text(encoding="utf-8")
    # All that --explain prints, but for the level of the headings.
    said = [line.lstrip("#") for line in rule.explain().splitlines()]
    shown = [line.lstrip("#") for line in (DOCS / page).read_text(encoding="utf-8").splitlines()]
    at = shown.index(said[0])
    assert shown[at : at + len(said)] == said


def test_links_of_the_pages_lead_somewhere() -> None:
    links = [
        (page, target)
        for page in (DOCS / "rules").glob("*.md")
        for target in re.findall(r"\]\(([^)#:]+)[)#]", page.read_text(encoding="utf-8"))
    ]
    assert links
    for page, target in links:
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_counts_of_real_streams_are_current(shared: Path) -> None:
    written = lint_counts.PAGE.read_text(encoding="utf-8")
    assert lint_counts.page(shared / "recordings") == written, "run python -m docs.lint_counts"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1/chat/completions", "OpenAI"),
        ("https://x.openai.azure.com/openai/v1/chat/completions", "Azure OpenAI"),
        ("https://bedrock-mantle.us-east-2.api.aws/v1/chat/completions", "Amazon Bedrock"),
        ("https://notopenrouter.ai/v1/chat/completions", "`notopenrouter.ai`"),
        ("http://localhost:8080/v1/chat/completions", "`localhost:8080`"),
        ("", "not recorded"),
    ],
)
def test_a_provider_is_told_by_its_host(url: str, name: str) -> None:
    assert lint_counts.provider(Exchange(request=Request(url=url))) == name
