"""What the seam (seam.c) wrote into its log, and what became of a process."""
from lib import Failure


def halted(one):
    """Dead, or stopped: the third field of proc(5)'s stat."""
    if one.process.poll() is not None:
        return True
    with open(f"/proc/{one.process.pid}/stat", encoding="utf-8") as file:
        return file.read().rsplit(")", 1)[1].split()[0] in "Tt"


def trace_of(text):
    """What each number was, in order; without what was answered."""
    rows = [line.split(" ", 1) for line in text.splitlines()]
    return [what for number, what in rows if not what.startswith("answered ")]


def number_of(text, wanted, nth=1):
    """Of the nth that begins so."""
    found = [number for number, what in enumerate(trace_of(text), 1) if what.startswith(wanted)]
    if len(found) < nth:
        raise Failure(f"not {nth} that begin with “{wanted}” in: {text}")
    return found[nth - 1]


def answer_in(log):
    with open(log, encoding="utf-8") as file:
        return "".join(line.split(" ", 2)[2].strip() for line in file if " answered " in line)
