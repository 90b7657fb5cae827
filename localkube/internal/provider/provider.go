// Package provider is what stands around a cluster: it gives addresses to load balancers and
// ingresses, and volumes to claims, as the provider of a cluster does. Where nodes are simulated nothing
// answers at those addresses, and nothing is kept in those volumes; but what waits for them goes on.
package provider

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"
)

// patience is for one request over loopback; a provider that hangs would hold up its watch.
const patience = 10 * time.Second

// Provider follows events until it is stopped.
type Provider struct {
	client kubernetes.Interface
	cancel context.CancelFunc
	around Around
}

// Around is what a provider has to give: an address, and the folder that volumes are folders in.
type Around struct{ Address, Volumes string }

// Simulated is where there is nothing.
var Simulated = Around{simulatedAddress, "/simulated"}

// Start makes the storage class and begins to follow.
func Start(ctx context.Context, client kubernetes.Interface, around Around) (*Provider, error) {
	if err := createStorageClass(ctx, client); err != nil {
		return nil, fmt.Errorf("create the storage class %s: %w", storageClass, err)
	}
	running, cancel := context.WithCancel(context.Background())
	p := &Provider{client: client, cancel: cancel, around: around}
	factory := informers.NewSharedInformerFactory(client, 0)
	for informer, act := range map[cache.SharedIndexInformer]act{
		factory.Core().V1().Services().Informer():               on(p.balance),
		factory.Networking().V1().Ingresses().Informer():        on(p.admit),
		factory.Core().V1().PersistentVolumeClaims().Informer(): on(p.provision),
		factory.Core().V1().PersistentVolumes().Informer():      on(p.reclaim),
	} {
		if err := follow(running, informer, act); err != nil {
			cancel()
			return nil, err
		}
	}
	factory.Start(running.Done())
	return p, nil
}

// Stop ends the work.
func (p *Provider) Stop() { p.cancel() }

// act looks at an object as it was last seen, and does what is missing.
type act func(ctx context.Context, object any) error

func on[T any](typed func(ctx context.Context, object *T) error) act {
	return func(ctx context.Context, object any) error { return typed(ctx, object.(*T)) }
}

// follow acts on each object when it appears or changes. An informer calls one at a time and in
// order, which is as concurrent as this needs to be.
func follow(ctx context.Context, informer cache.SharedIndexInformer, act act) error {
	see := func(object any) {
		err := retry.OnError(retry.DefaultBackoff, apierrors.IsServerTimeout, func() error {
			asking, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			return act(asking, object)
		})
		// Of what has changed meanwhile there will be another event; what is gone needs nothing.
		if err != nil && ctx.Err() == nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && !apierrors.IsAlreadyExists(err) {
			klog.ErrorS(err, "Cannot provide what an object waits for")
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    see,
		UpdateFunc: func(_, object any) { see(object) },
	})
	return err
}
