#!/bin/bash
# The examples under Wine, by every strategy that Windows has: what they print, and that they end
# well, or serve.
set -um  # a job is a group of processes: a server is ended with what runs it
failed=0

# expect STATUS WORDS PROGRAM [ARGUMENT...]: how it ends, and the last line that it prints, as a
# pattern.
expect() {
  local status=$1 words=$2 said ended
  shift 2
  said=$(tools/wine "examples/$1.exe" "${@:2}" 2>&1)
  ended=$?
  said=$(tr -d '\r' <<<"$said" | tail -n 1)
  # shellcheck disable=SC2053
  [[ $said == $words && $ended == "$status" ]] && return
  echo "GO_GROWTH=$GO_GROWTH $*: \"$said\", status $ended, instead of \"$words\", $status"
  failed=1
}

# serves SENT WORDS SERVER: what comes back for what is sent on a connection; its first line.
serves() {
  local sent=$1 words=$2 server=$3 said='' port job
  coproc PROGRAM { exec tools/wine "examples/$server.exe" 2>&1; }
  job=$PROGRAM_PID
  read -r said <&"${PROGRAM[0]}"
  port=$(tr -d '\r' <<<"${said##*:}")
  if exec 3<>"/dev/tcp/127.0.0.1/$port"; then
    # shellcheck disable=SC2059
    printf "$sent" >&3
    read -r said <&3
    exec 3>&-
  fi
  kill -- "-$job"
  wait "$job" 2>/dev/null
  said=${said%$'\r'}
  [[ $said == "$words" ]] && return
  echo "GO_GROWTH=$GO_GROWTH $server: \"$said\" instead of \"$words\""
  failed=1
}

strategies=$(tools/wine bench/strategies.exe | tr -d '\r')
[[ $strategies ]] || failed=1
for GO_GROWTH in $strategies; do
  export GO_GROWTH
  expect 0 'hello, world, from goroutine *' hello
  expect 0 '1000 goroutines, 100 laps: 100000 hops' ring
  expect 0 'the squares of 1 to 1000 add up to 333833500' pipeline
  expect 0 'total: 7998000' fanin
  expect 0 'one child fails (its deadline has passed): 3 of 3 others stop' scope
  expect 0 499500 skynet 1000
  expect 0 'never more than 8 in the queue: yes' cond_queue
  serves 'to and fro\n' 'to and fro' echo_server
  serves 'GET / HTTP/1.1\r\nHost: here\r\n\r\n' 'HTTP/1.1 200 OK' http_hello
done
GO_GROWTH=signal
expect 1 'go_run: an argument or option is out of its range' hello
exit $failed
