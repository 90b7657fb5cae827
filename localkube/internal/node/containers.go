package node

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The back-off of a kubelet: the first restart is immediate, then these, doubled each time.
const (
	firstBackOff = 10 * time.Second
	longBackOff  = 5 * time.Minute
	pullBackOff  = time.Second
)

// containers moves each container on: init containers one after the other, sidecars beside, then
// all the others together.
func (l *look) containers() {
	spec := &l.pod.Spec
	allowed, failed := true, false
	inits := make([]corev1.ContainerStatus, len(spec.InitContainers))
	for i := range spec.InitContainers {
		container := &spec.InitContainers[i]
		inits[i] = l.container(container, l.status.InitContainerStatuses, allowed)
		allowed = allowed && isPast(container, &inits[i])
		failed = failed || (!isSidecar(container) && hasFailed(&inits[i]))
	}
	mains := make([]corev1.ContainerStatus, len(spec.Containers))
	for i := range spec.Containers {
		mains[i] = l.container(&spec.Containers[i], l.status.ContainerStatuses, allowed)
	}
	l.status.InitContainerStatuses, l.status.ContainerStatuses = inits, mains
	l.status.Phase = phaseOf(mains, spec.RestartPolicy, failed, allowed)
	if l.status.Phase == corev1.PodSucceeded || l.status.Phase == corev1.PodFailed {
		l.end(l.status.Phase, l.status.Reason, l.status.Message) // the sidecars
	}
}

func isSidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// policyOf is a container's own restart policy. An init container runs again until it succeeds,
// unless nothing in its pod does.
func policyOf(pod *corev1.Pod, c *corev1.Container) corev1.RestartPolicy {
	isInit := slices.ContainsFunc(pod.Spec.InitContainers, func(init corev1.Container) bool { return init.Name == c.Name })
	switch {
	case isSidecar(c):
		return corev1.RestartPolicyAlways
	case isInit && pod.Spec.RestartPolicy == corev1.RestartPolicyAlways:
		return corev1.RestartPolicyOnFailure
	}
	return pod.Spec.RestartPolicy
}

// isPast tells whether the containers after an init container may start.
func isPast(c *corev1.Container, status *corev1.ContainerStatus) bool {
	if isSidecar(c) {
		return status.Started != nil && *status.Started
	}
	return status.State.Terminated != nil && status.State.Terminated.ExitCode == 0
}

func hasFailed(status *corev1.ContainerStatus) bool {
	return status.State.Terminated != nil && status.State.Terminated.ExitCode != 0
}

// container answers with the next status of one container.
func (l *look) container(c *corev1.Container, known []corev1.ContainerStatus, allowed bool) corev1.ContainerStatus {
	status := statusOf(c, known)
	switch {
	case status.State.Terminated != nil:
	case status.State.Running != nil:
		l.goOn(c, &status)
	case !allowed:
		wait(&status, "PodInitializing", "")
	default:
		l.tryStart(c, &status)
	}
	return status
}

func statusOf(c *corev1.Container, known []corev1.ContainerStatus) corev1.ContainerStatus {
	for _, status := range known {
		if status.Name == c.Name {
			return status
		}
	}
	no := false
	return corev1.ContainerStatus{Name: c.Name, Image: c.Image, Started: &no}
}

func wait(status *corev1.ContainerStatus, reason, message string) {
	status.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	status.Ready = false
}

// tryStart starts a container unless its image or a back-off is in the way.
func (l *look) tryStart(c *corev1.Container, status *corev1.ContainerStatus) {
	status.Image = c.Image
	if due, waiting := l.life.due[c.Name]; waiting && due.After(l.now) {
		l.in(due.Sub(l.now))
		return
	}
	if found := imageTrouble(c.Image); found != nil {
		l.refuse(c, status, *found)
		return
	}
	if begin := l.life.seen.Add(l.settings.PodStart); begin.After(l.now) {
		wait(status, "ContainerCreating", "")
		l.in(begin.Sub(l.now))
		return
	}
	if status.LastTerminationState.Terminated != nil {
		status.RestartCount++
	}
	delete(l.life.due, c.Name)
	l.start(c, status)
}

// refuse leaves a container waiting. The first reason is short-lived, as with a kubelet.
func (l *look) refuse(c *corev1.Container, status *corev1.ContainerStatus, found trouble) {
	if now := status.State.Waiting; now != nil && (now.Reason == "ErrImagePull" || now.Reason == "ImagePullBackOff") {
		found = found.backedOff(c.Image)
	} else if found.reason == "ErrImagePull" {
		l.life.due[c.Name] = l.now.Add(pullBackOff)
		l.in(pullBackOff)
	}
	wait(status, found.reason, found.message)
}

func (l *look) start(c *corev1.Container, status *corev1.ContainerStatus) {
	l.life.startedAt[c.Name] = l.now
	status.ImageID = fmt.Sprintf("%s@sha256:%x", c.Image, sha256.Sum256([]byte(c.Image)))
	identity := fmt.Sprintf("%s/%s/%d", l.pod.UID, c.Name, status.RestartCount)
	status.ContainerID = fmt.Sprintf("simulated://%x", sha256.Sum256([]byte(identity)))
	status.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Time{Time: l.now}}}
	if program := programOf(l.pod, c); !program.Forever {
		l.in(program.Took)
	}
	l.probe(c, status)
}

func (l *look) probe(c *corev1.Container, status *corev1.ContainerStatus) {
	started := canPass(c.StartupProbe, c)
	status.Started = &started
	status.Ready = started && canPass(c.ReadinessProbe, c)
}

// goOn looks whether a running container has come to its end.
func (l *look) goOn(c *corev1.Container, status *corev1.ContainerStatus) {
	l.probe(c, status)
	program := programOf(l.pod, c)
	if program.Forever {
		return
	}
	started, remembered := l.life.startedAt[c.Name]
	if !remembered {
		started = status.State.Running.StartedAt.Time
	}
	if left := started.Add(program.Took).Sub(l.now); left > 0 {
		l.in(left)
		return
	}
	stop(status, program.Code, l.now)
	policy := policyOf(l.pod, c)
	if policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && program.Code != 0 {
		l.restart(c, status)
	}
}

func (l *look) restart(c *corev1.Container, status *corev1.ContainerStatus) {
	status.LastTerminationState = status.State
	pause := backOff(status.RestartCount)
	l.life.due[c.Name] = l.now.Add(pause)
	l.in(pause)
	wait(status, "CrashLoopBackOff", fmt.Sprintf("back-off %v restarting failed container=%s pod=%s_%s(%s)",
		pause, c.Name, l.pod.Name, l.pod.Namespace, l.pod.UID))
}

func backOff(restarts int32) time.Duration {
	if restarts == 0 {
		return 0
	}
	return min(firstBackOff<<min(restarts-1, 10), longBackOff)
}

// phaseOf sums up as a kubelet does.
func phaseOf(mains []corev1.ContainerStatus, policy corev1.RestartPolicy, initFailed, initialized bool) corev1.PodPhase {
	if initFailed {
		return corev1.PodFailed
	}
	if !initialized {
		return corev1.PodPending
	}
	waiting, ended, failed := 0, 0, 0
	for i := range mains {
		switch status := &mains[i]; {
		case status.State.Terminated != nil:
			ended++
			if status.State.Terminated.ExitCode != 0 {
				failed++
			}
		case status.State.Waiting != nil && status.LastTerminationState.Terminated == nil:
			waiting++
		}
	}
	switch {
	case waiting > 0:
		return corev1.PodPending
	case ended < len(mains) || policy == corev1.RestartPolicyAlways:
		return corev1.PodRunning
	case failed > 0:
		return corev1.PodFailed
	}
	return corev1.PodSucceeded
}
