package plane

import (
	"context"
	"fmt"
	"net"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"tiphys.dev/localkube/internal/pki"
)

// runAPIServer serves the API on the listener until ctx ends.
func runAPIServer(ctx context.Context, keys pki.Dir, listener net.Listener, realNode bool) error {
	opts := options.NewServerRunOptions()
	flags := apiServerFlags(keys)
	if realNode {
		flags = append(flags, realNodeFlags...)
	}
	if err := parse(opts.Flags(), flags); err != nil {
		return err
	}
	opts.SecureServing.Listener = listener
	opts.SecureServing.BindPort = listener.Addr().(*net.TCPAddr).Port
	if err := opts.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	completed, err := opts.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return utilerrors.NewAggregate(errs)
	}
	return app.Run(ctx, completed)
}

// realNodeFlags give a kubelet the rights to what its own pods name, and to no more. The mode comes in
// addition to the one below.
var realNodeFlags = []string{"--authorization-mode=Node", "--enable-admission-plugins=NodeRestriction"}

func apiServerFlags(keys pki.Dir) []string {
	return []string{
		"--etcd-servers=" + etcdEndpoint,
		"--bind-address=127.0.0.1",
		// A loopback address is refused as the endpoint of the service `kubernetes`.
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--authorization-mode=RBAC",
		"--allow-privileged=true",
		"--client-ca-file=" + keys.Cert("ca"),
		"--token-auth-file=" + keys.File("tokens.csv"),
		"--tls-cert-file=" + keys.Cert("apiserver"),
		"--tls-private-key-file=" + keys.Key("apiserver"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + keys.File("service-accounts.pub"),
		"--service-account-signing-key-file=" + keys.Key("service-accounts"),
		"--kubelet-certificate-authority=" + keys.Cert("ca"),
		"--kubelet-client-certificate=" + keys.Cert("kubelet-client"),
		"--kubelet-client-key=" + keys.Key("kubelet-client"),
		// The default looks up the node's name in DNS first.
		"--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file=" + keys.Cert("front-proxy-ca"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + keys.Cert("front-proxy-client"),
		"--proxy-client-key-file=" + keys.Key("front-proxy-client"),
		// One server, a handful of clients: no fair queuing, no lease among API servers, no counting
		// of what is stored. Each of them costs start time and wakes up an idle machine.
		"--enable-priority-and-fairness=false",
		"--feature-gates=APIServerIdentity=false,UnknownVersionInteroperabilityProxy=false",
		"--etcd-count-metric-poll-period=0",
		"--etcd-db-metric-poll-interval=0",
		"--profiling=false",
		"--shutdown-delay-duration=0",
	}
}

// parse gives command line flags to a component's options: its flags are stable and documented,
// its fields are neither.
func parse(sets cliflag.NamedFlagSets, args []string) error {
	flags := pflag.NewFlagSet("localkube", pflag.ContinueOnError)
	for _, set := range sets.FlagSets {
		flags.AddFlagSet(set)
	}
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("flags: %w", err)
	}
	return nil
}
