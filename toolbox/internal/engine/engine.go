// Package engine knows what the toolbox can do: one file, or one family of files, for each engine, and a table that
// names their operations. How requests travel is left to package serve.
package engine

import (
	"encoding/json"

	"tiphys.dev/toolbox/internal/fault"
	"tiphys.dev/toolbox/internal/serve"
)

// Operations is everything that can be asked. A new engine is a new file and a new row.
var Operations = serve.Table{
	"helm.crds":    helmCRDs,
	"helm.release": helmRelease,
	"helm.render":  helmRender,
	"jq":           jq,
	"semver.best":  semverBest,
	"version":      version,
	"yaml.decode":  yamlDecode,
}

// arguments takes an operation's own arguments out of a request.
func arguments[T any](request json.RawMessage) (T, error) {
	var args T
	if err := json.Unmarshal(request, &args); err != nil {
		return args, fault.Internalf("the arguments are not as expected: %w", err)
	}
	return args, nil
}
