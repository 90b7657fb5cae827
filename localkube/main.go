// Command localkube is a Kubernetes control plane in one process, and the tools to talk to it.
//
// This file knows the sub-commands. `serve` is told in serve.go; kubectl and helm are the real
// ones, in clients.go.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"tiphys.dev/localkube/internal/home"
)

const usage = `localkube: a Kubernetes control plane in one process. The API is real, the containers are simulated.

  localkube serve --dir DIR     run a control plane whose state is in DIR
  localkube kubectl ...         the real kubectl
  localkube helm ...            the real helm
  localkube version             versions of what is inside, as JSON

Linked or copied as "kubectl" or "helm", it is that command.
`

var commands = map[string]func(args []string) int{
	"serve":   serve,
	"kubectl": kubectl,
	"helm":    helm,
	"version": version,
}

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	if name != "kubectl" && name != "helm" {
		if len(args) == 0 {
			fmt.Fprint(os.Stderr, usage)
			os.Exit(home.ExitUsage)
		}
		name, args = args[0], args[1:]
	}
	if name == "help" || name == "--help" || name == "-h" {
		fmt.Print(usage)
		return
	}
	command, ok := commands[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "localkube: unknown command %q\n\n%s", name, usage)
		os.Exit(home.ExitUsage)
	}
	os.Exit(command(args))
}
