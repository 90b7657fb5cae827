package provider

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// simulatedAddress is the one where nothing answers, and that a real node's replaces.
const simulatedAddress = "127.0.0.1"

// An ingress of such a class is left alone: nobody serves a class that does not exist.
const missing = "does-not-exist"

const classAnnotation = "kubernetes.io/ingress.class"

// balance gives a load balancer its address. One with a class of its own belongs to somebody else.
func (p *Provider) balance(ctx context.Context, service *corev1.Service) error {
	if service.Spec.Type != corev1.ServiceTypeLoadBalancer || service.Spec.LoadBalancerClass != nil ||
		service.DeletionTimestamp != nil {
		return nil
	}
	if given := service.Status.LoadBalancer.Ingress; len(given) > 0 && (given[0].IP != simulatedAddress || given[0].IP == p.around.Address) {
		return nil
	}
	service = service.DeepCopy()
	service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: p.around.Address}}
	_, err := p.client.CoreV1().Services(service.Namespace).UpdateStatus(ctx, service, metav1.UpdateOptions{})
	return err
}

// admit gives an ingress the address of a controller, whatever its class.
func (p *Provider) admit(ctx context.Context, ingress *networkingv1.Ingress) error {
	class := ingress.Annotations[classAnnotation]
	if ingress.Spec.IngressClassName != nil {
		class = *ingress.Spec.IngressClassName
	}
	if strings.Contains(class, missing) || ingress.DeletionTimestamp != nil {
		return nil
	}
	if given := ingress.Status.LoadBalancer.Ingress; len(given) > 0 && (given[0].IP != simulatedAddress || given[0].IP == p.around.Address) {
		return nil
	}
	ingress = ingress.DeepCopy()
	ingress.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: p.around.Address}}
	_, err := p.client.NetworkingV1().Ingresses(ingress.Namespace).UpdateStatus(ctx, ingress, metav1.UpdateOptions{})
	return err
}
