package node

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Settings are how long simulated things take, and how many nodes there are.
type Settings struct {
	Nodes               int
	PodStart, PodLinger time.Duration
}

// life is what the node remembers of a pod between two looks. The API keeps whole seconds only;
// what is lost with the process is read from the status again, to the second.
type life struct {
	ip             string
	seen, deleted  time.Time
	startedAt, due map[string]time.Time // by container; due is when a failed one starts again
}

func newLife(ip string, now time.Time) *life {
	return &life{ip: ip, seen: now, startedAt: map[string]time.Time{}, due: map[string]time.Time{}}
}

// look is a pod at one moment, as the node sees it. Its methods change status and again only.
type look struct {
	settings Settings
	pod      *corev1.Pod
	life     *life
	now      time.Time

	status corev1.PodStatus
	again  time.Duration // when to look next, 0 if only an event can change anything
	gone   bool          // the pod has ended and its object can go
}

// lookAt decides what the status of a pod is now. It does no I/O and reads no clock; life is the
// only thing that it remembers in.
func lookAt(settings Settings, pod *corev1.Pod, life *life, now time.Time) *look {
	l := &look{settings: settings, pod: pod, life: life, now: now, status: *pod.Status.DeepCopy()}
	switch {
	case pod.DeletionTimestamp != nil:
		l.terminate()
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
	case l.pastDeadline():
		l.end(corev1.PodFailed, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
	default:
		l.place()
		l.containers()
		l.conditions()
	}
	return l
}

func (l *look) in(wait time.Duration) {
	wait = max(wait, time.Millisecond)
	if l.again == 0 || wait < l.again {
		l.again = wait
	}
}

// place fills in what a kubelet knows as soon as it has accepted a pod.
func (l *look) place() {
	if l.status.StartTime == nil {
		l.status.StartTime = &metav1.Time{Time: l.now}
	}
	l.status.HostIP, l.status.HostIPs = nodeIP, []corev1.HostIP{{IP: nodeIP}}
	l.status.PodIP, l.status.PodIPs = l.life.ip, []corev1.PodIP{{IP: l.life.ip}}
	l.status.ObservedGeneration = l.pod.Generation
}

func (l *look) pastDeadline() bool {
	limit, start := l.pod.Spec.ActiveDeadlineSeconds, l.pod.Status.StartTime
	if limit == nil || start == nil {
		return false
	}
	left := start.Add(time.Duration(*limit) * time.Second).Sub(l.now)
	if left > 0 {
		l.in(left)
	}
	return left <= 0
}

// terminate lets a deleted pod linger, ends it, and lets it go. It is ended in its status before its
// object goes, because the Job controller counts a pod by its phase.
func (l *look) terminate() {
	if l.life.deleted.IsZero() {
		l.life.deleted = l.now
	}
	linger := l.settings.PodLinger
	if grace := l.pod.DeletionGracePeriodSeconds; grace != nil {
		linger = min(linger, time.Duration(*grace)*time.Second)
	}
	if left := l.life.deleted.Add(linger).Sub(l.now); left > 0 && l.hasStarted() {
		l.in(left)
		return
	}
	if l.status.Phase != corev1.PodSucceeded && l.status.Phase != corev1.PodFailed {
		l.end(corev1.PodFailed, l.status.Reason, l.status.Message)
	}
	l.gone = true
}

func (l *look) hasStarted() bool {
	for _, c := range slices.Concat(l.status.ContainerStatuses, l.status.InitContainerStatuses) {
		if c.State.Running != nil {
			return true
		}
	}
	return false
}

// end stops what runs, as by SIGTERM.
func (l *look) end(phase corev1.PodPhase, reason, message string) {
	for _, statuses := range [][]corev1.ContainerStatus{l.status.InitContainerStatuses, l.status.ContainerStatuses} {
		for i := range statuses {
			statuses[i].Ready = false
			if statuses[i].State.Running != nil {
				stop(&statuses[i], 128+15, l.now)
			}
		}
	}
	l.status.Phase, l.status.Reason, l.status.Message = phase, reason, message
	l.conditions()
}

func stop(status *corev1.ContainerStatus, code int, now time.Time) {
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	ended := &corev1.ContainerStateTerminated{
		ExitCode: int32(code), Reason: reason, FinishedAt: metav1.Time{Time: now}, ContainerID: status.ContainerID,
	}
	if status.State.Running != nil {
		ended.StartedAt = status.State.Running.StartedAt
	}
	status.State = corev1.ContainerState{Terminated: ended}
	no := false
	status.Ready, status.Started = false, &no
}
