// Command toolbox renders charts, reads YAML and runs jq for a parent process that speaks frames over its pipes.
//
// It holds no credentials, reaches no network, and reads only the folders that a request names. A request that hangs
// or explodes ends the process at worst; the parent starts another.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"
	_ "time/tzdata" // dateInZone means the same on a machine without zones

	"tiphys.dev/toolbox/internal/engine"
	"tiphys.dev/toolbox/internal/serve"
)

func main() {
	memory := flag.Int("memory-mib", 512, "end with exit code 86 when more memory than this is in use")
	showVersion := flag.Bool("version", false, "print the version and end")
	flag.Parse()
	if *showVersion {
		fmt.Println(engine.Version)
		return
	}
	if err := run(serve.MemoryCap(*memory)); err != nil {
		fmt.Fprintln(os.Stderr, "toolbox:", err)
		os.Exit(1)
	}
}

func run(memory serve.MemoryCap) error {
	out, err := serve.OwnStdout()
	if err != nil {
		return fmt.Errorf("taking standard output: %w", err)
	}
	if err := serve.Confine(memory); err != nil {
		slog.Warn("running without all confinement", "error", err)
	}
	time.Local = time.UTC // a chart means the same wherever it is rendered
	runtime.GOMAXPROCS(2) // one for the operation, one for the collector and the watch over its memory
	memory.Apply()
	return serve.Serve(os.Stdin, os.NewFile(uintptr(out), "frames"), engine.Operations, memory)
}
