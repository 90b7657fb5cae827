// Package plane starts etcd, kube-apiserver, kube-controller-manager and kube-scheduler, from their
// own packages, as goroutines of this process, and stops them. It leaves the directory, the port
// and the keys to home and pki, and everything below the API to node and provider.
package plane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/client-go/kubernetes"

	"tiphys.dev/localkube/internal/home"
	"tiphys.dev/localkube/internal/pki"
)

// Settings are what a control plane is made from.
type Settings struct {
	Home     *home.Home
	Keys     pki.Dir
	Listener net.Listener
	// Kubeconfig is a file with the credentials of the controllers.
	Kubeconfig    string
	UnsafeNoFsync bool
	// RealNode is whether a kubelet will come, which is to have rights of its own.
	RealNode bool
}

// Plane is a running control plane.
type Plane struct {
	etcd                  *embed.Etcd
	apiServer, components part
	failed                chan error
}

// part is what is stopped together.
type part struct {
	context context.Context
	cancel  context.CancelFunc
	done    []chan struct{}
}

func newPart() part {
	ctx, cancel := context.WithCancel(context.Background())
	return part{context: ctx, cancel: cancel}
}

// Start returns when the API can be used by those who may do everything, and the controllers have
// been started. AwaitReady waits for the rest.
func Start(ctx context.Context, settings Settings, client kubernetes.Interface) (*Plane, error) {
	etcd, err := startEtcd(ctx, settings)
	if err != nil {
		return nil, err
	}
	p := &Plane{etcd: etcd, apiServer: newPart(), components: newPart(), failed: make(chan error, 4)}
	p.run(&p.apiServer, "kube-apiserver", func(ctx context.Context) error {
		return runAPIServer(ctx, settings.Keys, settings.Listener, settings.RealNode)
	})
	awaiting, cancel := p.during(ctx)
	defer cancel()
	if err := await(awaiting, apiReady(client, lateHooks)); err != nil {
		components.failed(err)
		p.Stop()
		return nil, fmt.Errorf("kube-apiserver did not become ready: %w", err)
	}
	p.run(&p.components, "kube-controller-manager", func(ctx context.Context) error {
		return runControllers(ctx, settings.Keys, settings.Kubeconfig)
	})
	p.run(&p.components, "kube-scheduler", func(ctx context.Context) error {
		return runScheduler(ctx, settings.Kubeconfig)
	})
	return p, nil
}

// Failed gives the error of a component that ended by itself.
func (p *Plane) Failed() <-chan error { return p.failed }

func (p *Plane) run(part *part, name string, component func(context.Context) error) {
	done := make(chan struct{})
	part.done = append(part.done, done)
	ctx := part.context
	go func() {
		defer close(done)
		err := component(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("ended by itself")
		}
		p.failed <- fmt.Errorf("%s: %w", name, err)
	}()
}

// lateHooks are the checks of the API server that wait for a whole second before they begin: it
// then makes the usual roles and priority classes. The controllers do not need them to start.
var lateHooks = url.Values{"exclude": {"poststarthook/rbac/bootstrap-roles", "poststarthook/scheduling/bootstrap-system-priority-classes"}}

// during is ctx until a component ends by itself; the cause tells which one.
func (p *Plane) during(ctx context.Context) (context.Context, context.CancelFunc) {
	during, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case err := <-p.failed:
			p.failed <- err // there is another reader, later
			cancel(err)
		case <-during.Done():
		}
	}()
	return during, func() { cancel(nil) }
}

// Stop ends the controllers, then the API server, then the store, each within a second or less: what they
// still wait for is somebody's open watch, and the store needs no farewell to keep what it has.
func (p *Plane) Stop() {
	components.hush()
	p.components.stop(500 * time.Millisecond)
	p.apiServer.stop(500 * time.Millisecond)
	closed := make(chan struct{})
	go func() { defer close(closed); p.etcd.Close() }()
	within(closed, time.After(time.Second))
}

func (p *part) stop(patience time.Duration) {
	p.cancel()
	late := time.After(patience)
	for _, done := range p.done {
		within(done, late)
	}
}

func within(done <-chan struct{}, late <-chan time.Time) {
	select {
	case <-done:
	case <-late:
	}
}
