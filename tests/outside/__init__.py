"""Other libraries' own tests, run on Faltung's drop-in modules: `python -m outside --help` with tests/ on the path."""
