"""Runs the command line as `python -m pixel_agent.cli`, the same as `pixel-agent`."""

from pixel_agent.cli.main import main

if __name__ == "__main__":
    main()
