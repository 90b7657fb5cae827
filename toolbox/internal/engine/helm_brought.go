package engine

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"helm.sh/helm/v4/pkg/chart/loader/archive"

	"tiphys.dev/toolbox/internal/files"
)

// broughtChart is a dependency that does not lie under its chart's charts/ folder, and the place there that it is to
// be read as if it lay at: a folder of the tree, or an archive, wherever the parent keeps those. Nothing is copied.
type broughtChart struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Charts that need charts that need charts: deeper than this is a circle.
const deepest = 32

// gathered is a chart's files with those of what is brought to it, each with what is brought to it in turn. A folder's
// .helmignore counts, as when Helm packages the dependency.
func gathered(tree *files.Tree, dir string, brought []broughtChart, depth int) ([]*archive.BufferedFile, error) {
	if depth > deepest {
		return nil, fmt.Errorf("%s: charts depend on each other more than %d deep", path.Base(dir), deepest)
	}
	all, err := chartFiles(tree, dir)
	if err != nil {
		return nil, err
	}
	taken := map[string]broughtChart{}
	for _, b := range brought {
		if filepath.Dir(filepath.Clean(b.To)) != filepath.Join(dir, "charts") {
			continue
		}
		name := path.Base(b.To)
		if other, known := taken[name]; known && other == b {
			continue // one chart under two aliases
		} else if known {
			name = fmt.Sprintf("%s-%d", name, len(taken))
		}
		taken[name] = b
		added, err := b.read(tree, name, brought, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, added...)
	}
	return all, nil
}

func (b broughtChart) read(
	tree *files.Tree, name string, brought []broughtChart, depth int,
) ([]*archive.BufferedFile, error) {
	if filepath.Ext(name) == ".tgz" {
		data, err := b.archive()
		return []*archive.BufferedFile{{Name: "charts/" + name, Data: data}}, err
	}
	inside, err := gathered(tree, filepath.Clean(b.From), brought, depth+1)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(inside, func(f *archive.BufferedFile) bool { return f.Name == "Chart.yaml" }) {
		return nil, fmt.Errorf("dependency %s: Chart.yaml file is missing", name)
	}
	for _, file := range inside {
		file.Name = "charts/" + name + "/" + file.Name
	}
	return inside, nil
}

// archive reads a chart's archive from where the parent keeps it, which no user chooses.
func (b broughtChart) archive() ([]byte, error) {
	info, err := os.Lstat(b.From)
	if err != nil {
		return nil, fmt.Errorf("archive %s of a dependency: %w", filepath.Base(b.From), err)
	}
	if info.Mode()&fs.ModeType != 0 || info.Size() > chartCaps.AllBytes {
		return nil, fmt.Errorf("archive %s of a dependency is no regular file of at most %d bytes",
			filepath.Base(b.From), chartCaps.AllBytes)
	}
	return os.ReadFile(b.From)
}
