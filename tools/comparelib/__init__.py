"""What tools/compare is made of.  Each module says in its first lines what it owns.

    builder    bazel: what to build, building it, where the programs are
    child      one child process, its time limit, and that none outlives us
    verdict    what became of a trial: ok, wrong result, crashed, hung, refused, failed
    plan       which trials and how many
    gbench     google-benchmark programs: listing, running, reading
    servers    servers as child processes, and what /proc says of them
    parked     what a parked goroutine holds
    programs   workloads that are whole programs: single calls, memory, growths per iteration
    peers      other runtimes on the same work
    hazards    the hazard matrix
    measure    the rounds: everything interleaved, with a progress line
    stats      medians, bootstrap intervals, ratios, quantiles
    machine    what the figures were measured on
    words      figures as people read them
    summary    from samples to the document that is written as compare.json
    crossover  where which strategy is cheapest
    results    everything in it that has samples, and what layouts did to it
    headline   the answer, computed from it by rules that are printed
    table      the document as text
    plots      the document as figures
    page       parts of an HTML page; page.css is how they look
    report     the document as one HTML file
    changes    what changed from one document to another
"""
