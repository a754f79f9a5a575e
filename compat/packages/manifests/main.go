// Reads manifests of Kubernetes, documents of YAML on standard input, as the API server does with strict validation: a
// field that its kind does not have is an error, and so is a value of another type. Prints each kind and name.
package main

import (
	"bytes"
	"fmt"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

var kinds = map[string]func() any{
	"v1/ConfigMap":                  func() any { return &corev1.ConfigMap{} },
	"v1/Secret":                     func() any { return &corev1.Secret{} },
	"v1/Service":                    func() any { return &corev1.Service{} },
	"v1/ServiceAccount":             func() any { return &corev1.ServiceAccount{} },
	"apps/v1/StatefulSet":           func() any { return &appsv1.StatefulSet{} },
	"policy/v1/PodDisruptionBudget": func() any { return &policyv1.PodDisruptionBudget{} },
}

func check(document []byte) error {
	var head struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
	}
	if err := yaml.Unmarshal(document, &head); err != nil {
		return err
	}
	name := head.APIVersion + "/" + head.Kind
	make, known := kinds[name]
	if !known {
		return fmt.Errorf("%s: no kind that is known here", name)
	}
	if err := yaml.UnmarshalStrict(document, make()); err != nil {
		return fmt.Errorf("%s %s: %w", name, head.Name, err)
	}
	fmt.Println(name, head.Name)
	return nil
}

func main() {
	var input bytes.Buffer
	if _, err := input.ReadFrom(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	failed := false
	for _, document := range bytes.Split(append([]byte("\n"), input.Bytes()...), []byte("\n---")) {
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		if err := check(document); err != nil {
			fmt.Fprintln(os.Stderr, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}
