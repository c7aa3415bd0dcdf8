/** A kubeconfig with one cluster and one user, who shows a bearer token. `ca` is PEM. */
export function kubeconfig(name: string, access: { url: string; ca: string; token: string }): string {
  return `apiVersion: v1
kind: Config
current-context: ${name}
contexts:
  - name: ${name}
    context:
      cluster: ${name}
      user: ${name}
clusters:
  - name: ${name}
    cluster:
      server: ${access.url}
      certificate-authority-data: ${Buffer.from(access.ca).toString("base64")}
users:
  - name: ${name}
    user:
      token: ${access.token}
`;
}
