// Package smoke runs the built program as its users do. It is told where the program is by
// LOCALKUBE_BINARY, and skips without it, so that `go test ./...` is quick and needs no build.
package smoke

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// control is a running control plane in a directory of the test.
type control struct {
	t       *testing.T
	binary  string
	dir     string
	process *exec.Cmd
}

func newControl(t *testing.T) *control {
	binary := os.Getenv("LOCALKUBE_BINARY")
	if binary == "" {
		t.Skip("LOCALKUBE_BINARY is not set to a built localkube")
	}
	c := &control{t: t, binary: binary, dir: t.TempDir()}
	t.Cleanup(func() {
		if c.process != nil {
			_ = c.process.Process.Kill()
			_ = c.process.Wait()
		}
	})
	return c
}

func (c *control) start() {
	c.t.Helper()
	c.process = exec.Command(c.binary, "serve", "--dir", c.dir, "--unsafe-no-fsync", "--pod-linger", "0s")
	c.process.Stderr = os.Stderr
	stdout, err := c.process.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.process.Start(); err != nil {
		c.t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) || !strings.HasPrefix(line, "ready in ") {
		c.t.Fatalf("serve said %q: %v", line, err)
	}
}

// end sends a signal and answers the exit code.
func (c *control) end(signal syscall.Signal) int {
	_ = c.process.Process.Signal(signal)
	err := c.process.Wait()
	c.process = nil
	return codeOf(err)
}

func codeOf(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

func (c *control) kubectl(args ...string) string {
	c.t.Helper()
	command := exec.Command(c.binary, append([]string{"kubectl"}, args...)...)
	command.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(c.dir, "kubeconfig"))
	output, err := command.CombinedOutput()
	if err != nil {
		c.t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

func TestADeploymentRollsOutAndOutlivesSIGKILL(t *testing.T) {
	c := newControl(t)
	c.start()
	c.kubectl("create", "deployment", "web", "--image=nginx:1", "--replicas=3")
	c.kubectl("rollout", "status", "deployment/web", "--timeout=30s")
	c.end(syscall.SIGKILL)

	c.start()
	if got := c.kubectl("get", "deployment", "web", "-o", "jsonpath={.status.readyReplicas}"); got != "3" {
		t.Errorf("after the restart %s of 3 are ready", got)
	}
	began := time.Now()
	if code := c.end(syscall.SIGTERM); code != 0 || time.Since(began) > 5*time.Second {
		t.Errorf("SIGTERM: exit %d after %v", code, time.Since(began))
	}
	if _, err := os.Stat(filepath.Join(c.dir, "ready")); !os.IsNotExist(err) {
		t.Errorf("the file ready is still there: %v", err)
	}
}

func TestAJobEndsAsItsCommandSays(t *testing.T) {
	c := newControl(t)
	c.start()
	c.kubectl("create", "job", "good", "--image=busybox", "--", "sh", "-c", "echo hello; sleep 1")
	c.kubectl("wait", "--for=condition=complete", "job/good", "--timeout=30s")
	if logs := c.kubectl("logs", "job/good"); !strings.Contains(logs, "image busybox") || !strings.HasSuffix(logs, "hello\n") {
		t.Errorf("the logs are %q", logs)
	}
	c.kubectl("run", "bad", "--image=busybox", "--restart=Never", "--", "false")
	c.kubectl("wait", "--for=jsonpath={.status.phase}=Failed", "pod/bad", "--timeout=30s")
}

func TestASecondStartSaysWhoIsThere(t *testing.T) {
	c := newControl(t)
	c.start()
	output, err := exec.Command(c.binary, "serve", "--dir", c.dir).CombinedOutput()
	if code := codeOf(err); code != 4 || !strings.Contains(string(output), "in use by localkube with pid") {
		t.Errorf("exit %d: %s", code, output)
	}
	port, err := os.ReadFile(filepath.Join(c.dir, "port"))
	if err != nil {
		t.Fatal(err)
	}
	output, err = exec.Command(c.binary, "serve", "--dir", t.TempDir(), "--port", strings.TrimSpace(string(port))).CombinedOutput()
	if code := codeOf(err); code != 3 || !strings.Contains(string(output), "used by another process") {
		t.Errorf("exit %d: %s", code, output)
	}
}
