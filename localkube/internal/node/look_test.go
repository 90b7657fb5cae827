package node

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// story plays a pod's life: each step lets time pass and looks, as the node would.
type story struct {
	t    *testing.T
	pod  *corev1.Pod
	life *life
	now  time.Time
	last *look
}

var testSettings = Settings{Nodes: 1, PodStart: 200 * time.Millisecond, PodLinger: 2 * time.Second}

func storyOf(t *testing.T, spec corev1.PodSpec) *story {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", UID: "1", Generation: 1}, Spec: spec}
	pod.Status.Phase = corev1.PodPending
	s := &story{t: t, pod: pod, life: newLife("10.244.0.1", now), now: now}
	return s.after(0)
}

func (s *story) after(pause time.Duration) *story {
	s.now = s.now.Add(pause)
	s.last = lookAt(testSettings, s.pod, s.life, s.now)
	s.pod.Status = s.last.status
	return s
}

// next waits as long as the node asked to.
func (s *story) next() *story {
	s.t.Helper()
	if s.last.again == 0 {
		s.t.Fatal("the node waits for nothing")
	}
	return s.after(s.last.again)
}

func (s *story) is(phase corev1.PodPhase, ready bool) *story {
	s.t.Helper()
	condition := s.last.condition(corev1.PodReady)
	if s.pod.Status.Phase != phase || (condition.Status == corev1.ConditionTrue) != ready {
		s.t.Fatalf("the pod is %s, ready %s; want %s, ready %v", s.pod.Status.Phase, condition.Status, phase, ready)
	}
	return s
}

func (s *story) waitsFor(reason string) *story {
	s.t.Helper()
	state := s.pod.Status.ContainerStatuses[0].State
	if state.Waiting == nil || state.Waiting.Reason != reason {
		s.t.Fatalf("the container is %v, want waiting for %s", state, reason)
	}
	return s
}

func container(name string, argv ...string) corev1.Container {
	return corev1.Container{Name: name, Image: "busybox:1", Command: argv}
}

func always(containers ...corev1.Container) corev1.PodSpec {
	return corev1.PodSpec{RestartPolicy: corev1.RestartPolicyAlways, Containers: containers}
}

func never(containers ...corev1.Container) corev1.PodSpec {
	return corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: containers}
}

func TestAPodBecomesReadyAfterAMoment(t *testing.T) {
	s := storyOf(t, always(container("web"))).is(corev1.PodPending, false).waitsFor("ContainerCreating")
	s.next().is(corev1.PodRunning, true)
	if s.last.again != 0 {
		t.Error("the node keeps looking at a pod that runs on")
	}
}

func TestATaskEndsWithItsCodeAfterItsTime(t *testing.T) {
	s := storyOf(t, never(container("task", "sh", "-c", "sleep 3; exit 7"))).next().is(corev1.PodRunning, true)
	if s.last.again != 3*time.Second {
		t.Fatalf("looks again in %v", s.last.again)
	}
	s.next().is(corev1.PodFailed, false)
	if code := s.pod.Status.ContainerStatuses[0].State.Terminated.ExitCode; code != 7 {
		t.Errorf("ended with %d", code)
	}
}

func TestAFailingContainerBacksOff(t *testing.T) {
	s := storyOf(t, always(container("web", "false"))).next().is(corev1.PodRunning, true)
	s.next().waitsFor("CrashLoopBackOff").next().is(corev1.PodRunning, true) // the first restart is immediate
	s.next().waitsFor("CrashLoopBackOff").is(corev1.PodRunning, false)
	if s.last.again != firstBackOff || s.pod.Status.ContainerStatuses[0].RestartCount != 1 {
		t.Errorf("again in %v after %d restarts", s.last.again, s.pod.Status.ContainerStatuses[0].RestartCount)
	}
}

func TestInitContainersRunOneAfterTheOther(t *testing.T) {
	spec := never(container("main", "true"))
	spec.InitContainers = []corev1.Container{container("first", "sleep", "1"), container("second", "sleep", "2")}
	s := storyOf(t, spec).next().waitsFor("PodInitializing").is(corev1.PodPending, false)
	began := s.now
	for s.pod.Status.Phase == corev1.PodPending {
		s.next()
	}
	if took := s.now.Sub(began); took < 3*time.Second || took > 3100*time.Millisecond {
		t.Errorf("initialized after %v", took)
	}
}

func TestAFailedInitContainerFailsAPodThatDoesNotRestart(t *testing.T) {
	spec := never(container("main", "true"))
	spec.InitContainers = []corev1.Container{container("first", "false")}
	storyOf(t, spec).next().next().is(corev1.PodFailed, false).waitsFor("PodInitializing")
}

func TestASidecarEndsWithTheTaskBesideIt(t *testing.T) {
	sidecar, yes := container("proxy"), corev1.ContainerRestartPolicyAlways
	sidecar.RestartPolicy = &yes
	spec := never(container("task", "sleep", "1"))
	spec.InitContainers = []corev1.Container{sidecar}
	s := storyOf(t, spec).next().is(corev1.PodRunning, true).next().is(corev1.PodSucceeded, false)
	if s.pod.Status.InitContainerStatuses[0].State.Terminated == nil {
		t.Error("the sidecar runs on")
	}
}

func TestAnImageThatIsNotThereIsNeverPulled(t *testing.T) {
	spec := always(container("web"))
	spec.Containers[0].Image = "shop/web:does-not-exist"
	s := storyOf(t, spec).is(corev1.PodPending, false).waitsFor("ErrImagePull").next().waitsFor("ImagePullBackOff")
	if s.last.again != 0 {
		t.Error("the node keeps looking at an image that does not come")
	}
	s.pod.Spec.Containers[0].Image = "shop/web:2"
	s.after(time.Second).is(corev1.PodRunning, true)
}

func TestAnInvalidImageNameIsSaidAtOnce(t *testing.T) {
	spec := always(container("web"))
	spec.Containers[0].Image = "Shop/Web"
	storyOf(t, spec).is(corev1.PodPending, false).waitsFor("InvalidImageName")
}

func TestAPodIsReadyWhenItsGatesAreOpen(t *testing.T) {
	spec := always(container("web"))
	spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "shop/open"}}
	s := storyOf(t, spec).next().is(corev1.PodRunning, false)
	s.pod.Status.Conditions = append(s.pod.Status.Conditions, corev1.PodCondition{Type: "shop/open", Status: corev1.ConditionTrue})
	s.after(time.Second).is(corev1.PodRunning, true)
}

func TestAPodWhoseProbeCannotPassRunsUnready(t *testing.T) {
	spec := always(container("web"))
	spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/does-not-exist"}}}
	storyOf(t, spec).next().is(corev1.PodRunning, false)
}

func TestADeletedPodLingersAndGoes(t *testing.T) {
	s := storyOf(t, always(container("web"))).next()
	grace := int64(30)
	s.pod.DeletionTimestamp, s.pod.DeletionGracePeriodSeconds = &metav1.Time{Time: s.now.Add(30 * time.Second)}, &grace
	s.after(0).is(corev1.PodRunning, true)
	if s.last.gone || s.last.again != testSettings.PodLinger {
		t.Fatalf("gone %v, again in %v", s.last.gone, s.last.again)
	}
	if s.next().is(corev1.PodFailed, false); !s.last.gone {
		t.Error("the pod stays")
	}
}

func TestALookThatChangesNothingSaysNothing(t *testing.T) {
	s := storyOf(t, always(container("web"))).next()
	before := s.pod.Status.DeepCopy()
	s.after(time.Hour)
	if before.String() != s.pod.Status.String() {
		t.Errorf("the status changed from %v to %v", before, s.pod.Status)
	}
}
