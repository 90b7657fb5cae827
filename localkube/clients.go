package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"

	etcdversion "go.etcd.io/etcd/api/v3/version"
	helmcmd "helm.sh/helm/v4/pkg/cmd"
	helmkube "helm.sh/helm/v4/pkg/kube"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubeconfigs with exec and OIDC credentials
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	kubeversion "k8s.io/component-base/version"
	kubectlcmd "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
)

// kubectl is the real one. It and helm read the process's arguments here and there, so these are
// made to look as if the command had been called by its own name.
func kubectl(args []string) int {
	os.Args = append([]string{"kubectl"}, args...)
	// Before the command is built: building it looks for plugins and preferences, and may log.
	_, _ = logs.GlogSetter(kubectlcmd.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(kubectlcmd.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err) // prints as kubectl does, and exits with its code
		return 1
	}
	return 0
}

func helm(args []string) int {
	os.Args = append([]string{"helm"}, args...)
	// The name in managedFields; otherwise that of this binary.
	helmkube.ManagedFieldsManager = "helm"
	command, err := helmcmd.NewRootCmd(os.Stdout, args, helmcmd.SetupLogging)
	if err != nil {
		slog.Warn("command failed", slog.Any("error", err))
		return 1
	}
	err = command.Execute()
	var coded helmcmd.CommandError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &coded):
		return coded.ExitCode
	default:
		return 1
	}
}

func version([]string) int {
	text, err := json.MarshalIndent(map[string]string{
		"kubernetes": kubeversion.Get().GitVersion,
		"etcd":       "v" + etcdversion.Version,
		"helm":       moduleVersion("helm.sh/helm/v4"),
		"go":         runtime.Version(),
		"platform":   runtime.GOOS + "/" + runtime.GOARCH,
	}, "", "  ")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(string(text))
	return 0
}

func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, module := range info.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return "unknown"
}
