// Package balancer makes what a real node runs answer at the node's address, as a provider's load balancer
// and an ingress controller do: each port of a Service of type LoadBalancer, and on port 80 the hosts and
// paths of Ingresses. The objects' addresses are provider's to write.
//
// This file knows which ports are to be open. Where a connection goes is told in endpoints.go, and which
// Service an HTTP request is for in routes.go.
package balancer

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// httpPort is that of ingresses; no load balancer gets it.
const httpPort = 80

// Balancer listens until it is stopped.
type Balancer struct {
	address   string
	services  corelisters.ServiceLister
	slices    discoverylisters.EndpointSliceLister
	ingresses networkinglisters.IngressLister
	cancel    context.CancelFunc

	mutex sync.Mutex
	open  map[int32]opened
}

// target is a port of a Service.
type target struct {
	namespace, service, port string
}

type opened struct {
	target   target
	listener net.Listener
}

// Start begins to follow, and to listen on the address, which need not be this machine's yet: the node that
// it belongs to is started afterwards.
func Start(client kubernetes.Interface, address string) (*Balancer, error) {
	running, cancel := context.WithCancel(context.Background())
	factory := informers.NewSharedInformerFactory(client, 0)
	b := &Balancer{
		address: address, cancel: cancel, open: map[int32]opened{},
		services:  factory.Core().V1().Services().Lister(),
		slices:    factory.Discovery().V1().EndpointSlices().Lister(),
		ingresses: factory.Networking().V1().Ingresses().Lister(),
	}
	change := func(any) { b.settle() }
	if _, err := factory.Core().V1().Services().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: change, UpdateFunc: func(_, object any) { change(object) }, DeleteFunc: change,
	}); err != nil {
		cancel()
		return nil, err
	}
	b.serveIngresses(running)
	factory.Start(running.Done())
	return b, nil
}

// serveIngresses does without them where a web server of this machine has the port on every address: the
// rest of the node is worth having all the same.
func (b *Balancer) serveIngresses(running context.Context) {
	listener, err := b.listen(httpPort)
	if err != nil {
		// Not by klog, which is quiet about a start that goes well.
		fmt.Fprintf(os.Stderr, "localkube: ingresses will not answer (%v); end what has the port, and start again\n", err)
		return
	}
	proxy := &http.Server{Handler: b.proxy(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = proxy.Serve(listener) }()
	context.AfterFunc(running, func() { _ = proxy.Close() })
}

// Stop closes every port.
func (b *Balancer) Stop() {
	b.cancel()
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for port := range b.open {
		b.shut(port)
	}
}

// settle opens the ports that Services want, and closes those that none wants any more. Of several that want
// the same, the one that has it keeps it.
func (b *Balancer) settle() {
	services, err := b.services.List(labels.Everything())
	if err != nil {
		return
	}
	wanted := map[int32][]target{}
	for _, service := range services {
		for _, port := range portsOf(service) {
			wanted[port.Port] = append(wanted[port.Port], target{service.Namespace, service.Name, port.Name})
		}
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for port, has := range b.open {
		if !contains(wanted[port], has.target) {
			b.shut(port)
		}
	}
	for port, wants := range wanted {
		if _, there := b.open[port]; !there {
			b.serve(port, wants[0])
		}
	}
}

func portsOf(service *corev1.Service) []corev1.ServicePort {
	if service.Spec.Type != corev1.ServiceTypeLoadBalancer || service.Spec.LoadBalancerClass != nil || service.DeletionTimestamp != nil {
		return nil
	}
	var ports []corev1.ServicePort
	for _, port := range service.Spec.Ports {
		if port.Protocol == corev1.ProtocolTCP && port.Port != httpPort {
			ports = append(ports, port)
		}
	}
	return ports
}

func contains(all []target, one target) bool {
	for _, each := range all {
		if each == one {
			return true
		}
	}
	return false
}

func (b *Balancer) shut(port int32) {
	_ = b.open[port].listener.Close()
	delete(b.open, port)
}

func (b *Balancer) serve(port int32, to target) {
	listener, err := b.listen(port)
	if err != nil {
		klog.ErrorS(err, "Cannot open the port of a load balancer", "service", to.namespace+"/"+to.service, "port", port)
		return
	}
	b.open[port] = opened{to, listener}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go b.pass(connection, to)
		}
	}()
}

func (b *Balancer) listen(port int32) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(socket uintptr) { failed = syscall.SetsockoptInt(int(socket), syscall.IPPROTO_IP, ipFreebind, 1) })
		if err != nil {
			return err
		}
		return failed
	}}
	return config.Listen(context.Background(), "tcp4", fmt.Sprintf("%s:%d", b.address, port))
}

// ipFreebind is IP_FREEBIND of Linux: listen on an address that may come later.
const ipFreebind = 15

// proxy passes HTTP requests on by the rules of Ingresses.
func (b *Balancer) proxy() http.Handler {
	forward := &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetXForwarded()
			request.Out.URL.Scheme, request.Out.URL.Host = "http", "service"
		},
		Transport: &http.Transport{
			DisableKeepAlives: true, // a pod that ends takes no request with it
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return b.dial(ctx, ctx.Value(targetOf{}).(target))
			},
		},
		ErrorHandler: func(out http.ResponseWriter, request *http.Request, err error) {
			http.Error(out, fmt.Sprintf("localkube: %v", err), http.StatusServiceUnavailable)
		},
	}
	return http.HandlerFunc(func(out http.ResponseWriter, request *http.Request) {
		to, found := b.route(request.Host, request.URL.Path)
		if !found {
			http.Error(out, fmt.Sprintf("localkube: no Ingress has the host %s and the path %s", request.Host, request.URL.Path), http.StatusNotFound)
			return
		}
		forward.ServeHTTP(out, request.WithContext(context.WithValue(request.Context(), targetOf{}, to)))
	})
}

type targetOf struct{}
