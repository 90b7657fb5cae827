package node

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
)

// missing is the word by which a spec says that something is not there: an image, a path of a
// probe, an ingress class. It lets a bad rollout be tried on a machine that pulls no images.
const missing = "does-not-exist"

// trouble is why a container cannot start.
type trouble struct{ reason, message string }

// imageTrouble judges an image as the kubelet does before and while pulling it; nil is none.
func imageTrouble(image string) *trouble {
	if _, err := reference.ParseNormalizedNamed(image); err != nil {
		return &trouble{"InvalidImageName",
			fmt.Sprintf("Failed to apply default image tag %q: couldn't parse image name %q: %v", image, image, err)}
	}
	if strings.Contains(image, missing) {
		return &trouble{"ErrImagePull", fmt.Sprintf("failed to pull image %q: not found (simulated)", image)}
	}
	return nil
}

// backedOff is the same trouble a moment later.
func (t trouble) backedOff(image string) trouble {
	if t.reason != "ErrImagePull" {
		return t
	}
	return trouble{"ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q: %s", image, t.message)}
}

// A path of an HTTP probe that names its own failure.
var failingPath = regexp.MustCompile(`(^|[/_-])(does-not-exist|nonexistent|never|fail|failing|4\d\d|5\d\d)($|[/?_-])`)

// canPass tells whether a probe has a chance. No probe is run, as there is nothing to answer, so
// only those fail that plainly cannot pass: see README, "Probes".
func canPass(probe *corev1.Probe, container *corev1.Container) bool {
	switch {
	case probe == nil:
		return true
	case probe.Exec != nil:
		program := Interpret(probe.Exec.Command)
		return program.Forever || program.Code == 0
	case probe.HTTPGet != nil:
		return !failingPath.MatchString(probe.HTTPGet.Path) && declares(container, probe.HTTPGet.Port.StrVal)
	case probe.TCPSocket != nil:
		return declares(container, probe.TCPSocket.Port.StrVal)
	}
	return true
}

func declares(container *corev1.Container, portName string) bool {
	if portName == "" {
		return true
	}
	for _, port := range container.Ports {
		if port.Name == portName {
			return true
		}
	}
	return false
}

// programOf is what a container does. Without a command the image would decide; the image of a
// container that is not restarted when it ends well is taken for a task, and ends well at once.
func programOf(pod *corev1.Pod, container *corev1.Container) Program {
	argv := slices.Concat(container.Command, container.Args)
	if len(argv) > 0 {
		return Interpret(argv)
	}
	return Program{Forever: policyOf(pod, container) == corev1.RestartPolicyAlways}
}
