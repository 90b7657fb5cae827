// Command localnode keeps a real Kubernetes node on this machine: a kubelet and a containerd of its own,
// in a mount and a process namespace of their own, whose end is the end of every container and mount.
//
// This file knows the sub-commands. What a machine must permit is told in check.go, what lives outside the
// namespaces in serve.go, and what lives inside in inside.go. The programs it runs are given to it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

const usage = `localnode: a real Kubernetes node beside localkube's control plane.

  localnode check --dir DIR      what of this machine is in the way, as JSON
  localnode address --dir DIR    the node's address, chosen once
  localnode serve --dir DIR ...  run the node until SIGTERM or SIGINT
  localnode clean --dir DIR      remove what a killed node has left behind
  localnode pause                do nothing: what holds a pod's namespaces
  localnode answer ADDRESS ...   answer every HTTP request: a stand-in for an application
`

var commands = map[string]func(args []string) error{
	"check":   check,
	"address": address,
	"serve":   serve,
	"clean":   clean,
	"pause":   pause,
	"answer":  answer,
	inside:    runInside,
	probe:     runProbe,
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "localnode:", err)
		os.Exit(1)
	}
}

// folder is for those commands that need to know nothing else.
func folder(name string, args []string) (Place, error) {
	flags := flag.NewFlagSet("localnode "+name, flag.ExitOnError)
	dir := flags.String("dir", "", "directory of the node's state")
	_ = flags.Parse(args)
	return placeAt(*dir)
}

func check(args []string) error {
	place, err := folder("check", args)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(failing(place))
}

func address(args []string) error {
	place, err := folder("address", args)
	if err != nil {
		return err
	}
	network, err := place.network()
	if err != nil {
		return err
	}
	fmt.Println(network.IP)
	return nil
}

func clean(args []string) error {
	place, err := folder("clean", args)
	if err != nil {
		return err
	}
	return place.clear()
}
