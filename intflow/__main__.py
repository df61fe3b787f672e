"""python -m intflow"""

from .cli import main

main()
