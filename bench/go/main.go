// The work of the benchmarks beside this folder, as one writes it in Go.  Understands as much of
// google-benchmark's command line, and prints as much of its JSON, as tools/comparelib/gbench.py
// needs.  The number that ends a name is GOMAXPROCS.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"testing"
)

type workload struct {
	name  string
	run   func(n int)
	once  bool // n is 1
	again bool // after a round that is not measured
}

var workloads = []workload{
	{name: "YieldPair", run: yieldPair},
	{name: "PingPong", run: pingPong},
	{name: "Buffered128", run: buffered},
	{name: "SelectOf4/unbuffered", run: func(n int) { selectOf4(n, 0) }},
	{name: "SelectOf4/buffered", run: func(n int) { selectOf4(n, 128) }},
	{name: "MutexContended", run: mutexContended},
	{name: "TimerStartStop", run: timerStartStop},
	{name: "Sleepers10000", run: sleepers, again: true},
	{name: "SpawnWait/first", run: spawnWait, once: true},
	{name: "SpawnWait/again", run: spawnWait, once: true, again: true},
	{name: "Skynet/first", run: skynetSum, once: true},
	{name: "Skynet/again", run: skynetSum, once: true, again: true},
}

type row struct {
	Name       string  `json:"name"`
	Iterations int     `json:"iterations"`
	RealTime   float64 `json:"real_time"`
	TimeUnit   string  `json:"time_unit"`
}

func measure(w workload, name string, procs int, seconds float64) row {
	runtime.GOMAXPROCS(procs)
	benchtime := fmt.Sprintf("%gs", seconds)
	if w.once {
		benchtime = "1x"
	}
	if err := flag.Set("test.benchtime", benchtime); err != nil {
		fail(err)
	}
	r := testing.Benchmark(func(b *testing.B) {
		if w.again {
			w.run(1)
			b.ResetTimer()
		}
		w.run(b.N)
	})
	return row{name, r.N, float64(r.T.Nanoseconds()) / float64(r.N), "ns"}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	testing.Init()
	filter := flag.String("benchmark_filter", ".", "regular expression of names")
	seconds := flag.Float64("benchmark_min_time", 0.5, "least time of one benchmark")
	flag.String("benchmark_format", "json", "ignored: it is always json")
	address := flag.String("echo", "", "no benchmark: an echo server on host:port")
	peer := flag.String("peer", "", "no benchmark: a measure of tools/peers; its number follows")
	flag.Parse()
	if *peer != "" {
		servePeer(*peer, flag.Arg(0))
		return
	}
	if *address != "" {
		serveEcho(*address)
	}
	wanted, err := regexp.Compile(*filter)
	if err != nil {
		fail(err)
	}
	rows := []row{}
	for _, w := range workloads {
		for procs := 1; procs <= 2; procs++ {
			if name := fmt.Sprintf("%s/%d", w.name, procs); wanted.MatchString(name) {
				rows = append(rows, measure(w, name, procs, *seconds))
			}
		}
	}
	document := map[string]interface{}{
		"context":    map[string]string{"go": runtime.Version()},
		"benchmarks": rows,
	}
	if err := json.NewEncoder(os.Stdout).Encode(document); err != nil {
		fail(err)
	}
}
