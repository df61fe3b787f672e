"""`python -m intflow.audit`: the child process of an audit, see child.py."""

from .child import main

main()
