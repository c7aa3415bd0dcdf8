// Reads a JSON list of objects and writes what kstatus, the library by which Flux judges them, says of each.
package main

import (
	"encoding/json"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func main() {
	var objects []map[string]any
	decoder := json.NewDecoder(os.Stdin)
	check(decoder.Decode(&objects))
	verdicts := []verdict{}
	for _, object := range objects {
		result, err := status.Compute(&unstructured.Unstructured{Object: integers(object).(map[string]any)})
		check(err)
		verdicts = append(verdicts, verdict{result.Status.String(), result.Message})
	}
	check(json.NewEncoder(os.Stdout).Encode(verdicts))
}

// integers makes whole numbers of them, as an API client does: JSON alone knows floating-point numbers only.
func integers(value any) any {
	switch typed := value.(type) {
	case map[string]any:
		for key, child := range typed {
			typed[key] = integers(child)
		}
	case []any:
		for index, child := range typed {
			typed[index] = integers(child)
		}
	case float64:
		if typed == float64(int64(typed)) {
			return int64(typed)
		}
	}
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
