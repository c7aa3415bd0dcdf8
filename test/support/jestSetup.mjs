// With @dot-i/k8s-operator in the import graph, jest's ESM loader reports a false require cycle unless the client is loaded first.
await import("@kubernetes/client-node");
