package engine

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/Masterminds/semver/v3"
)

type semverArguments struct {
	Constraint  string   `json:"constraint"`
	Versions    []string `json:"versions"`
	Prereleases bool     `json:"prereleases"`
}

type semverAnswer struct {
	Version *string `json:"version"`
}

// semverBest finds the highest version that a constraint allows, as Helm does for a dependency: an exact match of the
// text first, anything that is no version passed over, pre-releases only where the constraint names one.
func semverBest(_ context.Context, request json.RawMessage) (any, error) {
	args, err := arguments[semverArguments](request)
	if err != nil {
		return nil, err
	}
	constraint, err := constraintOf(args)
	if err != nil {
		return nil, fmt.Errorf("%q is not a version constraint: %w", args.Constraint, err)
	}
	var best *semver.Version
	for _, text := range args.Versions {
		if text == args.Constraint {
			return semverAnswer{&text}, nil
		}
		version, err := semver.NewVersion(text)
		if err == nil && constraint.Check(version) && (best == nil || version.GreaterThan(best)) {
			best = version
		}
	}
	if best == nil {
		return semverAnswer{}, nil
	}
	original := best.Original()
	return semverAnswer{&original}, nil
}

func constraintOf(args semverArguments) (*semver.Constraints, error) {
	text := args.Constraint
	if text == "" {
		text = "*"
	}
	constraint, err := semver.NewConstraint(text)
	if err == nil {
		constraint.IncludePrerelease = args.Prereleases
	}
	return constraint, err
}
