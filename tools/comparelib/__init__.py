"""What tools/compare is made of.  Each module says in its first lines what it owns.

    builder    bazel: what to build, building it, where the programs are
    child      one child process, its time limit, and that none outlives us
    verdict    what became of a trial: ok, wrong result, crashed, hung, refused, failed
    plan       which trials and how many
    gbench     google-benchmark programs: listing, running, reading
    programs   workloads that are whole programs: single calls, memory, growths per iteration
    peers      other runtimes on the same work
    measure    the rounds: everything interleaved, with a progress line
    stats      medians, bootstrap intervals, ratios, quantiles
    machine    what the figures were measured on
    summary    from samples to the document that is written as compare.json
    headline   the answer in sentences, computed from that document
    table      that document as text
    plots      that document as figures
    report     that document as one HTML file
"""
