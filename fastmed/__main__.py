"""``python -m fastmed`` is the command line."""

from fastmed.cli import main

if __name__ == "__main__":
    main()
