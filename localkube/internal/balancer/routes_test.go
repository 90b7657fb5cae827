package balancer

import (
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
)

func TestTheClosestHostAndThenTheLongestPathWins(t *testing.T) {
	prefix, exact := networkingv1.PathTypePrefix, networkingv1.PathTypeExact
	rules := []candidate{
		{"", "/", prefix, nil}, {"*.example.com", "/", prefix, nil}, {"web.example.com", "/", prefix, nil},
		{"web.example.com", "/shop", prefix, nil}, {"web.example.com", "/shop", exact, nil},
	}
	for _, play := range []struct {
		host, path string
		wins       int
	}{
		{"elsewhere.org", "/", 0}, {"api.example.com", "/x", 1}, {"a.b.example.com", "/", 0}, {"example.com", "/", 0},
		{"web.example.com", "/shopping", 2}, {"web.example.com", "/shop/1", 3}, {"web.example.com", "/shop", 4}, {"", "/", 0},
	} {
		best, score := -1, 0
		for i, rule := range rules {
			if got := rule.fits(play.host, play.path); got > score {
				best, score = i, got
			}
		}
		if best != play.wins {
			t.Errorf("%s%s: rule %d, want %d", play.host, play.path, best, play.wins)
		}
	}
}
