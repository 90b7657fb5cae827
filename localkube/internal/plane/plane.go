// Package plane starts etcd, kube-apiserver, kube-controller-manager and kube-scheduler, from their
// own packages, as goroutines of this process, and stops them. It leaves the directory, the port
// and the keys to home and pki, and everything below the API to node and provider.
package plane

import (
	"context"
	"errors"
	"fmt"
	"net"
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

// Start returns when the API server says that it is ready and the controllers have been started.
func Start(ctx context.Context, settings Settings, client kubernetes.Interface) (*Plane, error) {
	etcd, err := startEtcd(ctx, settings)
	if err != nil {
		return nil, err
	}
	p := &Plane{etcd: etcd, apiServer: newPart(), components: newPart(), failed: make(chan error, 4)}
	p.run(&p.apiServer, "kube-apiserver", func(ctx context.Context) error {
		return runAPIServer(ctx, settings.Keys, settings.Listener)
	})
	if err := p.awaitAPI(ctx, client); err != nil {
		p.Stop()
		return nil, err
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

// awaitAPI asks often: a request over loopback costs a fraction of a millisecond, and this is on
// the way of every start.
func (p *Plane) awaitAPI(ctx context.Context, client kubernetes.Interface) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, time.Second)
		err := client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(asking).Error()
		cancel()
		if err == nil {
			return nil
		}
		select {
		case err := <-p.failed:
			return err
		case <-ctx.Done():
			return fmt.Errorf("kube-apiserver did not become ready: %w", err)
		case <-tick.C:
		}
	}
}

// Stop ends the controllers, then the API server, then the store, each within a second: what they
// still wait for is somebody's open watch, and the store needs no farewell to keep what it has.
func (p *Plane) Stop() {
	hush()
	p.components.stop(time.Second)
	p.apiServer.stop(time.Second)
	closed := make(chan struct{})
	go func() { defer close(closed); p.etcd.Close() }()
	await(closed, time.After(time.Second))
}

func (p *part) stop(patience time.Duration) {
	p.cancel()
	late := time.After(patience)
	for _, done := range p.done {
		await(done, late)
	}
}

func await(done <-chan struct{}, late <-chan time.Time) {
	select {
	case <-done:
	case <-late:
	}
}
