// Prints random requests and what kube-apiserver makes of them, one JSON line each. See README.md.
package main

import (
	"encoding/json"
	"math/rand"
	"net/http"
	"net/url"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
)

var r = rand.New(rand.NewSource(20261122))

func pick(of string) string {
	words := strings.Fields(of)
	return words[r.Intn(len(words))]
}

const (
	roots      = "healthz livez readyz version metrics openapi logs api apis apiz debug watch namespaces Api"
	rootPaths  = "v2 v3 ping etcd apis pprof api v1 pods watch"
	versions   = "v1 v1 v1 v2 v1beta1 watch proxy namespaces"
	groups     = "apps batch rbac.authorization.k8s.io example.com watch namespaces v1"
	specials   = "watch watch watch proxy Watch %77atch %70roxy"
	namespaces = "namespaces namespaces namespaces Namespaces %6Eamespaces"
	spaces     = "default kube-system a status namespaces watch pods finalize"
	ofSpaces   = "status finalize Status scale %73tatus"
	trailing   = "a metrics api v1 watch exec"
	methods    = "GET GET GET HEAD POST PUT PATCH DELETE DELETE"
)

var levels = []string{
	"pods deployments services nodes namespaces secrets watch proxy status jobs %70ods Pods events serviceaccounts",
	"web-0 a status exec system:node https:web:443 * web%2D0 namespaces %E2%82%AC a%20b watch finalize x.y.z log",
	"status scale exec log attach proxy portforward ephemeralcontainers eviction token finalize binding approval resize %65xec Exec watch",
	trailing, trailing,
}

const parameters = `watch=true watch=1 watch watch= watch=false watch=0 watch=FALSE watch=False watch=t watch=f watch=no watch=%30
	watch=%66alse watch=true%20 Watch=true %77atch=1 watch=+0 watch=00 limit=500 limit=-1 timeoutSeconds=30 allowWatchBookmarks=true
	resourceVersion=0 continue=abc follow=true pretty=true command=a labelSelector=app%3Dweb labelSelector=app+in+%28a%2Cb%29
	fieldSelector= fieldSelector=metadata.name%3Dweb-0 fieldSelector=metadata.name==web-0 fieldSelector=metadata.name!=web-0
	fieldSelector=status.phase=Running fieldSelector=status.phase=Running,metadata.name=web-1 fieldSelector=metadata.name=a,spec.nodeName=b
	fieldSelector=metadata.name%3D fieldSelector=metadata.name%3D.. fieldSelector=metadata.name%3Da%2Fb fieldSelector=metadata.name%3Da%5C%2Cb
	fieldSelector=metadata.name%3Da%5C%3Db fieldSelector=metadata.name%3Da%5C%5Cb fieldSelector=,metadata.name%3Da,
	fieldSelector=metadata.name+%3Da fieldSelector=+metadata.name%3Da fieldSelector=metadata.name%3D+a fieldSelector=metadata.name%3D%3D%3D
	fieldSelector=metadata.namespace=x fieldSelector=Metadata.name=x fieldSelector=a!metadata.name=x fieldSelector==metadata.name
	fieldSelector=metadata.name%3Da%5C%2Cmetadata.name%3Db fieldSelector=metadata.name=%2525`

func path() string {
	if r.Intn(12) == 0 {
		parts := []string{pick(roots)}
		for i := r.Intn(4); i > 0; i-- {
			parts = append(parts, pick(rootPaths))
		}
		return "/" + strings.Join(parts, "/")
	}
	parts := []string{"api", pick(versions)}
	if r.Intn(2) == 0 {
		parts = []string{"apis", pick(groups), pick(versions)}
	}
	if r.Intn(6) == 0 {
		parts = append(parts, pick(specials))
	}
	if r.Intn(3) > 0 {
		parts = append(parts, pick(namespaces), pick(spaces))
		if r.Intn(8) == 0 {
			parts = append(parts, pick(ofSpaces))
		}
	}
	for _, level := range levels[:r.Intn(5)] {
		parts = append(parts, pick(level))
	}
	return "/" + strings.Join(parts, "/")
}

func query() string {
	given := map[string]bool{}
	var pairs []string
	for i := r.Intn(4) - 1; i > 0; i-- {
		pair := pick(parameters)
		name, _ := url.QueryUnescape(strings.SplitN(pair, "=", 2)[0])
		if !given[name] {
			pairs = append(pairs, pair)
		}
		given[name] = true
	}
	if len(pairs) == 0 {
		return ""
	}
	return "?" + strings.Join(pairs, "&")
}

func main() {
	factory := &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	seen := map[string]bool{}
	for len(seen) < 2000 {
		method, target := pick(methods), path()+query()
		if seen[method+target] {
			continue
		}
		seen[method+target] = true
		req, err := http.NewRequest(method, target, nil)
		if err != nil {
			panic(err)
		}
		var answer any
		if info, err := factory.NewRequestInfo(req); err == nil {
			answer = []any{info.IsResourceRequest, info.Verb, info.APIGroup, info.APIVersion, info.Resource, info.Subresource,
				info.Namespace, info.Name, info.FieldSelector, info.LabelSelector, info.Path}
		}
		if err := out.Encode([]any{method, target, answer}); err != nil {
			panic(err)
		}
	}
}
