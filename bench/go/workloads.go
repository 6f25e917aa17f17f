// Each function does n times what the benchmark of its name does in C: as many goroutines, the same
// loops, elements of 8 bytes.
package main

import (
	"runtime"
	"sync"
	"time"
)

// ---- Yield -----------------------------------------------------------------------------------

func yieldPair(n int) {
	var done sync.WaitGroup
	done.Add(1)
	go func() {
		for i := 0; i < n; i++ {
			runtime.Gosched()
		}
		done.Done()
	}()
	for i := 0; i < n; i++ {
		runtime.Gosched()
	}
	done.Wait()
}

// ---- Channels --------------------------------------------------------------------------------

var sink int // what has been computed is used

func pingPong(n int) {
	there, back := make(chan int), make(chan int)
	go func() {
		for v := range there {
			back <- v
		}
		close(back)
	}()
	for i := 0; i < n; i++ {
		there <- i
		<-back
	}
	close(there)
	if _, open := <-back; open {
		panic("the last receive")
	}
}

func buffered(n int) {
	c := make(chan int, 128)
	go func() {
		for i := 0; i < n; i++ {
			c <- i
		}
		close(c)
	}()
	sum := 0
	for v := range c {
		sum += v
	}
	sink = sum
}

func selectOf4(n, capacity int) {
	var c [4]chan int
	for i := range c {
		c[i] = make(chan int, capacity)
	}
	go func() {
		for i := 0; i < n; i++ {
			c[i%len(c)] <- i
		}
	}()
	sum := 0
	for i := 0; i < n; i++ {
		var v int
		select {
		case v = <-c[0]:
		case v = <-c[1]:
		case v = <-c[2]:
		case v = <-c[3]:
		}
		sum += v
	}
	sink = sum
}

// ---- Mutex -----------------------------------------------------------------------------------

func work(x uint64) uint64 {
	for i := 0; i < 10; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func mutexContended(n int) {
	const goroutines = 4
	var mutex sync.Mutex
	var done sync.WaitGroup
	value := uint64(1) // guarded by mutex
	done.Add(goroutines)
	for i := 0; i < goroutines; i++ {
		go func() {
			for k := 0; k < (n+goroutines-1)/goroutines; k++ {
				mutex.Lock()
				value = work(value)
				mutex.Unlock()
			}
			done.Done()
		}()
	}
	done.Wait()
	sink = int(value)
}

// ---- Timers ----------------------------------------------------------------------------------

func timerStartStop(n int) {
	t := time.AfterFunc(time.Hour, func() {})
	for i := 0; i < n; i++ {
		t.Reset(time.Hour)
		t.Stop()
	}
}

func sleepers(n int) {
	const goroutines = 10000
	for i := 0; i < n; i++ {
		var awake sync.WaitGroup
		awake.Add(goroutines)
		for k := 0; k < goroutines; k++ {
			go func() {
				time.Sleep(time.Millisecond)
				awake.Done()
			}()
		}
		awake.Wait()
	}
}

// ---- Many goroutines -------------------------------------------------------------------------

func spawnWait(n int) {
	const goroutines = 100000
	for i := 0; i < n; i++ {
		var done sync.WaitGroup
		done.Add(goroutines)
		for k := 0; k < goroutines; k++ {
			go done.Done()
		}
		done.Wait()
	}
}

// skynet sends the sum of the numbers of the leaves below this node.
func skynet(result chan<- int, first, leaves int) {
	if leaves == 1 {
		result <- first
		return
	}
	results := make(chan int)
	const children = 10
	for i := 0; i < children; i++ {
		go skynet(results, first+i*(leaves/children), leaves/children)
	}
	sum := 0
	for i := 0; i < children; i++ {
		sum += <-results
	}
	result <- sum
}

func skynetSum(n int) {
	const leaves = 1000000
	for i := 0; i < n; i++ {
		result := make(chan int)
		go skynet(result, 0, leaves)
		if <-result != leaves*(leaves-1)/2 {
			panic("skynet's sum")
		}
	}
}
