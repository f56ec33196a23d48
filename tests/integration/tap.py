"""TAP lines for functions that assert, then "N passed, M failed"."""


def run(tests):
    """(name, function) each; 1 where one failed, for sys.exit()."""
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name}", flush=True)
        except AssertionError as error:
            failed += 1
            print(f"not ok {number} - {name}\n# " + str(error).replace("\n", "\n# "), flush=True)
    print(f"1..{len(tests)}\n{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0
