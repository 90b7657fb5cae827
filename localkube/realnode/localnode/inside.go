package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// inside is the sub-command that is the first process in the node's namespaces.
const inside = "inside"

const (
	runtimeWithin = 60 * time.Second
	imageWithin   = 60 * time.Second
	// How long containers have to end after they were told to; those of a simulated node have none.
	farewell = 2 * time.Second
)

// runInside starts the programs of the node one after the other, and ends when it is told to or one of them
// ends. With it the kernel ends all that is in the namespaces.
func runInside(args []string) error {
	var parts Parts
	if len(args) != 2 {
		return errors.New("usage")
	}
	if err := json.Unmarshal([]byte(args[1]), &parts); err != nil {
		return err
	}
	place, err := placeAt(args[0])
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	household, failed := newHousehold(), make(chan error, 1)
	go func() { failed <- place.run(household, parts) }()
	select {
	case err = <-failed:
	case <-signals:
	}
	household.farewell()
	return err
}

func (p Place) run(household *household, parts Parts) error {
	network, err := p.network()
	if err != nil {
		return err
	}
	if err := errors.Join(privately(), p.arrange(), p.configure(parts, network), p.forget()); err != nil {
		return err
	}
	containerd, err := household.start(p.environment(parts), parts.Containerd, "--config", p.path("containerd.toml"), "--log-level", "warn")
	if err != nil {
		return err
	}
	if err := p.bringImages(household, parts, containerd); err != nil {
		return err
	}
	kubelet, err := household.start(p.environment(parts), parts.Kubelet,
		"--config", p.path("kubelet.json"), "--kubeconfig", parts.Kubeconfig, "--hostname-override", parts.Name, "--node-ip", network.IP.String(),
		"--node-labels", "localkube.tiphys.dev/real=true", "--root-dir", "/var/lib/kubelet", "--cert-dir", p.path("certificates"), "--v", "0")
	if err != nil {
		return err
	}
	select {
	case code := <-containerd:
		return ended("containerd", code)
	case code := <-kubelet:
		return ended("the kubelet", code)
	}
}

func ended(program string, code int) error {
	if code < 0 {
		return fmt.Errorf("%s was killed", program)
	}
	return fmt.Errorf("%s has ended with exit code %d", program, code)
}

// forget removes the addresses that pods had in the last life of the node: none of them lives on.
func (p Place) forget() error {
	return os.RemoveAll("/var/lib/cni/networks")
}

func (p Place) environment(parts Parts) []string {
	folders := []string{filepath.Dir(parts.Shim), filepath.Dir(parts.Runc), os.Getenv("PATH")}
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "PATH=") && !strings.HasPrefix(variable, "NOTIFY_SOCKET=") {
			kept = append(kept, variable)
		}
	}
	return append(kept, "PATH="+strings.Join(folders, ":"))
}

// bringImages waits for the runtime, and gives it what lies in the folder `images`.
func (p Place) bringImages(household *household, parts Parts, containerd <-chan int) error {
	if err := answering(containerd); err != nil {
		return err
	}
	tars, err := filepath.Glob(p.path("images", "*.tar"))
	if err != nil {
		return err
	}
	for _, tar := range tars {
		done, err := household.start(p.environment(parts), parts.Ctr, "--address", socket, "--namespace", "k8s.io", "images", "import", tar)
		if err != nil {
			return err
		}
		select {
		case code := <-done:
			if code != 0 {
				return fmt.Errorf("containerd does not take the images in %s", tar)
			}
		case <-time.After(imageWithin):
			return fmt.Errorf("containerd did not take the images in %s within %s", tar, imageWithin)
		}
	}
	return nil
}

func answering(containerd <-chan int) error {
	for end := time.Now().Add(runtimeWithin); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case code := <-containerd:
			return ended("containerd", code)
		default:
		}
		if connection, err := net.Dial("unix", socket); err == nil {
			return connection.Close()
		}
	}
	return fmt.Errorf("containerd did not answer within %s", runtimeWithin)
}

// household is what the first process of a namespace is there for: it starts programs and buries the dead,
// those too whose parents did not.
type household struct {
	mutex   sync.Mutex
	waiting map[int]chan int
}

func newHousehold() *household {
	h := &household{waiting: map[int]chan int{}}
	dead := make(chan os.Signal, 1)
	signal.Notify(dead, syscall.SIGCHLD)
	go func() {
		for range dead {
			h.bury()
		}
	}()
	return h
}

// start answers with what will tell the exit code of the program.
func (h *household) start(environment []string, program string, args ...string) (<-chan int, error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	command := append([]string{program}, args...)
	process, err := os.StartProcess(program, command, &os.ProcAttr{Env: environment, Files: []*os.File{os.Stdin, os.Stderr, os.Stderr}})
	if err != nil {
		return nil, err
	}
	code := make(chan int, 1)
	h.waiting[process.Pid] = code
	return code, nil
}

func (h *household) bury() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err != nil || pid <= 0 {
			return
		}
		if code, known := h.waiting[pid]; known {
			delete(h.waiting, pid)
			code <- status.ExitStatus()
		}
	}
}

// farewell ends the kubelet and the runtime, which would start again what ends, and then asks all others.
func (h *household) farewell() {
	h.mutex.Lock()
	for pid := range h.waiting {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	h.mutex.Unlock()
	_ = syscall.Kill(-1, syscall.SIGTERM)
	for end := time.Now().Add(farewell); time.Now().Before(end) && !alone(); time.Sleep(20 * time.Millisecond) {
	}
}

// alone is whether no process but shims, which hold on to their containers, is left.
func alone() bool {
	found, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, file := range found {
		name, err := os.ReadFile(file)
		if err == nil && file != "/proc/1/comm" && !strings.HasPrefix(string(name), "containerd-shim") {
			return false
		}
	}
	return true
}
