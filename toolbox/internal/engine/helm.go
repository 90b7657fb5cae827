package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	helm "helm.sh/helm/v4/pkg/engine"

	"tiphys.dev/toolbox/internal/files"
)

type helmArguments struct {
	Root                 string          `json:"root"`
	Dir                  string          `json:"dir"`
	Brought              []broughtChart  `json:"brought"`
	ReleaseName          string          `json:"releaseName"`
	Namespace            string          `json:"namespace"`
	ValueFiles           []string        `json:"valueFiles"`
	Values               string          `json:"values"`
	ValuesObject         json.RawMessage `json:"valuesObject"`
	Set                  []string        `json:"set"`
	SetString            []string        `json:"setString"`
	SetFile              []string        `json:"setFile"`
	KubeVersion          string          `json:"kubeVersion"`
	APIVersions          []string        `json:"apiVersions"`
	SkipCRDs             bool            `json:"skipCrds"`
	SkipTests            bool            `json:"skipTests"`
	SkipSchemaValidation bool            `json:"skipSchemaValidation"`
	IsUpgrade            bool            `json:"isUpgrade"`
	Revision             int             `json:"revision"`
	OnlyTheseAPIs        bool            `json:"onlyTheseApis"`
}

type helmAnswer struct {
	Objects          []helmObject `json:"objects"`
	UsesCapabilities bool         `json:"usesCapabilities"`
	Nondeterministic []string     `json:"nondeterministic"`
	Warnings         []string     `json:"warnings"`
}

// helmRender does what `helm template --include-crds` does, by Helm's own functions, and gives objects for text.
// The chart is loaded afresh each time, because rendering changes it.
func helmRender(_ context.Context, request json.RawMessage) (any, error) {
	args, err := arguments[helmArguments](request)
	if err != nil {
		return nil, err
	}
	tree, err := args.open()
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	warnings := collectWarnings()
	defer warnings.stop()
	answer, err := args.render(tree)
	answer.Warnings = warnings.said()
	return answer, err
}

func (args helmArguments) open() (*files.Tree, error) {
	if args.Root == "" {
		args.Root = args.Dir
	}
	return files.Open(args.Root)
}

func (args helmArguments) render(tree *files.Tree) (helmAnswer, error) {
	watched := watchedFunctions(nothingLive)
	made, err := args.made(tree, watched)
	if err != nil {
		return helmAnswer{}, err
	}
	objects, err := args.objects(made.chart, made.files)
	return helmAnswer{Objects: objects, UsesCapabilities: made.uses, Nondeterministic: watched.used()}, err
}

// made is a chart with what its templates gave, by file.
type made struct {
	chart *chart.Chart
	given map[string]any
	files map[string]string
	uses  bool
}

func (args helmArguments) made(tree *files.Tree, watched watched) (made, error) {
	loaded, given, err := args.loaded(tree)
	if err != nil {
		return made{}, err
	}
	uses := mentionsCapabilities(loaded, given)
	capabilities, err := args.capabilities()
	if err != nil {
		return made{}, err
	}
	values, err := args.valuesToRender(loaded, given, capabilities)
	if err != nil {
		return made{}, err
	}
	if err := supports(loaded, capabilities); err != nil {
		return made{}, err
	}
	rendered, err := helm.Engine{CustomTemplateFuncs: watched.functions}.Render(loaded, values)
	return made{loaded, given, rendered, uses}, err
}

func (args helmArguments) loaded(tree *files.Tree) (*chart.Chart, map[string]any, error) {
	loaded, err := loadChart(tree, args.Dir, args.Brought)
	if err != nil {
		return nil, nil, err
	}
	given, err := args.givenValues(tree)
	return loaded, given, err
}

// valuesToRender settles which dependencies are in, and what the templates see.
func (args helmArguments) valuesToRender(
	loaded *chart.Chart, given map[string]any, capabilities *common.Capabilities,
) (common.Values, error) {
	if err := chartutil.ValidateReleaseName(args.ReleaseName); err != nil {
		return nil, fmt.Errorf("release name %q: %w", args.ReleaseName, err)
	}
	if err := chartutil.ProcessDependencies(loaded, given); err != nil {
		return nil, fmt.Errorf("chart dependencies processing failed: %w", err)
	}
	release := common.ReleaseOptions{
		Name: args.ReleaseName, Namespace: args.Namespace, Revision: max(1, args.Revision),
		IsInstall: !args.IsUpgrade, IsUpgrade: args.IsUpgrade,
	}
	// Helm's own validation reads what a schema refers to from disk and network, so it is switched off for ours.
	top, err := commonutil.ToRenderValuesWithSchemaValidation(loaded, given, release, capabilities, true)
	if err != nil || args.SkipSchemaValidation {
		return top, err
	}
	return top, validateValues(loaded, top["Values"].(common.Values))
}

// capabilities are Helm's defaults with the version replaced and the API versions added, as `--kube-version` and
// `--api-versions` do; or those of a cluster and no others, as at an install.
func (args helmArguments) capabilities() (*common.Capabilities, error) {
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.HelmVersion.Version = moduleVersion("helm.sh/helm/v4")
	if args.OnlyTheseAPIs {
		capabilities.APIVersions = nil
	}
	capabilities.APIVersions = append(slices.Clip(capabilities.APIVersions), args.APIVersions...)
	if args.KubeVersion != "" {
		version, err := common.ParseKubeVersion(args.KubeVersion)
		if err != nil {
			return nil, fmt.Errorf("invalid kube version %q: %w", args.KubeVersion, err)
		}
		capabilities.KubeVersion = *version
	}
	return capabilities, nil
}

func supports(loaded *chart.Chart, capabilities *common.Capabilities) error {
	wanted := loaded.Metadata.KubeVersion
	if wanted == "" || chartutil.IsCompatibleRange(wanted, capabilities.KubeVersion.String()) {
		return nil
	}
	return fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s",
		wanted, capabilities.KubeVersion.Version)
}

// mentionsCapabilities says whether the outcome may depend on the cluster's version or APIs. A template can be handed
// on as a value or a file, so those count too; to say yes too often costs a render, to say no wrongly a stale one.
func mentionsCapabilities(loaded *chart.Chart, given map[string]any) bool {
	text, err := json.Marshal(given)
	if err != nil || strings.Contains(string(text), "Capabilities") || loaded.Metadata.KubeVersion != "" {
		return true
	}
	for _, file := range loaded.Raw {
		prose := strings.HasSuffix(file.Name, ".md") || strings.HasSuffix(file.Name, "NOTES.txt")
		if !prose && !strings.HasPrefix(file.Name, "charts/") && strings.Contains(string(file.Data), "Capabilities") {
			return true
		}
	}
	return slices.ContainsFunc(loaded.Dependencies(), func(sub *chart.Chart) bool {
		return mentionsCapabilities(sub, nil)
	})
}
