package plane

import (
	"context"
	"net/http"

	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/options"

	"tiphys.dev/localkube/internal/pki"
)

// runControllers runs kube-controller-manager until ctx ends.
func runControllers(ctx context.Context, keys pki.Dir, kubeconfig string) error {
	opts, err := options.NewKubeControllerManagerOptions()
	if err != nil {
		return err
	}
	flags := opts.Flags(app.KnownControllers(), app.ControllersDisabledByDefault(), app.ControllerAliases())
	opts.ParsedFlags = &flags
	if err := parse(flags, controllerFlags(keys, kubeconfig)); err != nil {
		return err
	}
	config, err := opts.Config(ctx, app.KnownControllers(), app.ControllersDisabledByDefault(), app.ControllerAliases())
	if err != nil {
		return err
	}
	config.Kubeconfig.Wrap(func(next http.RoundTripper) http.RoundTripper { return impatient{next} })
	return app.Run(ctx, config.Complete())
}

// impatient makes kube-controller-manager's first question succeed as soon as it can work. It asks
// for /healthz, and if that is not well, again after a second: a third of our whole start.
type impatient struct{ next http.RoundTripper }

func (i impatient) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Path == "/healthz" {
		request = request.Clone(request.Context())
		request.URL.RawQuery = lateHooks.Encode()
	}
	return i.next.RoundTrip(request)
}

func controllerFlags(keys pki.Dir, kubeconfig string) []string {
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--kube-api-qps=1000", "--kube-api-burst=2000",
		"--kube-api-content-type=application/vnd.kubernetes.protobuf",
		"--leader-elect=false",
		"--secure-port=0",
		// Own credentials for each controller would cost seconds of every start.
		"--use-service-account-credentials=false",
		"--root-ca-file=" + keys.Cert("ca"),
		"--service-account-private-key-file=" + keys.Key("service-accounts"),
		"--cluster-signing-cert-file=" + keys.Cert("ca"),
		"--cluster-signing-key-file=" + keys.Key("ca"),
		"--allocate-node-cidrs=false",
		"--controllers=*,-node-ipam-controller,-persistentvolume-attach-detach-controller,-ttl-controller",
		"--controller-shutdown-timeout=300ms",
	}
}
