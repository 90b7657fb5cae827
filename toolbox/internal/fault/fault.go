// Package fault knows the two kinds of errors that an answer can carry: the user's files are wrong (spec), or
// something here is (internal). Every plain error counts as spec, because nearly all of them are what Helm, YAML or
// jq say of a user's text; what is not the user's doing is marked by Internal.
package fault

import (
	"errors"
	"fmt"
)

// The kinds, as they stand in an answer.
const (
	Spec     = "spec"
	Internal = "internal"
)

type internal struct{ error }

func (i internal) Unwrap() error { return i.error }

// Internalf makes an error that a change of the user's files would not mend.
func Internalf(format string, args ...any) error {
	return internal{fmt.Errorf(format, args...)}
}

// KindOf tells whether the user's files or we are to blame.
func KindOf(err error) string {
	if _, ours := errors.AsType[internal](err); ours {
		return Internal
	}
	return Spec
}
