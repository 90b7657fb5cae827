package plane

import (
	"context"

	"k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

// runScheduler runs kube-scheduler until ctx ends. By Setup and Run, not by its command: that one
// takes the process's signals, which can be done once only.
func runScheduler(ctx context.Context, kubeconfig string) error {
	opts := options.NewOptions()
	if err := parse(*opts.Flags, schedulerFlags(kubeconfig)); err != nil {
		return err
	}
	config, scheduler, err := app.Setup(ctx, opts)
	if err != nil {
		return err
	}
	return app.Run(ctx, config, scheduler)
}

func schedulerFlags(kubeconfig string) []string {
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--kube-api-qps=1000", "--kube-api-burst=2000",
		"--leader-elect=false",
		"--secure-port=0",
	}
}
