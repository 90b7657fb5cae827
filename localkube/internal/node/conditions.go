package node

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// conditions derives a pod's conditions from its containers and its readiness gates. Conditions of
// others, the gates among them, stay as they are.
func (l *look) conditions() {
	if l.status.Phase == corev1.PodSucceeded || l.status.Phase == corev1.PodFailed {
		l.conditionsAtEnd()
		return
	}
	running := l.status.PodIP != "" && l.hasStarted()
	l.set(corev1.PodReadyToStartContainers, running, "", "")
	l.set(corev1.PodInitialized, l.initialized(), "ContainersNotInitialized", "containers with incomplete status: "+fmt.Sprint(l.unready(true)))
	unready := l.unready(false)
	message := "containers with unready status: " + fmt.Sprint(unready)
	l.set(corev1.ContainersReady, len(unready) == 0, "ContainersNotReady", message)
	if len(unready) > 0 {
		l.set(corev1.PodReady, false, "ContainersNotReady", message)
		return
	}
	gate := l.closedGate()
	l.set(corev1.PodReady, gate == "", "ReadinessGatesNotReady", gate)
}

func (l *look) conditionsAtEnd() {
	reason := "PodCompleted"
	if l.status.Phase == corev1.PodFailed {
		reason = "PodFailed"
	}
	l.set(corev1.PodReadyToStartContainers, false, "", "")
	l.set(corev1.ContainersReady, false, reason, "")
	l.set(corev1.PodReady, false, reason, "")
}

func (l *look) initialized() bool {
	for i := range l.status.InitContainerStatuses {
		if !isPast(&l.pod.Spec.InitContainers[i], &l.status.InitContainerStatuses[i]) {
			return false
		}
	}
	return true
}

// unready names the containers that keep the pod from being ready: sidecars and main ones, or of
// the init containers those that have not come to their end.
func (l *look) unready(inits bool) []string {
	names := []string{}
	for i := range l.status.InitContainerStatuses {
		container, status := &l.pod.Spec.InitContainers[i], &l.status.InitContainerStatuses[i]
		if inits && !isPast(container, status) || !inits && isSidecar(container) && !status.Ready {
			names = append(names, status.Name)
		}
	}
	for _, status := range l.status.ContainerStatuses {
		if !inits && !status.Ready {
			names = append(names, status.Name)
		}
	}
	return names
}

// closedGate says which readiness gate is not open, in a kubelet's words.
func (l *look) closedGate() string {
	for _, gate := range l.pod.Spec.ReadinessGates {
		condition := l.condition(gate.ConditionType)
		if condition == nil {
			return fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType)
		}
		if condition.Status != corev1.ConditionTrue {
			return fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", gate.ConditionType, condition.Status)
		}
	}
	return ""
}

func (l *look) condition(kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range l.status.Conditions {
		if l.status.Conditions[i].Type == kind {
			return &l.status.Conditions[i]
		}
	}
	return nil
}

// set writes a condition; reason and message are those of false. The time changes with the status.
func (l *look) set(kind corev1.PodConditionType, ok bool, reason, message string) {
	value := corev1.ConditionFalse
	if ok {
		value, reason, message = corev1.ConditionTrue, "", ""
	}
	condition := l.condition(kind)
	if condition == nil {
		l.status.Conditions = append(l.status.Conditions, corev1.PodCondition{Type: kind})
		condition = &l.status.Conditions[len(l.status.Conditions)-1]
	}
	if condition.Status != value {
		condition.LastTransitionTime = metav1.Time{Time: l.now}
	}
	condition.Status, condition.Reason, condition.Message = value, reason, message
	condition.ObservedGeneration = l.pod.Generation
}
