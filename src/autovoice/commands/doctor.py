"""Examine device, packages, models, disk and memory, and try a conversion on the CPU.

example:
  autovoice doctor --json
"""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from autovoice.commands.console import Console, add_voices


def add_arguments(parser: ArgumentParser) -> None:
    """doctor [--voices DIR]."""
    add_voices(parser)


def run(args: Namespace) -> int:
    """Exit 0 when conversion on the CPU works."""
    from autovoice.doctor import examine

    console = Console(args)
    findings = examine(args.voices)
    rows = [[f.topic, f.name, f.state, f.value, f.remedy] for f in findings]
    console.table("autovoice doctor", ["topic", "what", "state", "found", "remedy"], rows)
    works = findings[-1].state == "ok"
    console.say("Conversion on the CPU works." if works else "Conversion on the CPU does not work.")
    console.result({"works": works, "findings": [asdict(f) for f in findings]})
    return 0 if works else 1
