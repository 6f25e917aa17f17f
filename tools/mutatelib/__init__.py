"""What tools/mutate is made of.  Each module says in its first lines what it owns.

    sites      from clang's syntax tree to the mutants of a source
    schemata   a source in which all of its mutants lie beside the original, one chosen at run time
    programs   bazel: test programs, linked with such sources
    hunt       running tests against mutants: what reaches which, what kills which
    survivors  survivors.txt: the mutants that no test can kill, and why
    score      the table, and the document that is written as mutants.json
"""
