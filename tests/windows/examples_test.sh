#!/bin/bash
# The examples under Wine, by every strategy that Windows has: what they print, and that they end.
# Those that serve are left out: tests/tcp_test.cc has streams.
set -u
failed=0

# expect WORDS PROGRAM [ARGUMENT...]: the last line that it prints, as a pattern.
expect() {
  local words=$1 said
  shift
  said=$(tools/wine "examples/$1.exe" "${@:2}" 2>&1 | tr -d '\r' | tail -n 1)
  # shellcheck disable=SC2053
  [[ $said == $words ]] && return
  echo "GO_GROWTH=$GO_GROWTH $*: \"$said\" instead of \"$words\""
  failed=1
}

strategies=$(tools/wine bench/strategies.exe | tr -d '\r')
[[ $strategies ]] || failed=1
for GO_GROWTH in $strategies; do
  export GO_GROWTH
  expect 'hello, world, from goroutine *' hello
  expect '1000 goroutines, 100 laps: 100000 hops' ring
  expect 'the squares of 1 to 1000 add up to 333833500' pipeline
  expect 'total: 7998000' fanin
  expect 'one child fails (its deadline has passed): 3 of 3 others stop' scope
  expect 499500 skynet 1000
  expect 'never more than 8 in the queue: yes' cond_queue
done
GO_GROWTH=signal
expect 'go_run: an argument or option is out of its range' hello
exit $failed
