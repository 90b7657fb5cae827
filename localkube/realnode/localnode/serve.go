package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// Parts are the programs of a node, and what it is told of its control plane.
type Parts struct {
	Containerd, Ctr, Runc, Shim, Plugins, Kubelet string
	Name, Kubeconfig, CA, Cert, Key               string
}

const (
	namespacesOfNode = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID
	endWithin        = 10 * time.Second
)

// serve keeps the bridge and the control groups, and in namespaces of its own a first process whose end
// is everybody's. It runs until it is told to end, or the first process ends.
func serve(args []string) error {
	// The first process is killed when the thread that made it ends: this one, which is the program's.
	runtime.LockOSThread()
	place, parts, err := parseServe(args)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	if err := place.prepare(); err != nil {
		return errors.Join(err, place.clear())
	}
	err = live(place, parts, signals)
	return errors.Join(err, place.clear())
}

func parseServe(args []string) (Place, Parts, error) {
	var parts Parts
	flags := flag.NewFlagSet("localnode serve", flag.ExitOnError)
	dir := flags.String("dir", "", "directory of the node's state")
	for name, field := range map[string]*string{
		"containerd": &parts.Containerd, "ctr": &parts.Ctr, "runc": &parts.Runc, "shim": &parts.Shim, "cni-plugins": &parts.Plugins,
		"kubelet": &parts.Kubelet, "name": &parts.Name, "kubeconfig": &parts.Kubeconfig, "ca": &parts.CA, "cert": &parts.Cert, "key": &parts.Key,
	} {
		flags.StringVar(field, name, "", "")
	}
	_ = flags.Parse(args)
	place, err := placeAt(*dir)
	return place, parts, err
}

// prepare removes what a killed node has left, and makes anew what stands outside of the namespaces.
func (p Place) prepare() error {
	network, err := p.network()
	if err != nil {
		return err
	}
	if err := p.clear(); err != nil {
		return err
	}
	if err := makeGroups(p.name()); err != nil {
		return err
	}
	if err := addLink(p.name(), "bridge", p.hardware()); err != nil {
		return fmt.Errorf("make the bridge %s: %w", p.name(), err)
	}
	return addAddress(p.name(), network)
}

// live starts the first process, and returns when it has ended.
func live(place Place, parts Parts, signals <-chan os.Signal) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	told, err := json.Marshal(parts)
	if err != nil {
		return err
	}
	first := exec.Command(self, inside, place.dir, string(told))
	first.Stdout, first.Stderr = os.Stdout, os.Stderr
	first.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespacesOfNode, Pdeathsig: syscall.SIGKILL}
	if err := first.Start(); err != nil {
		return fmt.Errorf("make the namespaces of the node: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- first.Wait() }()
	select {
	case err := <-ended:
		return fmt.Errorf("the node has ended by itself: %w", err)
	case <-signals:
	}
	_ = first.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(endWithin):
		_ = first.Process.Kill()
		<-ended
	}
	return nil
}
