package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

func hexBytes(text string) []byte {
	out, _ := hex.DecodeString(text)
	return out
}

// privately makes the mounts of this process its own, and /proc that of its processes. Inside of the
// namespace they are shared, because a kubelet passes mounts on to containers by that.
func privately() error {
	for _, step := range []struct {
		what  string
		flags uintptr
	}{{"private", syscall.MS_REC | syscall.MS_PRIVATE}, {"shared", syscall.MS_REC | syscall.MS_SHARED}} {
		if err := syscall.Mount("", "/", "", step.flags, ""); err != nil {
			return fmt.Errorf("make the mounts %s: %w", step.what, err)
		}
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc of a process namespace: %w", err)
	}
	return nil
}

func mountOverlay(lower, upper, work, at string) error {
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work)
	if err := syscall.Mount("overlay", at, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount an overlay in %s: %w", at, err)
	}
	return nil
}

// fixed are paths that a kubelet, a runtime and their plugins write to wherever their state is. Here each is a
// folder of the node's.
var fixed = []string{"/var/lib/kubelet", "/var/lib/cni", "/var/log/containers"}

// arrange lays out what the programs of the node see: a /run of their own, their state under the paths that
// they insist on, and kernel settings that they may set without setting them for the whole machine.
func (p Place) arrange() error {
	names, err := readNames()
	if err != nil {
		return err
	}
	own, err := os.Open(p.dir)
	if err != nil {
		return err
	}
	defer own.Close()
	if err := syscall.Mount("tmpfs", "/run", "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mount a /run of the node's own: %w", err)
	}
	for _, parent := range []string{"/var/lib", "/var/log"} {
		if err := over(parent); err != nil {
			return err
		}
	}
	// Its own folder may be below one of those; seen through an overlay it could not hold overlays itself.
	if err := bind(fmt.Sprintf("/proc/self/fd/%d", own.Fd()), p.dir); err != nil {
		return err
	}
	for _, path := range fixed {
		here := p.path("state", path)
		if err := errors.Join(os.MkdirAll(here, 0o755), os.MkdirAll(path, 0o755)); err != nil {
			return err
		}
		if err := bind(here, path); err != nil {
			return err
		}
	}
	return errors.Join(names.write(p), p.freezeSettings())
}

// over lays an empty, writable layer over a folder, so that folders can be made there which the machine has not.
func over(folder string) error {
	layers := filepath.Join("/run/layers", folder)
	for _, layer := range []string{"/upper", "/work"} {
		if err := os.MkdirAll(layers+layer, 0o755); err != nil {
			return err
		}
	}
	return mountOverlay(folder, layers+"/upper", layers+"/work", folder)
}

func bind(from, to string) error {
	if err := syscall.Mount(from, to, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return fmt.Errorf("bind %s to %s: %w", from, to, err)
	}
	return nil
}

// settings of the kernel that a kubelet wants, as it wants them.
// https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/component-helpers/node/util/sysctl/sysctl.go
var settings = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

// freezeSettings lets the kubelet find its values, and nobody else: a file lies over each.
func (p Place) freezeSettings() error {
	for name, value := range settings {
		path, file := "/proc/sys/"+name, filepath.Join("/run/sys", name)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(value+"\n"), 0o644))
		if err := errors.Join(err, bind(file, path)); err != nil {
			return err
		}
	}
	return nil
}

// resolver is how this machine looks up names. Its file is often below /run, which the node has for itself.
type resolver struct {
	path string
	text []byte
}

func readNames() (resolver, error) {
	const usual = "/etc/resolv.conf"
	text, err := os.ReadFile(usual)
	if errors.Is(err, os.ErrNotExist) {
		return resolver{}, nil
	}
	path, followed := filepath.EvalSymlinks(usual)
	return resolver{path, text}, errors.Join(err, followed)
}

// write puts the file back where it was, and one for pods beside the state: a server on this machine's
// loopback is none of theirs.
func (r resolver) write(p Place) error {
	if strings.HasPrefix(r.path, "/run/") {
		if err := errors.Join(os.MkdirAll(filepath.Dir(r.path), 0o755), os.WriteFile(r.path, r.text, 0o644)); err != nil {
			return err
		}
	}
	var lines []string
	for line := range strings.Lines(string(r.text)) {
		if fields := strings.Fields(line); len(fields) < 2 || fields[0] != "nameserver" || !strings.HasPrefix(fields[1], "127.") {
			lines = append(lines, line)
		}
	}
	return os.WriteFile(p.path("resolv.conf"), []byte(strings.Join(lines, "")), 0o644)
}
