package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

type helmObject struct {
	File   string          `json:"file"`
	Index  int             `json:"index"`
	Object json.RawMessage `json:"object"`
}

// objects are what `helm template --include-crds` prints, in its order: the crds/ folders, the templates by kind, the
// hooks. Notes are no objects, and a file whose name begins with an underscore is only there to be included.
func (args helmArguments) objects(loaded *chart.Chart, rendered map[string]string) ([]helmObject, error) {
	objects := []helmObject{}
	if !args.SkipCRDs {
		crds, err := definitions(loaded)
		if err != nil {
			return nil, err
		}
		objects = crds
	}
	made, err := decodeRendered(rendered)
	if err != nil {
		return nil, err
	}
	ordered, err := args.inInstallOrder(made)
	return append(objects, ordered...), err
}

// definitions are the objects of the crds/ folders, which no template has a say in.
func definitions(loaded *chart.Chart) ([]helmObject, error) {
	objects := []helmObject{}
	for _, crd := range loaded.CRDObjects() {
		documents, err := decodeText(yamlName(crd.Filename), crd.File.Data)
		if err != nil {
			return nil, err
		}
		for _, d := range documents {
			objects = append(objects, helmObject{crd.Filename, d.Index, d.Object})
		}
	}
	return objects, nil
}

// yamlName keeps a .json file of crds/ from being read more strictly than Helm's printed YAML would be.
func yamlName(file string) string { return strings.TrimSuffix(file, ".json") }

func decodeRendered(rendered map[string]string) ([]helmObject, error) {
	var made []helmObject
	for _, file := range slices.Sorted(maps.Keys(rendered)) {
		if strings.HasPrefix(path.Base(file), "_") || strings.HasSuffix(file, "NOTES.txt") {
			continue
		}
		for index, part := range splitAsHelm(file, rendered[file]) {
			object, err := part.decode()
			if err != nil {
				return nil, fmt.Errorf("YAML parse error on %w", err)
			}
			if isNull(object) {
				continue
			}
			if object[0] != '{' {
				return nil, fmt.Errorf("YAML parse error on %s: line %d: not an object but %s%s",
					file, part.line, kindOfJSON(object), part.quote(1))
			}
			made = append(made, helmObject{file, index, object})
		}
	}
	return made, nil
}

var separator = regexp.MustCompile(`(?m)^---[ \t]*`)

// splitAsHelm cuts rendered text as Helm's SplitManifests does, and keeps the lines.
func splitAsHelm(file, text string) []part {
	var parts []part
	base := len(text) - len(strings.TrimLeftFunc(text, unicode.IsSpace))
	keep := func(from, to int) {
		document := strings.TrimLeftFunc(text[from:to], unicode.IsSpace)
		if document != "" {
			line := 1 + strings.Count(text[:to-len(document)], "\n")
			parts = append(parts, part{file, line, []byte(document)})
		}
	}
	begin := base
	for _, at := range separator.FindAllStringIndex(text[base:], -1) {
		keep(begin, base+at[0])
		begin = base + at[1]
	}
	keep(begin, len(text))
	return parts
}

func kindOfJSON(object json.RawMessage) string {
	switch object[0] {
	case '[':
		return "a list"
	case '"':
		return "a text"
	}
	return "a bare value"
}

// inInstallOrder lets Helm itself sort the objects by kind and tell hooks from the rest, by their heads alone.
func (args helmArguments) inInstallOrder(made []helmObject) ([]helmObject, error) {
	heads := map[string]string{}
	for position, object := range made {
		head, err := headOf(object.Object, position)
		if err != nil {
			return nil, err
		}
		heads[object.File] += "---\n" + head + "\n"
	}
	hooks, manifests, err := releaseutil.SortManifests(heads, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	ordered := make([]helmObject, 0, len(made))
	for _, manifest := range manifests {
		ordered = append(ordered, made[positionOf(manifest.Content)])
	}
	for _, hook := range hooks {
		if !args.SkipTests || !slices.Contains(hook.Events, release.HookTest) {
			ordered = append(ordered, made[positionOf(hook.Manifest)])
		}
	}
	return ordered, nil
}

type headed struct {
	APIVersion json.RawMessage `json:"apiVersion,omitempty"`
	Kind       json.RawMessage `json:"kind,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
	Position   int             `json:"position"`
}

type headMetadata struct {
	Name        json.RawMessage `json:"name,omitempty"`
	Annotations json.RawMessage `json:"annotations,omitempty"`
}

// headOf is what Helm looks at of an object, as one line, with the object's position to find it again.
func headOf(object json.RawMessage, position int) (string, error) {
	var head headed
	if err := json.Unmarshal(object, &head); err != nil {
		return "", err
	}
	if bytes.HasPrefix(head.Metadata, []byte("{")) {
		var metadata headMetadata
		if err := json.Unmarshal(head.Metadata, &metadata); err != nil {
			return "", err
		}
		short, err := json.Marshal(metadata)
		if err != nil {
			return "", err
		}
		head.Metadata = short
	}
	head.Position = position
	text, err := json.Marshal(head)
	return string(text), err
}

func positionOf(head string) int {
	var found headed
	if err := json.Unmarshal([]byte(head), &found); err != nil {
		panic(fmt.Sprintf("a head that was just written does not read: %v", err))
	}
	return found.Position
}
