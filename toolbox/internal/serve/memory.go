package serve

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// ExitMemory is the exit code of a process that passed its memory cap.
const ExitMemory = 86

// How often the memory is looked at while an operation runs. An allocation counts when it is made, before its pages
// are touched, so a single huge one is seen before it costs anything.
const tick = 2 * time.Millisecond

// MemoryCap is what the process may use, in MiB. A render cannot be stopped from inside, so passing the cap ends the
// process; the parent starts another one.
type MemoryCap int

// Apply tells the garbage collector to work harder before the cap is near.
func (m MemoryCap) Apply() {
	debug.SetMemoryLimit(int64(m) << 20 * 3 / 4)
}

// watch looks at the memory until the function that it returns is called.
func (m MemoryCap) watch(operation string) func() {
	if m <= 0 {
		return func() {}
	}
	over := make(chan struct{})
	ticker := time.NewTicker(tick)
	go func() {
		for {
			select {
			case <-over:
				return
			case <-ticker.C:
				m.enforce(operation)
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(over)
	}
}

func (m MemoryCap) enforce(operation string) {
	if used := InUse(); used > uint64(m)<<20 {
		fmt.Fprintf(os.Stderr, "toolbox: %s passed the memory cap of %d MiB (%d MiB in use)\n", operation, m, used>>20)
		os.Exit(ExitMemory)
	}
}

// InUse is the memory that Go has mapped and not given back, in bytes: heap, stacks and its own books.
func InUse() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
