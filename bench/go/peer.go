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
	hotDepths = 512
	hotStep   = 512
	hotPasses = 5
	batches   = 5
)

type frame struct {
	value  uint64
	locals [12]uint64 // what fills it up to 128 bytes
}

var (
	lowest uintptr
	bottom func() // what is done at the lowest level; or nil
)

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
		if bottom != nil {
			bottom()
		}
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

func hotSplit(n int) interface{} {
	byDepth := make([]float64, hotDepths)
	join(func() {
		level := int(frameBytes())
		for i := 0; i < hotPasses*hotDepths; i++ {
			k := i % hotDepths
			bottom = func() {
				sum := uint64(1)
				begin := time.Now()
				for i := 0; i < n; i++ {
					sum = hot(sum)
				}
				if ns := perIteration(begin, n); ns < byDepth[k] || byDepth[k] == 0 {
					byDepth[k] = ns
				}
				sink += int(sum)
			}
			down(uint64(k * hotStep / level))
		}
	})
	return map[string]interface{}{"step": hotStep, "ns_by_depth": byDepth}
}

func sayAndWait(what string) {
	fmt.Println(what)
	os.Stdin.Read(make([]byte, 16))
}

func timedDescent(bytes int) float64 {
	begin := time.Now()
	descend(bytes)
	return float64(time.Since(begin).Nanoseconds())
}

func medianOf(ns []float64) float64 {
	sort.Float64s(ns)
	return ns[len(ns)/2]
}

// A collection halves a stack of which less than a quarter is used.
func shrink() {
	for size := usedBytes * 2; size > 1024; size /= 2 {
		runtime.GC()
	}
	debug.FreeOSMemory()
}

func park(n, bytes int) interface{} {
	var arrived int64
	first, again := make([]float64, n), make([]float64, n)
	for i := range first { // in RAM before memory is read
		first[i], again[i] = 1, 1
	}
	waitFor := func(many int) {
		for atomic.LoadInt64(&arrived) < int64(many) {
			runtime.Gosched()
		}
	}
	woken, never := make(chan int), make(chan int)
	sayAndWait("begun")
	for i := 0; i < n; i++ {
		go func(i int) {
			if bytes > 0 {
				first[i] = timedDescent(bytes)
			}
			atomic.AddInt64(&arrived, 1)
			<-woken
			again[i] = timedDescent(bytes)
			atomic.AddInt64(&arrived, 1)
			<-never // the next would find its memory
		}(i)
	}
	waitFor(n)
	sayAndWait("parked")
	if bytes == 0 {
		os.Exit(0)
	}
	begin := time.Now()
	shrink()
	each := perIteration(begin, n)
	sayAndWait("shrunk")
	close(woken)
	waitFor(2 * n)
	return map[string]float64{"first_ns": medianOf(first), "again_ns": medianOf(again),
		"shrink_ns": each}
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
		result = park(n, 0)
	case "used":
		result = park(n, usedBytes)
	default:
		fail(fmt.Errorf("no measure is called %q", measure))
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fail(err)
	}
}
