// Package tell prints what each call of an admin client gave, for compat/admin/clients to compare.
package tell

import (
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"
)

// Call prints a call's name, then what it gave, a line for each item: fields in their order, maps by key.
func Call(name string, call func() (any, error)) {
	fmt.Printf("@ %s\n", name)
	value, err := attempt(call)
	if err != nil {
		fmt.Printf("error %s\n", words(err))
		return
	}
	for _, leaf := range leaves("", reflect.ValueOf(value), 0) {
		fmt.Println(leaf)
	}
}

// Done is for calls that give nothing but an error.
func Done(name string, call func() error) {
	Call(name, func() (any, error) { return "done", call() })
}

// Until waits for what a broker of Kafka shows some time after its controller has answered.
func Until(what string, done func() bool) {
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			fmt.Fprintln(os.Stderr, "waited in vain until", what)
			os.Exit(1)
		}
	}
}

func attempt(call func() (any, error)) (value any, err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = fmt.Errorf("panic: %v", caught)
		}
	}()
	return call()
}

func words(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

var errorType = reflect.TypeOf((*error)(nil)).Elem()

// leaves gives a line for each leaf, behind the path to it. Lists of structs are in order: the broker's order, or the
// client's, is that of a hash table.
func leaves(path string, value reflect.Value, depth int) []string {
	if !value.IsValid() || depth > 12 {
		return []string{path + ": nothing"}
	}
	if value.CanInterface() && value.Type().Implements(errorType) && !(value.Kind() == reflect.Ptr && value.IsNil()) {
		if err, ok := value.Interface().(error); ok && err != nil {
			return []string{path + ": " + words(err)}
		}
	}
	var made []string
	switch value.Kind() {
	case reflect.Ptr, reflect.Interface:
		if value.IsNil() {
			return []string{path + ": nothing"}
		}
		return leaves(path, value.Elem(), depth+1)
	case reflect.Struct:
		for i := 0; i < value.NumField(); i++ {
			if field := value.Type().Field(i); field.IsExported() {
				made = append(made, leaves(path+"."+field.Name, value.Field(i), depth+1)...)
			}
		}
	case reflect.Map:
		keys := value.MapKeys()
		sort.Slice(keys, func(a, b int) bool { return fmt.Sprint(keys[a]) < fmt.Sprint(keys[b]) })
		for _, key := range keys {
			made = append(made, leaves(fmt.Sprintf("%s[%v]", path, key), value.MapIndex(key), depth+1)...)
		}
	case reflect.Slice, reflect.Array:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			bytes := make([]byte, value.Len())
			reflect.Copy(reflect.ValueOf(bytes), value)
			return []string{path + ": " + hex.EncodeToString(bytes)}
		}
		made = elements(path, value, depth)
	default:
		return []string{fmt.Sprintf("%s: %v", path, value)}
	}
	if len(made) == 0 {
		return []string{path + ": empty"}
	}
	return made
}

func elements(path string, list reflect.Value, depth int) []string {
	var each [][]string
	inOrder := true
	for i := 0; i < list.Len(); i++ {
		element := list.Index(i)
		for element.Kind() == reflect.Ptr || element.Kind() == reflect.Interface {
			element = element.Elem()
		}
		inOrder = inOrder && element.Kind() != reflect.Struct
		each = append(each, leaves("", list.Index(i), depth+1))
	}
	if !inOrder {
		sort.Slice(each, func(a, b int) bool { return strings.Join(each[a], "\n") < strings.Join(each[b], "\n") })
	}
	labels := labelsOf(list)
	var made []string
	for i, lines := range each {
		label := fmt.Sprint(i)
		if labels != nil {
			label = labels[i]
		}
		for _, line := range lines {
			made = append(made, fmt.Sprintf("%s[%s]%s", path, label, line))
		}
	}
	return made
}

// labelsOf gives the names of configs, in order, so that one more or less of them moves no other; nil for other lists.
func labelsOf(list reflect.Value) []string {
	var labels []string
	for i := 0; i < list.Len(); i++ {
		element := reflect.Indirect(list.Index(i))
		if element.Kind() != reflect.Struct || !strings.HasPrefix(element.Type().Name(), "Config") || element.Type().Name() == "ConfigSynonym" {
			return nil
		}
		for _, field := range []string{"Key", "Name"} {
			if name := element.FieldByName(field); name.IsValid() && name.Kind() == reflect.String {
				labels = append(labels, name.String())
				break
			}
		}
	}
	sort.Strings(labels)
	if len(labels) != list.Len() {
		return nil
	}
	return labels
}
