// Package node is the simulated node: it registers nodes, keeps their leases, moves the pods that
// are bound to them through their lives, and answers `kubectl logs`. It runs no container.
//
// look.go decides, and does nothing else; pods.go asks and tells the API.
package node

import (
	"context"
	"fmt"
	goruntime "runtime"
	"slices"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	kubeversion "k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"tiphys.dev/localkube/internal/pki"
)

const (
	nodeIP = "127.0.0.1"
	// A node whose lease is older than 40 s is tainted, and its pods are evicted.
	leaseSeconds = 40
	leaseRenewal = 10 * time.Second
	simulated    = "localkube.tiphys.dev/simulated"
	real         = "localkube.tiphys.dev/real"
)

// Nodes are the simulated nodes of this process.
type Nodes struct {
	names  []string
	port   int32
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// Names are those of the node objects.
func (n *Nodes) Names() []string { return n.names }

// Stop ends their work; the node objects stay, as those of a machine that is switched off.
func (n *Nodes) Stop() {
	n.cancel()
	n.done.Wait()
}

// Start registers the nodes and begins to look after their pods.
func Start(ctx context.Context, client kubernetes.Interface, keys pki.Dir, settings Settings) (*Nodes, error) {
	running, cancel := context.WithCancel(context.Background())
	n := &Nodes{cancel: cancel}
	for i := range settings.Nodes {
		n.names = append(n.names, fmt.Sprintf("localkube-%d", i+1))
	}
	pods := newPods(client, settings)
	port, err := serveLogs(running, keys, pods)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("serve the logs of simulated pods: %w", err)
	}
	n.port = port
	if err := n.register(ctx, client); err != nil {
		cancel()
		return nil, fmt.Errorf("register the simulated nodes: %w", err)
	}
	n.done.Go(func() { pods.run(running) })
	n.done.Go(func() { n.showLife(running, client) })
	return n, nil
}

// register makes or corrects the node objects, and takes away those of an earlier start with more, or
// with a real one.
func (n *Nodes) register(ctx context.Context, client kubernetes.Interface) error {
	if err := withdraw(ctx, client, real, nil); err != nil {
		return err
	}
	for _, name := range n.names {
		if err := n.renewLease(ctx, client, name); err != nil {
			return err
		}
		if err := registerOne(ctx, client, name, n.port); err != nil {
			return err
		}
	}
	return withdraw(ctx, client, simulated, n.names)
}

// Withdraw takes the simulated nodes of an earlier start away, where there is to be a real one.
func Withdraw(ctx context.Context, client kubernetes.Interface) error {
	return withdraw(ctx, client, simulated, nil)
}

// withdraw deletes the node objects of a kind but some.
func withdraw(ctx context.Context, client kubernetes.Interface, kind string, except []string) error {
	found, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: kind})
	if err != nil {
		return err
	}
	for _, node := range found.Items {
		if !slices.Contains(except, node.Name) {
			if err := client.CoreV1().Nodes().Delete(ctx, node.Name, metav1.DeleteOptions{}); err != nil {
				return err
			}
		}
	}
	return nil
}

func registerOne(ctx context.Context, client kubernetes.Interface, name string, port int32) error {
	nodes := client.CoreV1().Nodes()
	node, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels(name)}}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		node, err = nodes.Get(ctx, name, metav1.GetOptions{})
	}
	for err == nil {
		node.Status = status(port, time.Now())
		_, err = nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
		if !apierrors.IsConflict(err) {
			return err
		}
		node, err = nodes.Get(ctx, name, metav1.GetOptions{})
	}
	return err
}

func labels(name string) map[string]string {
	return map[string]string{
		corev1.LabelHostname:   name,
		corev1.LabelOSStable:   "linux",
		corev1.LabelArchStable: goruntime.GOARCH,
		simulated:              "true",
	}
}

func status(port int32, now time.Time) corev1.NodeStatus {
	room := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("64"),
		corev1.ResourceMemory:           resource.MustParse("256Gi"),
		corev1.ResourceEphemeralStorage: resource.MustParse("1Ti"),
		corev1.ResourcePods:             resource.MustParse("1000"),
	}
	return corev1.NodeStatus{
		Capacity: room, Allocatable: room,
		Conditions:      conditions(now),
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: nodeIP}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: port}},
		NodeInfo: corev1.NodeSystemInfo{
			OperatingSystem: "linux", Architecture: goruntime.GOARCH, OSImage: "simulated by localkube",
			KubeletVersion: kubeversion.Get().GitVersion, ContainerRuntimeVersion: "simulated://1",
		},
	}
}

func conditions(now time.Time) []corev1.NodeCondition {
	var all []corev1.NodeCondition
	for _, c := range []struct {
		kind   corev1.NodeConditionType
		value  corev1.ConditionStatus
		reason string
	}{
		{corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory"},
		{corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure"},
		{corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID"},
		{corev1.NodeReady, corev1.ConditionTrue, "KubeletReady"},
	} {
		all = append(all, corev1.NodeCondition{
			Type: c.kind, Status: c.value, Reason: c.reason, Message: "simulated",
			LastHeartbeatTime: metav1.Time{Time: now}, LastTransitionTime: metav1.Time{Time: now},
		})
	}
	return all
}

func (n *Nodes) showLife(ctx context.Context, client kubernetes.Interface) {
	tick := time.NewTicker(leaseRenewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, name := range n.names {
			if err := n.renewLease(ctx, client, name); err != nil && ctx.Err() == nil {
				klog.ErrorS(err, "Cannot renew the lease of a simulated node", "node", name)
			}
			if err := n.correct(ctx, client, name); err != nil && ctx.Err() == nil {
				klog.ErrorS(err, "Cannot update the status of a simulated node", "node", name)
			}
		}
	}
}

// correct writes the node's status anew where it is not ready: after the machine was asleep the control
// plane takes the node for lost, and a fresh lease alone does not bring it back.
func (n *Nodes) correct(ctx context.Context, client kubernetes.Interface, name string) error {
	node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{ResourceVersion: "0"})
	if err != nil {
		return ignoreGone(err)
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return registerOne(ctx, client, name, n.port)
}

func (n *Nodes) renewLease(ctx context.Context, client kubernetes.Interface, name string) error {
	leases := client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	seconds, now := int32(leaseSeconds), metav1.NowMicro()
	spec := coordinationv1.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &seconds, RenewTime: &now}
	lease, err := leases.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return createLease(ctx, client, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec})
	}
	if err != nil {
		return err
	}
	lease.Spec = spec
	_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	return err
}

// createLease makes the namespace where the API server, which does so on its own, has not come to it.
func createLease(ctx context.Context, client kubernetes.Interface, lease *coordinationv1.Lease) error {
	leases := client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	_, err := leases.Create(ctx, lease, metav1.CreateOptions{})
	if !apierrors.IsNotFound(err) {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: corev1.NamespaceNodeLease}}
	if _, err := client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	_, err = leases.Create(ctx, lease, metav1.CreateOptions{})
	return err
}
