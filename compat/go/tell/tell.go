// Package tell prints what each call of an admin client gave, for compat/admin/clients to compare.
package tell

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strings"
)

// Call prints a call's name, then what it gave, a line for each item: fields in their order, maps by key.
func Call(name string, call func() (any, error)) {
	fmt.Printf("@ %s\n", name)
	value, err := attempt(call)
	if err != nil {
		fmt.Printf("error %s\n", words(err))
		return
	}
	walk("", reflect.ValueOf(value), 0)
}

// Done is for calls that give nothing but an error.
func Done(name string, call func() error) {
	Call(name, func() (any, error) { return "done", call() })
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

// walk prints one line for each leaf, behind the path to it.
func walk(path string, value reflect.Value, depth int) {
	if !value.IsValid() || depth > 12 {
		fmt.Printf("%s: nothing\n", path)
		return
	}
	if value.CanInterface() && value.Type().Implements(errorType) && !(value.Kind() == reflect.Ptr && value.IsNil()) {
		if err, ok := value.Interface().(error); ok && err != nil && !errors.Is(err, nil) {
			fmt.Printf("%s: %s\n", path, words(err))
			return
		}
	}
	switch value.Kind() {
	case reflect.Ptr, reflect.Interface:
		if value.IsNil() {
			fmt.Printf("%s: nothing\n", path)
			return
		}
		walk(path, value.Elem(), depth+1)
	case reflect.Struct:
		for i := 0; i < value.NumField(); i++ {
			if field := value.Type().Field(i); field.IsExported() {
				walk(path+"."+field.Name, value.Field(i), depth+1)
			}
		}
	case reflect.Map:
		keys := value.MapKeys()
		sort.Slice(keys, func(a, b int) bool { return fmt.Sprint(keys[a]) < fmt.Sprint(keys[b]) })
		for _, key := range keys {
			walk(fmt.Sprintf("%s[%v]", path, key), value.MapIndex(key), depth+1)
		}
		if len(keys) == 0 {
			fmt.Printf("%s: empty\n", path)
		}
	case reflect.Slice, reflect.Array:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			bytes := make([]byte, value.Len())
			reflect.Copy(reflect.ValueOf(bytes), value)
			fmt.Printf("%s: %s\n", path, hex.EncodeToString(bytes))
			return
		}
		for i := 0; i < value.Len(); i++ {
			walk(fmt.Sprintf("%s[%d]", path, i), value.Index(i), depth+1)
		}
		if value.Len() == 0 {
			fmt.Printf("%s: empty\n", path)
		}
	default:
		fmt.Printf("%s: %v\n", path, value)
	}
}
