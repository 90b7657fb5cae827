package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

// What an install or an upgrade needs: the objects in Helm's order, the hooks, and the release as Helm records it.
// Nothing of it is sent to a cluster here; who does so fills in status, times and what became of the hooks.

type releaseArguments struct {
	helmArguments
	// What lookup found when the same was rendered before; what is not told yet is asked for in the answer.
	Lookups []lookedUp `json:"lookups"`
}

// lookedUp is an object that a template looks for in the cluster, or a list where the name is empty.
type lookedUp struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Namespace  string         `json:"namespace"`
	Name       string         `json:"name"`
	Object     map[string]any `json:"object,omitempty"`
}

type releaseHook struct {
	File           string                     `json:"file"`
	Events         []release.HookEvent        `json:"events"`
	Weight         int                        `json:"weight"`
	DeletePolicies []release.HookDeletePolicy `json:"deletePolicies"`
	Object         json.RawMessage            `json:"object"`
}

type releaseAnswer struct {
	Objects []helmObject  `json:"objects"`
	Hooks   []releaseHook `json:"hooks"`
	// Its hooks stand at the same places as those above.
	Release  *release.Release `json:"release"`
	Lookups  []lookedUp       `json:"lookups"`
	Warnings []string         `json:"warnings"`
}

type definitionsAnswer struct {
	Objects []helmObject `json:"objects"`
}

// helmCRDs gives the crds/ folders of a chart and of those subcharts that the values let in: what an install brings
// to the cluster before the templates are rendered.
func helmCRDs(_ context.Context, request json.RawMessage) (any, error) {
	args, err := arguments[helmArguments](request)
	if err != nil {
		return nil, err
	}
	tree, err := args.open()
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	loaded, given, err := args.loaded(tree)
	if err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(loaded, given); err != nil {
		return nil, fmt.Errorf("chart dependencies processing failed: %w", err)
	}
	objects, err := definitions(loaded)
	return definitionsAnswer{objects}, err
}

// helmRelease renders a chart as an install or an upgrade does, by Helm's own functions.
func helmRelease(_ context.Context, request json.RawMessage) (any, error) {
	args, err := arguments[releaseArguments](request)
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
	questions := &questions{known: args.Lookups, asked: []lookedUp{}}
	made, err := args.made(tree, watchedFunctions(questions.look))
	if len(questions.asked) > 0 {
		// What it would be without an answer is of no interest, be it a failure.
		return releaseAnswer{Lookups: questions.asked}, nil
	}
	if err != nil {
		return nil, err
	}
	answer, err := args.released(made)
	answer.Lookups, answer.Warnings = questions.asked, warnings.said()
	return answer, err
}

// questions answers lookups from what is known, and notes what is not.
type questions struct {
	known []lookedUp
	asked []lookedUp
}

func (q *questions) look(apiVersion, kind, namespace, name string) (map[string]any, error) {
	for _, found := range append(q.known, q.asked...) {
		if found.APIVersion == apiVersion && found.Kind == kind && found.Namespace == namespace && found.Name == name {
			return copied(found.Object)
		}
	}
	q.asked = append(q.asked, lookedUp{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name})
	return map[string]any{}, nil
}

// copied keeps a template from changing what another one sees.
func copied(object map[string]any) (map[string]any, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	fresh := map[string]any{}
	err = json.Unmarshal(text, &fresh)
	if fresh == nil {
		fresh = map[string]any{}
	}
	return fresh, err
}

// released is the release of what was made, with its manifest written and its notes taken as Helm does.
func (args releaseArguments) released(made made) (releaseAnswer, error) {
	// For its errors, which name file and line.
	if _, err := decodeRendered(made.files); err != nil {
		return releaseAnswer{}, err
	}
	notes := made.files[path.Join(made.chart.Name(), "templates", "NOTES.txt")]
	for file := range made.files {
		if strings.HasSuffix(file, "NOTES.txt") {
			delete(made.files, file)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(made.files, nil, releaseutil.InstallOrder)
	if err != nil {
		return releaseAnswer{}, err
	}
	answer := releaseAnswer{Objects: []helmObject{}, Hooks: []releaseHook{}}
	var text strings.Builder
	for index, manifest := range manifests {
		fmt.Fprintf(&text, "---\n# Source: %s\n%s\n", manifest.Name, manifest.Content)
		object, err := part{manifest.Name, 1, []byte(manifest.Content)}.decode()
		if err != nil {
			return releaseAnswer{}, err
		}
		if !isNull(object) {
			answer.Objects = append(answer.Objects, helmObject{manifest.Name, index, object})
		}
	}
	for _, hook := range hooks {
		object, err := part{hook.Path, 1, []byte(hook.Manifest)}.decode()
		if err != nil {
			return releaseAnswer{}, err
		}
		shown := releaseHook{hook.Path, hook.Events, hook.Weight, hook.DeletePolicies, object}
		answer.Hooks = append(answer.Hooks, shown)
	}
	answer.Release = &release.Release{
		Name:        args.ReleaseName,
		Namespace:   args.Namespace,
		Version:     max(1, args.Revision),
		Chart:       made.chart,
		Config:      made.given,
		Manifest:    text.String(),
		Hooks:       hooks,
		Info:        &release.Info{Notes: notes},
		ApplyMethod: string(release.ApplyMethodServerSideApply),
	}
	return answer, nil
}
