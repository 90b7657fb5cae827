package engine

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"
	"sigs.k8s.io/yaml"

	"tiphys.dev/toolbox/internal/files"
)

// chartCaps bound a chart's folder with all its dependencies. Helm has the same for one file and for an archive.
var chartCaps = files.Caps{
	Files:     20_000,
	FileBytes: archive.MaxDecompressedFileSize,
	AllBytes:  archive.MaxDecompressedChartSize,
}

// loadChart reads a chart as Helm does, except that links lead nowhere outside of the tree, and that the order of
// subcharts does not depend on chance.
func loadChart(tree *files.Tree, dir string, brought []broughtChart) (*chart.Chart, error) {
	buffered, err := gathered(tree, dir, brought, 0)
	if err != nil {
		return nil, err
	}
	if err := isLoadable(buffered); err != nil {
		return nil, err
	}
	loaded, err := loader.LoadFiles(buffered)
	if err != nil {
		return nil, cmp.Or(misspelt(buffered), err)
	}
	if loaded.Metadata.Type == "library" {
		return nil, fmt.Errorf("%s: library charts are not installable; "+
			"name it as a dependency of an application chart", loaded.Name())
	}
	sortSubcharts(loaded)
	return loaded, dependenciesPresent(loaded)
}

func chartFiles(tree *files.Tree, dir string) ([]*archive.BufferedFile, error) {
	rules, err := ignoreRules(tree, dir)
	if err != nil {
		return nil, err
	}
	skip := func(name string, info fs.FileInfo) bool { return rules.Ignore(name, info) }
	found, err := tree.Walk(dir, skip, chartCaps)
	if err != nil {
		return nil, err
	}
	buffered := make([]*archive.BufferedFile, len(found))
	for i, file := range found {
		buffered[i] = &archive.BufferedFile{Name: file.Name, ModTime: file.Info.ModTime(), Data: file.Data}
	}
	return buffered, nil
}

func ignoreRules(tree *files.Tree, dir string) (*ignore.Rules, error) {
	rules := ignore.Empty()
	name := filepath.Join(dir, ignore.HelmIgnore)
	if tree.Has(name) {
		text, err := tree.Read(name, chartCaps.FileBytes)
		if err != nil {
			return nil, err
		}
		if rules, err = ignore.Parse(bytes.NewReader(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", ignore.HelmIgnore, err)
		}
	}
	rules.AddDefaults()
	return rules, nil
}

func isLoadable(buffered []*archive.BufferedFile) error {
	at := slices.IndexFunc(buffered, func(f *archive.BufferedFile) bool { return f.Name == "Chart.yaml" })
	if at < 0 {
		return errors.New("Chart.yaml file is missing")
	}
	var head struct {
		APIVersion string `json:"apiVersion"`
	}
	if err := yaml.Unmarshal(buffered[at].Data, &head); err != nil {
		return cmp.Or(misspelt(buffered), fmt.Errorf("cannot load Chart.yaml: %w", err))
	}
	switch head.APIVersion {
	case "", chart.APIVersionV1, chart.APIVersionV2:
		return nil
	}
	return fmt.Errorf("Chart.yaml: apiVersion %q is not supported; v1 and v2 are", head.APIVersion)
}

// misspelt looks for the file that is not YAML, because Helm names neither it nor the right line.
func misspelt(buffered []*archive.BufferedFile) error {
	for _, file := range buffered {
		switch path.Base(file.Name) {
		case "Chart.yaml", "Chart.lock", "values.yaml", "requirements.yaml", "requirements.lock":
			if _, err := decodeText(file.Name, file.Data); err != nil && !strings.Contains(file.Name, "templates/") {
				return err
			}
		}
	}
	return nil
}

func sortSubcharts(loaded *chart.Chart) {
	subcharts := slices.SortedStableFunc(slices.Values(loaded.Dependencies()), func(a, b *chart.Chart) int {
		return cmp.Or(cmp.Compare(a.Name(), b.Name()), cmp.Compare(a.Metadata.Version, b.Metadata.Version))
	})
	loaded.SetDependencies(subcharts...)
	for _, sub := range subcharts {
		sortSubcharts(sub)
	}
}

func dependenciesPresent(loaded *chart.Chart) error {
	var missing []string
	for _, wanted := range loaded.Metadata.Dependencies {
		present := func(sub *chart.Chart) bool { return sub.Name() == wanted.Name }
		if !slices.ContainsFunc(loaded.Dependencies(), present) {
			missing = append(missing, wanted.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("found in Chart.yaml, but missing in charts/ directory: %s", strings.Join(missing, ", "))
	}
	return nil
}
