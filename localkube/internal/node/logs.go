package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"tiphys.dev/localkube/internal/pki"
)

// serveLogs answers what the API server asks of a kubelet: logs. It answers the port. Only the
// API server's certificate is let in.
func serveLogs(ctx context.Context, keys pki.Dir, pods *pods) (int32, error) {
	config, err := mutualTLS(keys)
	if err != nil {
		return 0, err
	}
	listener, err := tls.Listen("tcp4", nodeIP+":0", config)
	if err != nil {
		return 0, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", pods.logs)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the containers of localkube are simulated: there is nothing to enter or to connect to", http.StatusNotImplemented)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return int32(listener.Addr().(*net.TCPAddr).Port), nil
}

func mutualTLS(keys pki.Dir) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(keys.Cert("node"), keys.Key("node"))
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(keys.Cert("ca"))
	if err != nil {
		return nil, err
	}
	callers := x509.NewCertPool()
	callers.AppendCertsFromPEM(authority)
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: callers,
	}, nil
}

// logs writes what the container would have said so far, and with follow what it says later.
func (p *pods) logs(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("namespace") + "/" + r.PathValue("pod")
	object, exists, err := p.informer.GetStore().GetByKey(key)
	if err != nil || !exists {
		http.Error(w, "pod "+key+" is not on this node", http.StatusNotFound)
		return
	}
	pod := object.(*corev1.Pod)
	container := containerOf(pod, r.PathValue("container"))
	if container == nil {
		http.Error(w, "no such container in pod "+key, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	lines := output(pod, container)
	if r.FormValue("follow") == "true" {
		follow(w, r, lines, time.Since(p.startOf(pod, container.Name)))
		if programOf(pod, container).Forever {
			<-r.Context().Done()
		}
		return
	}
	said := saidBy(lines, time.Since(p.startOf(pod, container.Name)))
	for _, line := range tail(said, r.FormValue("tailLines")) {
		fmt.Fprintln(w, line.Text)
	}
}

func containerOf(pod *corev1.Pod, name string) *corev1.Container {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

// output is one line that says what this is, and then what the command would print.
func output(pod *corev1.Pod, c *corev1.Container) []Line {
	command := "the image's own command"
	if argv := slices.Concat(c.Command, c.Args); len(argv) > 0 {
		command = fmt.Sprintf("%q", argv)
	}
	first := Line{Text: fmt.Sprintf("simulated by localkube: image %s, command %s", c.Image, command)}
	return append([]Line{first}, programOf(pod, c).Lines...)
}

func (p *pods) startOf(pod *corev1.Pod, container string) time.Time {
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if status.Name != container {
			continue
		}
		if running := status.State.Running; running != nil {
			return running.StartedAt.Time
		}
		if ended := status.State.Terminated; ended != nil {
			return time.Time{} // all of it has been said
		}
	}
	return time.Now()
}

func saidBy(lines []Line, elapsed time.Duration) []Line {
	for i, line := range lines {
		if line.At > elapsed {
			return lines[:i]
		}
	}
	return lines
}

func tail(lines []Line, count string) []Line {
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > len(lines) {
		return lines
	}
	return lines[len(lines)-n:]
}

// follow goes on until everything is said.
func follow(w http.ResponseWriter, r *http.Request, lines []Line, elapsed time.Duration) {
	began := time.Now().Add(-min(elapsed, 24*time.Hour))
	for _, line := range lines {
		select {
		case <-time.After(time.Until(began.Add(line.At))):
		case <-r.Context().Done():
			return
		}
		fmt.Fprintln(w, line.Text)
		_ = http.NewResponseController(w).Flush()
	}
}
