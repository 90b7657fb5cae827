// Command kubelet is the real one, by its own package. It is a program apart from localkube because most
// control planes here have a simulated node, and need not carry it.
package main

import (
	"context"
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kubelet/app"
)

func main() { os.Exit(cli.Run(app.NewKubeletCommand(context.Background()))) }
