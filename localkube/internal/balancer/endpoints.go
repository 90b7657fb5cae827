package balancer

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/klog/v2"
)

const dialWithin = 2 * time.Second

// pass joins a connection with one to a pod, until both sides have said all.
func (b *Balancer) pass(from net.Conn, where target) {
	defer from.Close()
	to, err := b.dial(context.Background(), where)
	if err != nil {
		klog.V(2).InfoS("A load balancer reaches no pod", "service", where.namespace+"/"+where.service, "err", err)
		return
	}
	defer to.Close()
	said := make(chan struct{})
	go func() {
		defer close(said)
		_, _ = io.Copy(to, from)
		_ = to.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(from, to)
	_ = from.(*net.TCPConn).CloseWrite()
	<-said
}

// dial connects to any ready pod; what has just gone does not answer, and the next is asked.
func (b *Balancer) dial(ctx context.Context, where target) (net.Conn, error) {
	addresses, err := b.addresses(where)
	if err != nil {
		return nil, err
	}
	rand.Shuffle(len(addresses), func(i, j int) { addresses[i], addresses[j] = addresses[j], addresses[i] })
	last := fmt.Errorf("the Service %s/%s has no ready pod with the port %q", where.namespace, where.service, where.port)
	dialer := net.Dialer{Timeout: dialWithin}
	for _, address := range addresses {
		connection, err := dialer.DialContext(ctx, "tcp4", address)
		if err == nil {
			return connection, nil
		}
		last = err
	}
	return nil, last
}

func (b *Balancer) addresses(where target) ([]string, error) {
	selector := labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: where.service})
	slices, err := b.slices.EndpointSlices(where.namespace).List(selector)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, slice := range slices {
		port := portNamed(slice.Ports, where.port)
		if slice.AddressType != discoveryv1.AddressTypeIPv4 || port == "" {
			continue
		}
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				found = append(found, net.JoinHostPort(endpoint.Addresses[0], port))
			}
		}
	}
	return found, nil
}

func portNamed(ports []discoveryv1.EndpointPort, name string) string {
	for _, port := range ports {
		if port.Name != nil && *port.Name == name && port.Port != nil {
			return strconv.Itoa(int(*port.Port))
		}
	}
	return ""
}
