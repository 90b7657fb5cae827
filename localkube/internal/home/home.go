// Package home knows the directory that a control plane lives in: who holds it, which port it
// answers on, and what it tells the world when it is ready. It knows nothing of Kubernetes.
package home

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Exit codes of `localkube serve`, one for each thing that its caller can do something about.
const (
	ExitFailed   = 1
	ExitUsage    = 2
	ExitPortBusy = 3
	ExitHeld     = 4
	ExitDisk     = 5
)

// freeBytesNeeded is what a fresh store, its log and some growth take; below it etcd would start
// and die in the middle of its first writes.
const freeBytesNeeded = 48 << 20

// Failure is an error whose reader must act; Code tells a program which one it is.
type Failure struct {
	Code    int
	Message string
}

func (f *Failure) Error() string { return f.Message }

func failure(code int, format string, args ...any) *Failure {
	return &Failure{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Home is a directory held by this process until Close.
type Home struct {
	Dir  string
	lock *os.File
}

// Open makes the directory where there is none, checks that it can be written to, and takes its
// lock. Errors are Failures: ExitDisk for the directory, ExitHeld when another process has it.
func Open(dir string) (*Home, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, failure(ExitDisk, "cannot use %s as state directory: %v", dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, failure(ExitDisk, "cannot make the state directory %s: %v", dir, err)
	}
	lock, err := hold(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	h := &Home{Dir: dir, lock: lock}
	if err := h.checkRoom(); err != nil {
		h.Close()
		return nil, err
	}
	_ = os.Remove(h.Path("ready"))
	return h, nil
}

// Path is the absolute path of something in the directory.
func (h *Home) Path(parts ...string) string {
	return filepath.Join(append([]string{h.Dir}, parts...)...)
}

// Close gives the directory back and withdraws the claim to be ready.
func (h *Home) Close() {
	_ = os.Remove(h.Path("ready"))
	_ = h.lock.Truncate(0)
	_ = h.lock.Close()
}

// hold opens the lock file and locks it for the life of this process; the kernel lets go of it
// even after SIGKILL, so a stale lock cannot exist.
func hold(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, failure(ExitDisk, "cannot write to the state directory: %v", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, failure(ExitHeld, "%s is in use by localkube with pid %s; stop that one first, or use another --dir",
				filepath.Dir(path), holder(path))
		}
		return nil, failure(ExitDisk, "cannot lock %s: %v", path, err)
	}
	_ = file.Truncate(0)
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		_ = file.Close()
		return nil, failure(ExitDisk, "cannot write to the state directory: %v", err)
	}
	return file, nil
}

func holder(path string) string {
	pid, err := os.ReadFile(path)
	if text := strings.TrimSpace(string(pid)); err == nil && text != "" {
		return text
	}
	return "unknown"
}

func (h *Home) checkRoom() error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(h.Dir, &fs); err != nil {
		return failure(ExitDisk, "cannot look at the disk of %s: %v", h.Dir, err)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < freeBytesNeeded {
		return failure(ExitDisk, "the disk of %s is full: %d MiB free, %d MiB needed; free some space, or keep the state on another disk",
			h.Dir, free>>20, freeBytesNeeded>>20)
	}
	return nil
}

// Listen opens the loopback port: the one asked for, else the one remembered, else any free one.
// What it opens is remembered for the next start. A busy port is a Failure with ExitPortBusy.
func (h *Home) Listen(asked int) (net.Listener, error) {
	port := asked
	if port == 0 {
		port = h.rememberedPort()
	}
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, failure(ExitPortBusy, "port %d on 127.0.0.1 is used by another process; stop that one, or give another --port", port)
	}
	if err != nil {
		return nil, failure(ExitPortBusy, "cannot listen on 127.0.0.1:%d: %v", port, err)
	}
	got := listener.Addr().(*net.TCPAddr).Port
	if err := h.WriteFile("port", []byte(strconv.Itoa(got)+"\n")); err != nil {
		_ = listener.Close()
		return nil, err
	}
	return listener, nil
}

func (h *Home) rememberedPort() int {
	text, err := os.ReadFile(h.Path("port"))
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return port
}

// Ready is what the file `ready` says while the control plane can be used.
type Ready struct {
	Pid       int       `json:"pid"`
	Server    string    `json:"server"`
	Version   string    `json:"version"`
	StartedAt time.Time `json:"startedAt"`
	// RealNode is the address at which a kubelet is expected, where the nodes are not simulated.
	RealNode string `json:"realNode,omitempty"`
}

// Announce writes the file `ready`.
func (h *Home) Announce(ready Ready) error {
	text, err := json.Marshal(ready)
	if err != nil {
		return err
	}
	return h.WriteFile("ready", append(text, '\n'))
}

// WriteFile writes a small private file so that a reader sees the old one or the new one whole.
func (h *Home) WriteFile(name string, data []byte) error {
	path := h.Path(name)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return failure(ExitDisk, "cannot write %s: %v", path, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return failure(ExitDisk, "cannot write %s: %v", path, err)
	}
	return nil
}
