package balancer

import (
	"net"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// route is the Service that an HTTP request is for: of the rules that fit, an exact host goes before a
// wildcard and that before none, and then the longest path wins.
// https://kubernetes.io/docs/concepts/services-networking/ingress/#multiple-matches
func (b *Balancer) route(host, path string) (target, bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ingresses, err := b.ingresses.List(labels.Everything())
	if err != nil {
		return target{}, false
	}
	best, score := (*networkingv1.IngressBackend)(nil), 0
	namespace := ""
	for _, ingress := range ingresses {
		for _, candidate := range candidates(ingress) {
			if got := candidate.fits(host, path); got > score {
				best, score, namespace = candidate.backend, got, ingress.Namespace
			}
		}
	}
	if best == nil || best.Service == nil {
		return target{}, false
	}
	return b.named(namespace, best.Service), true
}

// candidate is one path of one rule.
type candidate struct {
	host, path string
	kind       networkingv1.PathType
	backend    *networkingv1.IngressBackend
}

func candidates(ingress *networkingv1.Ingress) []candidate {
	var all []candidate
	if ingress.Spec.DefaultBackend != nil {
		all = append(all, candidate{path: "/", kind: networkingv1.PathTypePrefix, backend: ingress.Spec.DefaultBackend})
	}
	for _, rule := range ingress.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for i := range rule.HTTP.Paths {
			path := &rule.HTTP.Paths[i]
			kind := networkingv1.PathTypePrefix
			if path.PathType != nil && *path.PathType == networkingv1.PathTypeExact {
				kind = networkingv1.PathTypeExact
			}
			all = append(all, candidate{rule.Host, path.Path, kind, &path.Backend})
		}
	}
	return all
}

const (
	exactHost    = 1 << 20
	wildcardHost = 1 << 19
	exactPath    = 1 << 18
)

// fits is how well, and 0 for not at all.
func (c candidate) fits(host, path string) int {
	score := 1
	switch {
	case c.host == host && host != "":
		score += exactHost
	case strings.HasPrefix(c.host, "*."):
		before, _, _ := strings.Cut(host, ".")
		if before == "" || host != before+c.host[1:] {
			return 0
		}
		score += wildcardHost
	case c.host != "":
		return 0
	}
	prefix := strings.TrimSuffix(c.path, "/")
	switch {
	case c.kind == networkingv1.PathTypeExact && path == c.path:
		return score + exactPath
	case c.kind == networkingv1.PathTypeExact:
		return 0
	case path == prefix || strings.HasPrefix(path, prefix+"/"):
		return score + len(prefix)
	}
	return 0
}

// named finds the name of a port that an Ingress may give by its number: endpoints know the name alone.
func (b *Balancer) named(namespace string, backend *networkingv1.IngressServiceBackend) target {
	to := target{namespace, backend.Name, backend.Port.Name}
	service, err := b.services.Services(namespace).Get(backend.Name)
	if err != nil || backend.Port.Name != "" {
		return to
	}
	for _, port := range service.Spec.Ports {
		if port.Port == backend.Port.Number {
			to.port = port.Name
		}
	}
	return to
}
