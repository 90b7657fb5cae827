package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

const podWorkers = 4

// pods looks after all bound pods, of whichever node: there is only one machine behind them.
type pods struct {
	client   kubernetes.Interface
	settings Settings
	informer cache.SharedIndexInformer
	queue    workqueue.TypedRateLimitingInterface[string]

	mutex     sync.Mutex
	lives     map[types.UID]*life
	addresses addresses
}

func newPods(client kubernetes.Interface, settings Settings) *pods {
	bound := func(options *metav1.ListOptions) {
		options.FieldSelector = fields.OneTermNotEqualSelector("spec.nodeName", "").String()
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(bound))
	return &pods{
		client: client, settings: settings,
		informer: factory.Core().V1().Pods().Informer(),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[string](5*time.Millisecond, 5*time.Second)),
		lives: map[types.UID]*life{}, addresses: addresses{used: map[string]bool{}},
	}
}

func (p *pods) run(ctx context.Context) {
	if err := p.listen(); err != nil {
		klog.ErrorS(err, "Cannot watch the pods of the simulated node")
		return
	}
	go p.informer.Run(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), p.informer.HasSynced) {
		return
	}
	var workers sync.WaitGroup
	for range podWorkers {
		workers.Go(func() {
			for p.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	p.queue.ShutDown()
	workers.Wait()
}

func (p *pods) listen() error {
	// What is known of a pod from an earlier start is put down before any address is given away.
	if err := p.informer.SetTransform(slim); err != nil {
		return err
	}
	add := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			p.queue.Add(key)
		}
	}
	_, err := p.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) {
			p.addresses.take(object.(*corev1.Pod).Status.PodIP)
			add(object)
		},
		UpdateFunc: func(_, object any) { add(object) },
		DeleteFunc: func(object any) { p.forget(object) },
	})
	return err
}

// slim drops what the node never reads. An update of a status ignores it.
func slim(object any) (any, error) {
	if pod, ok := object.(*corev1.Pod); ok {
		pod.ManagedFields = nil
	}
	return object, nil
}

func (p *pods) next(ctx context.Context) bool {
	key, quit := p.queue.Get()
	if quit {
		return false
	}
	defer p.queue.Done(key)
	again, err := p.visit(ctx, key)
	switch {
	case err == nil:
		p.queue.Forget(key)
	case ctx.Err() != nil:
		return true
	default:
		// A conflict means that the news are on their way; the rest is worth telling.
		if !apierrors.IsConflict(err) {
			klog.ErrorS(err, "Cannot update a simulated pod", "pod", key)
		}
		p.queue.AddRateLimited(key)
	}
	if again > 0 {
		p.queue.AddAfter(key, again)
	}
	return true
}

// visit looks at one pod, and writes down what has changed.
func (p *pods) visit(ctx context.Context, key string) (time.Duration, error) {
	object, exists, err := p.informer.GetStore().GetByKey(key)
	if err != nil || !exists {
		return 0, err
	}
	pod := object.(*corev1.Pod)
	look := lookAt(p.settings, pod, p.lifeOf(pod), time.Now())
	if !equality.Semantic.DeepEqual(pod.Status, look.status) {
		fresh := pod.DeepCopy()
		fresh.Status = look.status
		if _, err := p.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, fresh, metav1.UpdateOptions{}); err != nil {
			return 0, ignoreGone(err)
		}
	}
	if look.gone {
		return 0, p.remove(ctx, pod)
	}
	return look.again, nil
}

func (p *pods) remove(ctx context.Context, pod *corev1.Pod) error {
	now := int64(0)
	return ignoreGone(p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID},
	}))
}

func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (p *pods) lifeOf(pod *corev1.Pod) *life {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	known, ok := p.lives[pod.UID]
	if !ok {
		ip := pod.Status.PodIP
		if ip == "" {
			ip = p.addresses.next()
		}
		known = newLife(ip, time.Now())
		p.lives[pod.UID] = known
	}
	return known
}

func (p *pods) forget(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if known, ok := p.lives[pod.UID]; ok {
		p.addresses.release(known.ip)
		delete(p.lives, pod.UID)
	}
}

// addresses gives each pod an address of 10.244.0.0/16. Nothing answers there, but endpoints,
// `kubectl get pods -o wide` and network policies show it.
type addresses struct {
	mutex sync.Mutex
	used  map[string]bool
	last  uint16
}

func (a *addresses) next() string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for {
		a.last++
		ip := fmt.Sprintf("10.244.%d.%d", a.last>>8, a.last&0xff)
		if low := a.last & 0xff; low != 0 && low != 255 && !a.used[ip] {
			a.used[ip] = true
			return ip
		}
	}
}

func (a *addresses) take(ip string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if ip != "" {
		a.used[ip] = true
	}
}

func (a *addresses) release(ip string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	delete(a.used, ip)
}
