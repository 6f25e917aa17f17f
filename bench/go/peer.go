// The work of bench/peers/driver.c, as one writes it in Go: the same measures, the same output.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"
)

const (
	usedBytes = 64 << 10
	hotDepths = 384
	hotPasses = 3
	batches   = 5
)

type frame struct {
	value  uint64
	locals [12]uint64 // what fills it up to 128 bytes
}

var lowest uintptr

//go:noinline
func keep(f *frame) { f.locals[0] = f.value }

//go:noinline
func down(levels uint64) uint64 {
	here := frame{value: levels}
	keep(&here)
	var sum uint64
	if levels > 0 {
		sum = down(levels - 1)
	} else {
		lowest = uintptr(unsafe.Pointer(&here))
	}
	return sum + here.value + here.locals[0]
}

func frameBytes() uintptr {
	down(5) // grows the stack, if that has to be
	down(1)
	one := lowest
	down(5)
	return (one - lowest) / 4
}

func descend(bytes int) {
	levels := uint64(bytes) / uint64(frameBytes())
	if down(levels) != levels*(levels+1) {
		fail(fmt.Errorf("a wrong sum"))
	}
}

func join(fn func()) {
	done := make(chan struct{})
	go func() {
		fn()
		close(done)
	}()
	<-done
}

func perIteration(begin time.Time, n int) float64 {
	return float64(time.Since(begin).Nanoseconds()) / float64(n)
}

// The median of some batches: one of them may have been interrupted.
func median(batch func() float64) interface{} {
	ns := make([]float64, batches)
	for i := range ns {
		ns[i] = batch()
	}
	sort.Float64s(ns)
	return map[string]float64{"ns": ns[batches/2]}
}

func create(n int) interface{} {
	done := make(chan struct{})
	return median(func() float64 {
		begin := time.Now()
		for i := 0; i < n; i++ {
			go func() { done <- struct{}{} }()
			<-done
		}
		return perIteration(begin, n)
	})
}

func switches(n int) interface{} {
	return median(func() float64 {
		begin := time.Now()
		yieldPair(n)
		return perIteration(begin, 2*n)
	})
}

func deep(bytes int) interface{} {
	var first, second time.Duration
	join(func() {
		begin := time.Now()
		descend(bytes)
		first = time.Since(begin)
		begin = time.Now()
		descend(bytes)
		second = time.Since(begin)
	})
	return map[string]int64{"first_ns": first.Nanoseconds(), "second_ns": second.Nanoseconds(),
		"frame": int64(frameBytes())}
}

//go:noinline
func hot(sum uint64) uint64 {
	var page [1024]byte
	page[sum&1023] = byte(sum)
	return sum*31 + uint64(page[0])
}

//go:noinline
func hotAt(levels, n int) uint64 {
	here := frame{value: 1}
	keep(&here)
	if levels > 0 {
		return hotAt(levels-1, n) + here.locals[1]
	}
	sum := uint64(1)
	for i := 0; i < n; i++ {
		sum = hot(sum)
	}
	return sum
}

func hotSplit(n int) interface{} {
	byDepth := make([]float64, hotDepths)
	join(func() {
		for i := 0; i < hotPasses*hotDepths; i++ {
			k := i % hotDepths
			begin := time.Now()
			sink += int(hotAt(k, n))
			if ns := perIteration(begin, n); ns < byDepth[k] || byDepth[k] == 0 {
				byDepth[k] = ns
			}
		}
	})
	return map[string][]float64{"ns_by_depth": byDepth}
}

func sayAndWait(what string) {
	fmt.Println(what)
	os.Stdin.Read(make([]byte, 16))
}

// A collection halves a stack of which less than a quarter is used.
func park(n, bytes int) {
	var arrived int64
	sayAndWait("begun")
	never := make(chan int)
	for i := 0; i < n; i++ {
		go func() {
			if bytes > 0 {
				descend(bytes)
			}
			atomic.AddInt64(&arrived, 1)
			<-never
		}()
	}
	for atomic.LoadInt64(&arrived) < int64(n) {
		runtime.Gosched()
	}
	if bytes > 0 {
		for size := usedBytes * 2; size > 1024; size /= 2 {
			runtime.GC()
		}
		debug.FreeOSMemory()
	}
	sayAndWait("parked")
	os.Exit(0)
}

func servePeer(measure, number string) {
	runtime.GOMAXPROCS(1)
	n, err := strconv.Atoi(number)
	if err != nil {
		fail(err)
	}
	var result interface{}
	switch measure {
	case "create":
		result = create(n)
	case "switch":
		result = switches(n)
	case "deep":
		result = deep(n)
	case "hot":
		result = hotSplit(n)
	case "parked":
		park(n, 0)
	case "used":
		park(n, usedBytes)
	default:
		fail(fmt.Errorf("no measure is called %q", measure))
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fail(err)
	}
}
