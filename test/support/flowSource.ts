/** A small valid flow. */
export function flowSource(namespace: string, id: string, message = "hello"): string {
  return `id: ${id}
namespace: ${namespace}
# kept byte for byte
tasks:
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: ${JSON.stringify(message)}
`;
}
