package plane

import (
	"context"
	"fmt"
	"net/url"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// AwaitReady returns when a pod could be created and would run: the nodes are ready and without
// the taint of a new node, the default service account is there, the controllers are at work, and
// the API server says itself that it is ready.
func (p *Plane) AwaitReady(ctx context.Context, client kubernetes.Interface, nodes []string) error {
	ctx, cancel := p.during(ctx)
	defer cancel()
	proof := rootCertificates(client)
	if err := proof.withdraw(ctx); err != nil {
		return err
	}
	for _, check := range []condition{proof.returned, defaultAccount(client), nodesReady(client, nodes), apiReady(client, nil)} {
		if err := await(ctx, check); err != nil {
			components.failed(err)
			return fmt.Errorf("the controllers did not start: %w", err)
		}
	}
	components.started()
	return nil
}

type condition func(context.Context) (bool, error)

// await asks often: a request over loopback costs a fraction of a millisecond, and this is on the
// way of every start.
func await(ctx context.Context, check condition) error {
	err := wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, wait.ConditionWithContextFunc(check))
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// apiReady asks the API server itself; except are checks to leave out.
func apiReady(client kubernetes.Interface, except url.Values) condition {
	return func(ctx context.Context) (bool, error) {
		asking, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		path := "/readyz?" + except.Encode()
		return client.Discovery().RESTClient().Get().RequestURI(path).Do(asking).Error() == nil, nil
	}
}

// controllersProof is an object that a controller brings back when it is gone. After a restart all
// other traces of the controllers are those of the last time.
type controllersProof struct {
	client          kubernetes.Interface
	namespace, name string
}

func rootCertificates(client kubernetes.Interface) controllersProof {
	return controllersProof{client, metav1.NamespacePublic, "kube-root-ca.crt"}
}

func (p controllersProof) withdraw(ctx context.Context) error {
	err := p.client.CoreV1().ConfigMaps(p.namespace).Delete(ctx, p.name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (p controllersProof) returned(ctx context.Context) (bool, error) {
	_, err := p.client.CoreV1().ConfigMaps(p.namespace).Get(ctx, p.name, metav1.GetOptions{})
	return found(err)
}

func defaultAccount(client kubernetes.Interface) condition {
	return func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return found(err)
	}
}

func nodesReady(client kubernetes.Interface, names []string) condition {
	return func(ctx context.Context) (bool, error) {
		for _, name := range names {
			node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
			if ok, err := found(err); !ok {
				return false, err
			}
			if len(node.Spec.Taints) > 0 || !isReady(node) {
				return false, nil
			}
		}
		return true, nil
	}
}

func isReady(node *corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

func found(err error) (bool, error) {
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}
