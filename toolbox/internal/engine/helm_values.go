package engine

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"

	"tiphys.dev/toolbox/internal/files"
)

// The most that is read of one value file.
const maxValuesBytes = 16 << 20

// givenValues are what outranks the chart's own, each outranking those before it: value files in their order, then
// the values object or else the values text, then parameters as --set, --set-string and --set-file read them.
// A values object stands in for the text and is not merged with it: so it is in Argo CD.
func (args helmArguments) givenValues(tree *files.Tree) (map[string]any, error) {
	values := map[string]any{}
	for _, path := range args.ValueFiles {
		text, err := tree.Read(path, maxValuesBytes)
		if err != nil {
			return nil, fmt.Errorf("value file %w", err)
		}
		name, _ := tree.Name(path)
		if values, err = merged(values, name, text); err != nil {
			return nil, err
		}
	}
	name, text, err := args.inlineValues()
	if err != nil {
		return nil, err
	}
	if values, err = merged(values, name, text); err != nil {
		return nil, err
	}
	return values, args.setInto(values, tree)
}

func (args helmArguments) inlineValues() (name string, text []byte, err error) {
	if isNull(args.ValuesObject) {
		return "values", []byte(args.Values), nil
	}
	// By way of YAML text, as Argo CD hands it to Helm, so that a number is what it would be there.
	text, err = yaml.JSONToYAML(args.ValuesObject)
	return "valuesObject", text, err
}

func merged(values map[string]any, name string, text []byte) (map[string]any, error) {
	added, err := loader.LoadValues(bytes.NewReader(text))
	if err == nil {
		return loader.MergeMaps(values, added), nil
	}
	documents, mistake := decodeText(name, text)
	if mistake != nil {
		return nil, fmt.Errorf("failed to parse %w", mistake)
	}
	for _, d := range documents {
		if !bytes.HasPrefix(d.Object, []byte("{")) {
			return nil, fmt.Errorf("failed to parse %s: line %d: not a mapping of names to values", name, d.Line)
		}
	}
	return nil, fmt.Errorf("failed to parse %s: %w", name, err)
}

func (args helmArguments) setInto(values map[string]any, tree *files.Tree) error {
	for _, assignment := range args.Set {
		if err := strvals.ParseInto(assignment, values); err != nil {
			return fmt.Errorf("failed parsing parameter %q: %w", nameOf(assignment), err)
		}
	}
	for _, assignment := range args.SetString {
		if err := strvals.ParseIntoString(assignment, values); err != nil {
			return fmt.Errorf("failed parsing parameter %q: %w", nameOf(assignment), err)
		}
	}
	read := func(path []rune) (any, error) {
		name := string(path)
		if !filepath.IsAbs(name) {
			name = filepath.Join(args.Dir, name)
		}
		text, err := tree.Read(name, maxValuesBytes)
		return string(text), err
	}
	for _, assignment := range args.SetFile {
		if err := strvals.ParseIntoFile(assignment, values, read); err != nil {
			return fmt.Errorf("failed parsing file parameter %q: %w", nameOf(assignment), err)
		}
	}
	return nil
}

// nameOf is a parameter without its value, which may be a secret.
func nameOf(assignment string) string {
	name, _, _ := strings.Cut(assignment, "=")
	return name
}
