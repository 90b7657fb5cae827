package node

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestAnImageIsPulledUnlessItsNameForbids(t *testing.T) {
	for image, want := range map[string]string{
		"nginx":                               "",
		"nginx:1.27-alpine":                   "",
		"ghcr.io/acme/homepage:1000660000":    "",
		"localhost:5000/a/b@sha256:" + digest: "",
		"Nginx":                               "InvalidImageName",
		"nginx:":                              "InvalidImageName",
		"nginx:a b":                           "InvalidImageName",
		"":                                    "InvalidImageName",
		"nginx:does-not-exist":                "ErrImagePull",
		"does-not-exist/nginx:1":              "ErrImagePull",
	} {
		got := ""
		if found := imageTrouble(image); found != nil {
			got = found.reason
		}
		if got != want {
			t.Errorf("%q: %q, want %q", image, got, want)
		}
	}
}

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestAProbeFailsOnlyIfItPlainlyCannotPass(t *testing.T) {
	container := &corev1.Container{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}}
	http := func(path string, port intstr.IntOrString) *corev1.Probe {
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: port}}}
	}
	exec := func(argv ...string) *corev1.Probe {
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: argv}}}
	}
	for name, c := range map[string]struct {
		probe *corev1.Probe
		want  bool
	}{
		"none":            {nil, true},
		"usual":           {http("/healthz", intstr.FromString("http")), true},
		"undeclared port": {http("/healthz", intstr.FromInt32(9090)), true},
		"unnamed port":    {http("/healthz", intstr.FromString("metrics")), false},
		"missing path":    {http("/does-not-exist", intstr.FromInt32(8080)), false},
		"status path":     {http("/status/503", intstr.FromInt32(8080)), false},
		"innocent path":   {http("/failover/4040", intstr.FromInt32(8080)), true},
		"false":           {exec("false"), false},
		"unknown command": {exec("pg_isready", "-U", "app"), true},
	} {
		if got := canPass(c.probe, container); got != c.want {
			t.Errorf("%s: can pass: %v", name, got)
		}
	}
}
