"""What is wrong with a stream, rule by rule, and where."""

from tokentape.linting.asked import Asked as Asked
from tokentape.linting.base import Finding as Finding
from tokentape.linting.base import Rule as Rule
from tokentape.linting.base import Severity as Severity
from tokentape.linting.exchanges import lint as lint
from tokentape.linting.exchanges import lint_exchange as lint_exchange
from tokentape.linting.linter import Linter as Linter
from tokentape.linting.rules import RULES as RULES
from tokentape.linting.selection import rule as rule
from tokentape.linting.selection import select as select
from tokentape.linting.thresholds import DEFAULT_THRESHOLDS as DEFAULT_THRESHOLDS
from tokentape.linting.thresholds import Thresholds as Thresholds
