"""`python -m firmward` is the `firmward` command."""

from firmward.cli import main

main()
