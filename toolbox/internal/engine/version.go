package engine

import (
	"context"
	"encoding/json"
	"runtime"
	"runtime/debug"

	"tiphys.dev/toolbox/internal/serve"
)

// Version is the toolbox's own; the Python package around it says the same.
const Version = "0.1.0"

type versions struct {
	Toolbox  string `json:"toolbox"`
	Go       string `json:"go"`
	Helm     string `json:"helm"`
	YAML     string `json:"yaml"`
	Jq       string `json:"jq"`
	Semver   string `json:"semver"`
	Network  bool   `json:"network"`
	Memory   uint64 `json:"memoryBytes"`
	Platform string `json:"platform"`
}

// version tells what is built in, and whether this process could reach a network if it tried.
func version(context.Context, json.RawMessage) (any, error) {
	return versions{
		Toolbox:  Version,
		Go:       runtime.Version(),
		Helm:     moduleVersion("helm.sh/helm/v4"),
		YAML:     moduleVersion("sigs.k8s.io/yaml"),
		Jq:       moduleVersion("github.com/itchyny/gojq"),
		Semver:   moduleVersion("github.com/Masterminds/semver/v3"),
		Network:  serve.NetworkReachable(),
		Memory:   serve.InUse(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}, nil
}

func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, module := range info.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return ""
}
